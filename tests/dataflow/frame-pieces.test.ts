/** Frames in pieces: cut, carried, put together again; what does not fit is refused by name. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../core/errors.js';
import type { ChannelId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { EncodedBatch, FrameFragment } from '../../dataflow/channels/elements.js';
import { FrameAssembly } from '../../dataflow/channels/frame-assembly.js';
import { readFrameHeader } from '../../dataflow/channels/frame-header.js';
import { FramePieces, readFragment } from '../../dataflow/channels/frame-pieces.js';
import { createColumnarCodec } from '../../dataflow/columnar/columnar-codec.js';
import { noTimestamp } from '../../dataflow/contracts.js';
import { SeededRandom } from '../../testing/simulator/seeded-random.js';
import { readPlainCbor } from '../support/plain-cbor.js';

const channelId = 'e~a_0_1_0~b_1_1_0' as ChannelId;
const otherId = 'e~a_0_1_0~b_1_1_1' as ChannelId;
const codec = createColumnarCodec();

function frameOf(text: string, seq: number, id = channelId): Uint8Array {
  const writer = codec.createWriter({ channelId: id, frameBytesMax: limits.frameBytesMax, operatorName: 'words' });
  writer.add(text, noTimestamp);
  return writer.take(seq).slice();
}

const piecesFor = (pieceBytesMax: number): FramePieces => new FramePieces({ channelId, pieceBytesMax, operatorName: 'words' });

function cutAll(pieces: FramePieces, frame: Uint8Array, seq: number): Uint8Array[] {
  const count = pieces.countOf(frame.length);
  return Array.from({ length: count }, (_, index) => pieces.cut(frame, index, { seq: seq + index, backlog: count - 1 - index }));
}

function fragmentOf(message: Uint8Array): { readonly seq: number; readonly fragment: FrameFragment } {
  const header = readFrameHeader(message);
  const fragment = readFragment(message, header?.bodyOffset ?? 0);
  if (header?.kind !== 6 || fragment === undefined) throw new Error('no fragment');
  return { seq: header.seq, fragment };
}

function put(assembly: FrameAssembly, message: Uint8Array): EncodedBatch | undefined {
  const { seq, fragment } = fragmentOf(message);
  return assembly.add(seq, fragment);
}

function errorOf(action: () => unknown): MillraceError {
  try {
    action();
  } catch (error) {
    return error as MillraceError;
  }
  throw new Error('nothing was thrown');
}

const test = suite('frame pieces');

test('frames of any size come out as they went in, and no message is larger than the bus carries (FP1, FP2, FA3)', () => {
  const random = new SeededRandom(1);
  for (const pieceBytesMax of [256, 1_024, 8_192, limits.segmentBytes]) {
    const pieces = piecesFor(pieceBytesMax);
    const assembly = new FrameAssembly(channelId);
    for (let round = 0; round < 60; round += 1) {
      const frame = frameOf('x'.repeat(pieceBytesMax - 200 + random.between(0, 400) + round * random.between(0, 1_000)), round);
      if (pieces.countOf(frame.length) === 1) {
        assert.ok(frame.length <= pieceBytesMax);
        continue;
      }
      const messages = cutAll(pieces, frame, round);
      assert.ok(messages.length > 1 && messages.every(({ length }) => length <= pieceBytesMax));
      assert.ok(messages.slice(0, -1).every(({ length }) => length === pieceBytesMax));
      const results = messages.map((message) => put(assembly, message));
      assert.ok(results.slice(0, -1).every((result) => result === undefined));
      assert.equal(results.at(-1)?.payload, frame);
      assert.is(results.at(-1)?.bodyOffset, readFrameHeader(frame)?.bodyOffset);
    }
  }
});

test('a fragment is well-formed CBOR: version, channel, number, kind, backlog, size of the frame, offset, bytes', () => {
  const frame = frameOf('y'.repeat(3_000), 7);
  const [first, second] = cutAll(piecesFor(2_048), frame, 7) as [Uint8Array, Uint8Array];
  const [version, id, seq, kind, backlog, frameBytes, offset, bytes] = readPlainCbor(second) as unknown[];
  assert.equal([version, id, seq, kind, backlog, frameBytes], [1, channelId, 8, 6, 0, frame.length]);
  assert.equal(bytes, frame.slice(offset as number));
  assert.is((readPlainCbor(first) as unknown[])[4], 1);
  assert.is(readFrameHeader(first)?.backlog, 1);
});

test('fragments out of order, twice, of another size or past the end are refused, and the next frame is read (FA1)', () => {
  const pieces = piecesFor(1_024);
  const frame = frameOf('z'.repeat(4_000), 0);
  const messages = cutAll(pieces, frame, 0);
  const larger = cutAll(pieces, frameOf('z'.repeat(5_000), 0), 0);
  const bad: readonly (readonly Uint8Array[])[] = [
    [messages[1] as Uint8Array],
    [messages[0] as Uint8Array, messages[2] as Uint8Array],
    [messages[0] as Uint8Array, messages[0] as Uint8Array],
    [messages[0] as Uint8Array, larger[1] as Uint8Array],
  ];
  const assembly = new FrameAssembly(channelId);
  for (const wrong of bad) {
    const error = errorOf(() => wrong.map((message) => put(assembly, message)));
    assert.is(error.code, 'FRAME_CORRUPT');
    assert.match(error.message, 'do not fit');
    assert.not(assembly.isUnderWay);
    assert.equal(messages.map((message) => put(assembly, message)).at(-1)?.payload, frame);
  }
});

test('what is put together must be a frame of records of the channel, numbered like its first fragment (FA3)', () => {
  const pieces = piecesFor(1_024);
  const strangers: readonly Uint8Array[] = [
    frameOf('w'.repeat(2_000), 0, otherId),
    frameOf('w'.repeat(2_000), 4),
    new Uint8Array(2_000),
    cutAll(piecesFor(4_096), frameOf('w'.repeat(9_000), 0), 0)[0] as Uint8Array,
  ];
  for (const frame of strangers) {
    const assembly = new FrameAssembly(channelId);
    assert.is(errorOf(() => cutAll(pieces, frame, 0).map((message) => put(assembly, message))).code, 'FRAME_CORRUPT');
  }
});

test('a claim of gigabytes is refused, and one of the largest frame costs no more than what came (FA2)', () => {
  const bytes = new Uint8Array(100);
  const assembly = new FrameAssembly(channelId);
  assert.is(
    errorOf(() => assembly.add(0, { kind: 'fragment', frameBytes: limits.frameBytesMax + 1, offset: 0, bytes })).code,
    'FRAME_CORRUPT',
  );
  const before = process.memoryUsage().arrayBuffers;
  const assemblies = Array.from({ length: 64 }, () => new FrameAssembly(channelId));
  for (const each of assemblies) each.add(0, { kind: 'fragment', frameBytes: limits.frameBytesMax, offset: 0, bytes });
  assert.ok(process.memoryUsage().arrayBuffers - before < limits.frameBytesMax);
});

test('altered fragments are no fragment, FRAME_CORRUPT, or carry other bytes; nothing else happens', () => {
  const random = new SeededRandom(2);
  const messages = cutAll(piecesFor(512), frameOf('v'.repeat(1_500), 0), 0);
  let refused = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const assembly = new FrameAssembly(channelId);
    const at = random.between(0, messages.length - 1);
    for (const [index, message] of messages.entries()) {
      const altered = message.slice();
      if (index === at) altered[random.between(0, Math.min(altered.length - 1, 60))] = random.between(0, 255);
      const header = readFrameHeader(altered);
      const fragment = header?.kind === 6 ? readFragment(altered, header.bodyOffset) : undefined;
      if (header === undefined || fragment === undefined) {
        refused += 1;
        break;
      }
      try {
        assembly.add(header.seq, fragment);
      } catch (error) {
        assert.is((error as MillraceError).code, 'FRAME_CORRUPT', String(error));
        refused += 1;
        break;
      }
    }
  }
  assert.ok(refused > 5_000, `${refused} of 20,000 were refused`);
});

test('a bus whose messages have no room beside the head of a frame is refused by name of the operator', () => {
  const error = errorOf(() => piecesFor(128));
  assert.is(error.code, 'PAYLOAD_TOO_SMALL');
  assert.is(error.where, 'words');
  assert.match(error.hint ?? '', 'max_payload');
});

test.run();
