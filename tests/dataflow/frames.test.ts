/** Frames as bytes: well-formed, self-contained, and harmless when they are not ours. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encode } from '../../bus/codec/cbor.js';
import type { ChannelId, CheckpointId, OperatorId } from '../../core/ids.js';
import type { MillraceError } from '../../core/errors.js';
import { frameKinds, type FrameWriter } from '../../dataflow/channels/frame-codec.js';
import type { ChannelControl, RecordBatch, StreamEvent } from '../../dataflow/channels/elements.js';
import { createColumnarCodec } from '../../dataflow/columnar/columnar-codec.js';
import { maxWatermark, minWatermark, noTimestamp } from '../../dataflow/contracts.js';
import { SeededRandom } from '../../testing/simulator/seeded-random.js';

const channelId = 'edge~a_0_1_0~b_1_1_0' as ChannelId;
const frameBytesMax = 1_000_000;

const records: readonly unknown[] = [
  { word: 'ash', count: 1 },
  'text with ümlaut and 🌲',
  12.5,
  -7,
  2 ** 40,
  null,
  true,
  undefined,
  [1, [2, { deep: 'yes' }]],
  new Map([['a', 1]]),
  new Set([1, 2]),
  new Date(1_000),
  new Uint8Array([1, 2, 3]),
  123n,
  { list: [], nothing: null },
];

const codec = createColumnarCodec();

function newWriter(bytesMax = frameBytesMax, id = channelId): FrameWriter {
  return codec.createWriter({ channelId: id, frameBytesMax: bytesMax, operatorName: 'words' });
}

function frameOf(values: readonly unknown[], timestamps?: readonly number[], seq = 0): Uint8Array {
  const writer = newWriter();
  for (const [index, value] of values.entries()) writer.add(value, timestamps?.[index] ?? noTimestamp);
  return writer.take(seq).slice();
}

function batchOf(frame: Uint8Array): RecordBatch {
  return codec.decodeBatch(frame, codec.readHeader(frame)?.bodyOffset ?? 0);
}

const test = suite('frames');

test('records survive, in order', () => {
  const frame = frameOf(records, undefined, 5_000_000_000);
  const header = codec.readHeader(frame);
  assert.equal({ ...header, bodyOffset: 0 }, { channelId, seq: 5_000_000_000, kind: 0, backlog: 0, bodyOffset: 0 });
  assert.equal(batchOf(frame), { kind: 'data', values: records, timestamps: undefined, keyHashes: undefined });
});

test('timestamps travel only when a record has one; records without keep having none', () => {
  const frame = frameOf(['a', 'b', 'c'], [noTimestamp, 17, noTimestamp]);
  assert.equal(Array.from(batchOf(frame).timestamps ?? []), [noTimestamp, 17, noTimestamp]);
});

test('key hashes travel when every record of the frame has one', () => {
  const writer = newWriter();
  for (const [index, keyHash] of [3, 0, 2 ** 31 - 1].entries()) writer.add({ index }, noTimestamp, keyHash);
  assert.equal(Array.from(batchOf(writer.take(0)).keyHashes ?? []), [3, 0, 2 ** 31 - 1]);
  writer.add('a', noTimestamp, 4);
  writer.add('b', noTimestamp);
  assert.is(batchOf(writer.take(1)).keyHashes, undefined);
});

test('a writer starts over after each frame, and knows about how large the frame will be', () => {
  const writer = newWriter();
  // The first frame teaches it how wide the columns are.
  for (let round = 0; round < 3; round += 1) {
    for (let index = 0; index < 2_000; index += 1) writer.add({ index, round }, index);
    const { bytes } = writer;
    const frame = writer.take(round);
    assert.is(frame.length, writer.takenBytes);
    assert.ok(
      round === 0 || (bytes < 1.5 * frame.length + 200 && frame.length < 1.2 * bytes),
      `${bytes} bytes were announced, ${frame.length} came`,
    );
    assert.is(writer.count, 0);
    assert.equal(batchOf(frame).values[1_999], { index: 1_999, round });
  }
});

test('what is added counts as it was then (FC2)', () => {
  const writer = newWriter();
  const record = { count: 1 };
  writer.add(record, noTimestamp);
  record.count = 2;
  writer.add(record, noTimestamp);
  assert.equal(batchOf(writer.take(0)).values, [{ count: 1 }, { count: 2 }]);
});

test('a record that cannot be encoded is refused by name of the fault, and the batch stays as it was', () => {
  const writer = newWriter(50_000);
  writer.add('before', noTimestamp);
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  for (const [bad, code] of [
    [() => 1, 'RECORD_NOT_ENCODABLE'],
    [cycle, 'RECORD_NOT_ENCODABLE'],
    ['x'.repeat(60_000), 'RECORD_TOO_LARGE'],
  ] as const) {
    try {
      writer.add(bad, noTimestamp);
      assert.unreachable(`a value that cannot be encoded was taken (${code})`);
    } catch (error) {
      assert.is((error as MillraceError).code, code);
    }
  }
  writer.add('after', noTimestamp);
  assert.equal(batchOf(writer.take(0)).values, ['before', 'after']);
});

test('events and control survive', () => {
  const events: readonly StreamEvent[] = [
    { kind: 'watermark', time: 5 },
    { kind: 'watermark', time: maxWatermark },
    { kind: 'watermark', time: minWatermark },
    { kind: 'barrier', checkpointId: 3 as CheckpointId, triggeredAt: 1_700_000_000_000.5, isFinal: false },
    { kind: 'barrier', checkpointId: 4 as CheckpointId, triggeredAt: 0, isFinal: true },
    { kind: 'cancel-barrier', checkpointId: 9 as CheckpointId },
    { kind: 'watermark-status', isIdle: true },
    { kind: 'watermark-status', isIdle: false },
    { kind: 'end-of-data' },
    { kind: 'end-of-partition' },
    { kind: 'latency-marker', markedAt: 1_700_000_000_000.5, operatorId: 'a'.repeat(32) as OperatorId, subtask: 3 },
  ];
  for (const [seq, event] of events.entries()) {
    const payload = codec.encodeEvent(channelId, seq, event);
    const header = codec.readHeader(payload);
    assert.is(header?.seq, seq);
    assert.equal(header && codec.decodeEvent(payload, header), event);
  }
  const controls: readonly ChannelControl[] = [
    { kind: 'grant', grantedUpTo: 8, receivedUpTo: 5_000_000_000 },
    { kind: 'beat', sentUpTo: 77, backlog: 5 },
    { kind: 'close-by-sender' },
    { kind: 'close-by-receiver' },
  ];
  for (const control of controls) {
    const payload = codec.encodeControl(channelId, control);
    const header = codec.readHeader(payload);
    assert.equal(header && codec.decodeControl(payload, header), control);
  }
});

test('bytes that are none of ours give undefined, FRAME_CORRUPT or FRAME_VERSION, never anything else (FC1)', () => {
  const random = new SeededRandom(1);
  const whole = frameOf(records, [1, 2, 3]);
  const event = codec.encodeEvent(channelId, 1, { kind: 'barrier', checkpointId: 1 as CheckpointId, triggeredAt: 1, isFinal: false });
  const grant = codec.encodeControl(channelId, { kind: 'grant', grantedUpTo: 1, receivedUpTo: 1 });
  let corrupt = 0;
  for (let round = 0; round < 6_000; round += 1) {
    const bytes = [whole, event, grant][round % 3]?.slice() as Uint8Array;
    for (let flips = random.between(1, 4); flips > 0; flips -= 1) bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
    const cut = random.chance(0.3) ? bytes.subarray(0, random.between(0, bytes.length)) : bytes;
    const header = codec.readHeader(cut);
    if (header === undefined) continue;
    codec.decodeEvent(cut, header);
    codec.decodeControl(cut, header);
    try {
      codec.decodeBatch(cut, header.bodyOffset);
    } catch (error) {
      assert.ok(['FRAME_CORRUPT', 'FRAME_VERSION'].includes((error as MillraceError).code), String(error));
      corrupt += 1;
    }
  }
  assert.ok(corrupt > 100);
});

test('frames have the bytes that docs/channels.md says: they change only with the version', () => {
  const id = 'e~a_0_1_0~b_1_1_0' as ChannelId;
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const writer = newWriter(frameBytesMax, id);
  writer.add({ word: 'ash', count: 1 }, 7);
  writer.add('x', noTimestamp);
  const head = '0171657e615f305f315f307e625f315f315f30';
  const rows = '8183d81841070282f682a264776f72646361736865636f756e74016178';
  assert.is(hex(writer.take(258)), `8b${head}1b0000000000000102001900000202d856500000000000001c40ffffffffffff3fc3f6f6${rows}`);
  const barrier: StreamEvent = { kind: 'barrier', checkpointId: 5 as CheckpointId, triggeredAt: 1_000, isFinal: true };
  assert.is(hex(codec.encodeEvent(id, 3, barrier)), `87${head}1b000000000000000302051903e801`);
  const grant: ChannelControl = { kind: 'grant', grantedUpTo: 8, receivedUpTo: 300 };
  assert.is(hex(codec.encodeControl(id, grant)), `86${head}1b0000000000000000100819012c`);
});

test('a hostile event is refused without being decoded', () => {
  const bomb = encode([1, channelId, 0, 1, 'x'.repeat(100_000)]);
  const header = codec.readHeader(bomb);
  assert.is(header && codec.decodeEvent(bomb, header), undefined);
});

test('the document of channels lists the kinds of frames that there are, and what control frames carry', () => {
  const text = readFileSync(new URL('../../../docs/channels.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| ([\d, ]+?) +\|[^|]+\|([^|]*)\|$/gmu)].map(
    ([, kinds = '', body = '']) => [kinds.split(', ').map(Number), [...body.matchAll(/`(\w+)`/gu)].map(([, field]) => field)] as const,
  );
  assert.equal(
    rows.flatMap(([kinds]) => kinds),
    Object.values(frameKinds),
  );
  const controls: readonly ChannelControl[] = [
    { kind: 'grant', grantedUpTo: 1, receivedUpTo: 1 },
    { kind: 'beat', sentUpTo: 1, backlog: 1 },
  ];
  for (const { kind, ...fields } of controls) {
    const row = rows.find(([kinds]) => kinds.includes(frameKinds[kind as 'grant' | 'beat']));
    assert.equal(row?.[1], Object.keys(fields), kind);
  }
});

test.run();
