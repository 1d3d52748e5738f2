/**
 * Alters frames of records at random and reads them.
 *
 * FZ1  Reading an altered frame gives records, `FRAME_CORRUPT` or `FRAME_VERSION`: nothing else is thrown.
 * FZ2  No frame takes longer than {@link frameMsMax}, and none leaves a trace on the prototypes of the language.
 * FZ3  What is read past the end of a frame would be read from a guard that no frame holds: it is looked for in the records.
 */
import type { ChannelId } from '../../core/ids.js';
import { MillraceError } from '../../core/errors.js';
import type { FrameCodec } from '../../dataflow/channels/frame-codec.js';
import { createColumnarCodec } from '../../dataflow/columnar/columnar-codec.js';
import { noTimestamp } from '../../dataflow/contracts.js';
import { SeededRandom } from '../../testing/simulator/seeded-random.js';

export const frameMsMax = 250;
/** Then a frame is read once more: a pause of the garbage collector or of the machine is no hang. */
const suspiciousMs = 20;
/** Stands around every frame; as text, as number or as bytes it is not in any. */
const guardByte = 0xa7;
const guardText = '\u00a7'.repeat(4);
const guardBytes = 64;

export interface FuzzReport {
  readonly frames: number;
  readonly refused: number;
  readonly read: number;
  readonly slowestMs: number;
  /** What broke a rule above, with the frame as hex. */
  readonly violations: readonly string[];
}

/** Alters `count` frames; the same seed alters them the same way. */
export function fuzzFrames(seed: number, count: number): FuzzReport {
  const random = new SeededRandom(seed);
  const frames = originals();
  const codecs = [createColumnarCodec(), createColumnarCodec({ isCodeGenerationOff: true })];
  const before = prototypes();
  const violations: string[] = [];
  let refused = 0;
  let slowestMs = 0;
  for (let index = 0; index < count; index += 1) {
    const altered = alter(frames[random.between(0, frames.length - 1)] as Uint8Array, frames, random);
    const startedAt = performance.now();
    const fault = read(codecs[index & 1] as FrameCodec, altered);
    let ms = performance.now() - startedAt;
    if (ms > suspiciousMs)
      ms = Math.min(
        ms,
        timeOf(() => read(codecs[index & 1] as FrameCodec, altered)),
      );
    slowestMs = Math.max(slowestMs, ms);
    if (fault === 'refused') refused += 1;
    else if (fault !== undefined) violations.push(`${fault}: ${hexOf(altered)}`);
    if (ms > frameMsMax) violations.push(`took ${Math.round(ms)} ms: ${hexOf(altered)}`);
    if (index % 1_024 === 0 && prototypes() !== before) {
      violations.push(`a prototype changed by frame ${index}: ${hexOf(altered)}`);
      break;
    }
  }
  if (prototypes() !== before) violations.push('a prototype changed');
  return { frames: count, refused, read: count - refused - violations.length, slowestMs, violations };
}

function timeOf(work: () => void): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').slice(0, 4_000);

/** Undefined when records came; else `refused`, or what is wrong. */
function read(codec: FrameCodec, frame: Uint8Array): string | undefined {
  // The frame is a part of a larger block, as those that come over a socket are.
  const block = new Uint8Array(frame.length + 2 * guardBytes).fill(guardByte);
  block.set(frame, guardBytes);
  const payload = block.subarray(guardBytes, guardBytes + frame.length);
  const header = codec.readHeader(payload);
  if (header === undefined) return 'refused';
  try {
    const { values, timestamps, keyHashes } = codec.decodeBatch(payload, header.bodyOffset);
    if (values.includes(undefined) && values.length > payload.length * 64) return 'records out of nothing';
    if (timestamps !== undefined && timestamps.length !== values.length) return 'timestamps that do not fit';
    if (keyHashes !== undefined && keyHashes.length !== values.length) return 'key hashes that do not fit';
    for (const value of values) if (typeof value === 'string' && value.includes(guardText)) return 'read past the end';
    return undefined;
  } catch (error) {
    if (error instanceof MillraceError && (error.code === 'FRAME_CORRUPT' || error.code === 'FRAME_VERSION')) return 'refused';
    return `threw ${String(error)}`;
  }
}

/** What could be polluted: names and values of what every object inherits. */
function prototypes(): string {
  return [Object.prototype, Array.prototype, String.prototype, Function.prototype, Map.prototype, Date.prototype]
    .map((prototype) => Reflect.ownKeys(prototype).map(String).join())
    .join(';');
}

/** Frames of many kinds of records, in columns and as items. */
function originals(): Uint8Array[] {
  const kinds: readonly ((n: number) => unknown)[] = [
    (n) => ({ word: `w${n}`, count: n }),
    (n) => ({ a: n / 3, b: BigInt(n), c: n % 2 === 0, d: new Date(n), e: Uint8Array.of(n, n), f: n % 3 === 0 ? null : 'x' }),
    (n) => ({ list: Array.from({ length: n % 5 }, (_, at) => ({ at, name: `n${at}` })), pair: ['p', n], deep: { er: { n } } }),
    (n) => ({ any: [new Map([[n, 'x']]), n, `t${n}`, new Set([n]), { __proto__: null }][n % 5], 漢: '漢字', lone: '\ud800' }),
    (n) => (n % 2 === 0 ? n : `text ${n}`),
    (n) => ({ constructor: n, toString: 'x', ['__proto__x']: 1, nan: NaN, zero: -0 }),
    (n) => [new Error('no'), new Float64Array([n]), 2n ** 90n, { ['__proto__']: n }][n % 4],
    (n) => ({ wide: `ü${n}`, empty: {}, none: undefined }),
  ];
  const codec = createColumnarCodec({ samplesMin: 2 });
  return [...kinds, undefined].flatMap((make, index) => {
    const writer = codec.createWriter({ channelId: 'e~a_0_1_0~b_1_1_0' as ChannelId, frameBytesMax: 1_000_000, operatorName: 'fuzz' });
    return [4, 24].map((size) => {
      for (let n = 0; n < size; n += 1) {
        const record = (make ?? (kinds[n % kinds.length] as (n: number) => unknown))(n);
        if (index % 2 === 0) writer.add(record, noTimestamp);
        else writer.add(record, 1_700_000_000_000 + n, n);
      }
      return writer.take(size).slice();
    });
  });
}

const interesting = [
  0x00, 0x01, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x3b, 0x40, 0x5b, 0x7b, 0x80, 0x81, 0x82, 0x9b, 0xa0, 0xbb, 0xc2, 0xd8, 0xf6, 0xf7, 0xfb, 0xff,
];

/** Bytes set, cut, doubled, moved, or taken from another frame. */
function alter(frame: Uint8Array, frames: readonly Uint8Array[], random: SeededRandom): Uint8Array {
  let bytes = frame.slice();
  for (let left = random.between(1, 4); left > 0; left -= 1) {
    // The head of the frame is small: most changes are to fall behind it.
    const at = random.chance(0.95) ? random.between(Math.min(30, bytes.length), bytes.length) : random.between(0, bytes.length);
    switch (random.between(0, 6)) {
      case 0:
        bytes = bytes.slice(0, at);
        break;
      case 1: {
        const from = random.between(0, bytes.length);
        bytes = joined(bytes.subarray(0, at), bytes.subarray(from, from + random.between(0, 16)), bytes.subarray(at));
        break;
      }
      case 2: {
        const other = frames[random.between(0, frames.length - 1)] as Uint8Array;
        bytes = joined(bytes.subarray(0, at), other.subarray(Math.min(at, other.length)));
        break;
      }
      case 3:
        bytes = joined(bytes.subarray(0, at), bytes.subarray(at + random.between(1, 4)));
        break;
      case 4:
        if (at < bytes.length) bytes[at] = interesting[random.between(0, interesting.length - 1)] as number;
        break;
      default:
        if (at < bytes.length) bytes[at] = random.between(0, 255);
    }
  }
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}
