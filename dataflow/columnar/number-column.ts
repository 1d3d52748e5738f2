/**
 * A column of numbers on the wire: the narrowest of these forms that keeps every value exactly.
 *
 *   `[value]`                  all the same
 *   typed array                RFC 8746, little end first: integers of 1, 2 or 4 bytes, or doubles
 *   `[base, typed array]`      integers: what each is above `base`
 *
 * NC1  -0, NaN and infinities stay what they are: a column that holds one is made of doubles.
 * NC2  Reading checks that there is a value for every row, and never looks past the end.
 */
import { isLittleEndian } from './byte-order.js';
import type { ByteSink } from './byte-sink.js';
import { CorruptItem, type ItemReader } from './item-reader.js';

export const numberTags = { uint8: 64, uint16: 69, uint32: 70, sint8: 72, sint16: 77, sint32: 78, float64: 86 } as const;

/** What a base costs: an array head and a number. */
const baseBytes = 10;
const doubleBytes = 8;

/** Appends the first `count` values as one CBOR item. */
export function writeNumbers(sink: ByteSink, values: Float64Array, count: number): void {
  if (count > 1 && (values[0] !== values[1] || values[0] !== values[count - 1]) && writeSmall(sink, values, count)) return;
  let low = Infinity;
  let high = -Infinity;
  let isWhole = true;
  for (let index = 0; index < count; index += 1) {
    const value = values[index] as number;
    if (value < low) low = value;
    if (value > high) high = value;
    if (Math.floor(value) !== value || (value === 0 && 1 / value < 0)) {
      isWhole = false;
      break;
    }
  }
  if (count === 0 || !isWhole || low < Number.MIN_SAFE_INTEGER || high > Number.MAX_SAFE_INTEGER) writeDoubles(sink, values, count);
  else writeWhole(sink, values, count, low, high);
}

/** Most columns are lengths, or count something: bytes in one pass. False, and nothing written, when they are more. */
function writeSmall(sink: ByteSink, values: Float64Array, count: number): boolean {
  const start = sink.position;
  sink.head(6, numberTags.uint8);
  sink.head(2, count);
  sink.reserve(count);
  const { bytes } = sink;
  const from = sink.position;
  for (let index = 0; index < count; index += 1) {
    const value = values[index] as number;
    const byte = value & 0xff;
    if (byte !== value || (byte === 0 && 1 / value < 0)) {
      sink.position = start;
      return false;
    }
    bytes[from + index] = byte;
  }
  sink.position = from + count;
  return true;
}

function writeWhole(sink: ByteSink, values: Float64Array, count: number, low: number, high: number): void {
  if (low === high) {
    sink.head(4, 1);
    sink.number(low);
    return;
  }
  const plain = low >= 0 ? unsignedWidth(high) : signedWidth(low, high);
  const above = unsignedWidth(high - low);
  if ((plain - above) * count > baseBytes) {
    sink.head(4, 2);
    sink.number(low);
    writeIntegers(sink, values, count, low, above, false);
  } else if (plain === doubleBytes) writeDoubles(sink, values, count);
  else writeIntegers(sink, values, count, 0, plain, low < 0);
}

const unsignedWidth = (high: number): number => (high <= 0xff ? 1 : high <= 0xffff ? 2 : high <= 0xffff_ffff ? 4 : doubleBytes);

function signedWidth(low: number, high: number): number {
  if (low >= -0x80 && high <= 0x7f) return 1;
  if (low >= -0x8000 && high <= 0x7fff) return 2;
  return low >= -0x8000_0000 && high <= 0x7fff_ffff ? 4 : doubleBytes;
}

function writeIntegers(sink: ByteSink, values: Float64Array, count: number, base: number, width: number, isSigned: boolean): void {
  sink.head(6, integerTag(width, isSigned));
  sink.head(2, count * width);
  sink.reserve(count * width);
  const { bytes, view } = sink;
  let at = sink.position;
  sink.position += count * width;
  // Storing keeps the low bits, so signed and unsigned are written alike.
  if (width === 1) for (let index = 0; index < count; index += 1) bytes[at++] = (values[index] as number) - base;
  else if (width === 2) for (let index = 0; index < count; index += 1, at += 2) view.setUint16(at, (values[index] as number) - base, true);
  else for (let index = 0; index < count; index += 1, at += 4) view.setUint32(at, (values[index] as number) - base, true);
}

function integerTag(width: number, isSigned: boolean): number {
  if (width === 1) return isSigned ? numberTags.sint8 : numberTags.uint8;
  if (width === 2) return isSigned ? numberTags.sint16 : numberTags.uint16;
  return isSigned ? numberTags.sint32 : numberTags.uint32;
}

function writeDoubles(sink: ByteSink, values: Float64Array, count: number): void {
  sink.head(6, numberTags.float64);
  sink.head(2, count * doubleBytes);
  if (isLittleEndian) {
    sink.append(new Uint8Array(values.buffer, values.byteOffset, count * doubleBytes));
    return;
  }
  sink.reserve(count * doubleBytes);
  for (let index = 0; index < count; index += 1) sink.view.setFloat64(sink.position + index * doubleBytes, values[index] as number, true);
  sink.position += count * doubleBytes;
}

/** Reads `count` numbers into the beginning of `target`, which has room for them (NC2). */
export function readNumbers(reader: ItemReader, count: number, target: Float64Array): void {
  if (reader.peek() >> 5 !== 4) {
    readTypedArray(reader, count, 0, target);
    return;
  }
  const items = reader.head(4);
  if (items !== 1 && items !== 2) throw new CorruptItem('a column of numbers of unknown form');
  const base = reader.number();
  if (items === 1) target.fill(base, 0, count);
  else readTypedArray(reader, count, base, target);
}

function readTypedArray(reader: ItemReader, count: number, base: number, target: Float64Array): void {
  const tag = reader.head(6);
  const length = reader.stringHead(2);
  const width = widthOfTag(tag);
  if (length !== count * width) throw new CorruptItem(`a column of ${length} bytes for ${count} numbers`);
  const { bytes, view } = reader;
  let at = reader.skipBytes(length);
  switch (tag) {
    case numberTags.uint8:
      for (let index = 0; index < count; index += 1) target[index] = base + (bytes[at++] as number);
      return;
    case numberTags.sint8:
      for (let index = 0; index < count; index += 1) target[index] = base + view.getInt8(at++);
      return;
    case numberTags.uint16:
      for (let index = 0; index < count; index += 1, at += 2) target[index] = base + view.getUint16(at, true);
      return;
    case numberTags.sint16:
      for (let index = 0; index < count; index += 1, at += 2) target[index] = base + view.getInt16(at, true);
      return;
    case numberTags.uint32:
      for (let index = 0; index < count; index += 1, at += 4) target[index] = base + view.getUint32(at, true);
      return;
    case numberTags.sint32:
      for (let index = 0; index < count; index += 1, at += 4) target[index] = base + view.getInt32(at, true);
      return;
    default:
      // Adding a base of 0 would turn -0 into 0.
      for (let index = 0; index < count; index += 1, at += doubleBytes) target[index] = view.getFloat64(at, true);
  }
}

function widthOfTag(tag: number): number {
  switch (tag) {
    case numberTags.uint8:
    case numberTags.sint8:
      return 1;
    case numberTags.uint16:
    case numberTags.sint16:
      return 2;
    case numberTags.uint32:
    case numberTags.sint32:
      return 4;
    case numberTags.float64:
      return doubleBytes;
    default:
      throw new CorruptItem(`tag ${tag} on a column of numbers`);
  }
}

/** Reads `count` lengths into the beginning of `target`; returns their sum. Throws on what is no length. */
export function readLengths(reader: ItemReader, count: number, target: Float64Array, sumMax: number): number {
  readNumbers(reader, count, target);
  let sum = 0;
  for (let index = 0; index < count; index += 1) {
    const length = target[index] as number;
    if (!(length >= 0) || Math.floor(length) !== length) throw new CorruptItem('a length that is none');
    sum += length;
  }
  if (sum > sumMax) throw new CorruptItem('lengths that add up to too much');
  return sum;
}
