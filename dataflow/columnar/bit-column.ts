/**
 * Small values packed into bytes, lowest bits first: booleans one bit each, presence two.
 *
 * BC1  The presence of a column whose values are all there is `null`: a byte a frame.
 */
import type { ByteSink } from './byte-sink.js';
import { CorruptItem, type ItemReader } from './item-reader.js';

/** What stands at a place; on the wire as two bits. */
export const presence = { value: 0, null: 1, undefined: 2, missing: 3 } as const;

/** Appends the first `count` values, of `bits` bits each (1 or 2), as a byte string. */
export function writeBits(sink: ByteSink, values: Uint8Array, count: number, bits: number): void {
  const length = Math.ceil((count * bits) / 8);
  sink.head(2, length);
  sink.reserve(length);
  const perByte = 8 / bits;
  const { bytes } = sink;
  let at = sink.position;
  sink.position += length;
  for (let index = 0; index < count;) {
    let packed = 0;
    const end = Math.min(count, index + perByte);
    for (let shift = 0; index < end; index += 1, shift += bits) packed |= (values[index] as number) << shift;
    bytes[at++] = packed;
  }
}

/** Reads `count` values of `bits` bits each into the beginning of `target`. */
export function readBits(reader: ItemReader, count: number, bits: number, target: Uint8Array): void {
  const length = reader.stringHead(2);
  if (length !== Math.ceil((count * bits) / 8)) throw new CorruptItem(`${length} bytes for ${count} values of ${bits} bits`);
  const start = reader.skipBytes(length);
  const { bytes } = reader;
  const perByteShift = bits === 1 ? 3 : 2;
  const within = (1 << perByteShift) - 1;
  const mask = (1 << bits) - 1;
  for (let index = 0; index < count; index += 1) {
    target[index] = ((bytes[start + (index >> perByteShift)] as number) >> ((index & within) * bits)) & mask;
  }
}
