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

/** The integers of a column as what they are above one of them; overwritten by the next column. */
let offsets = new Int32Array(1_024);
/** Integers up to here stay exact, and differ exactly, when 32 bits are added. */
const baseMax = Number.MAX_SAFE_INTEGER - 2 ** 33;
const halfWord = 0x8000_0000;
const integerMax = 0x7fff_ffff;

/** Appends the first `count` values as one CBOR item; returns whether all are integers of 32 bits. */
export function writeNumbers(sink: ByteSink, values: Float64Array, count: number): boolean {
  const first = values[0] as number;
  if (count > 0 && Number.isInteger(first) && Math.abs(first) <= baseMax && takeOffsets(values, count, first)) {
    return writeIntegers(sink, offsets, count, first);
  }
  let low = Infinity;
  let high = -Infinity;
  for (let index = 0; index < count; index += 1) {
    const value = values[index] as number;
    if (value < low) low = value;
    if (value > high) high = value;
    if (Math.floor(value) !== value) {
      writeDoubles(sink, values, count);
      return false;
    }
  }
  const middle = low + halfWord;
  if (high - low < 2 * halfWord && Math.abs(middle) <= baseMax && takeOffsets(values, count, middle)) {
    return writeIntegers(sink, offsets, count, middle);
  }
  writeDoubles(sink, values, count);
  return false;
}

/** Whether all values are integers that 32 bits above or below `base` hold; if so `offsets` tells how far each is (NC1). */
function takeOffsets(values: Float64Array, count: number, base: number): boolean {
  if (offsets.length < count) offsets = new Int32Array(2 * count);
  const target = offsets;
  for (let index = 0; index < count; index += 1) {
    const value = values[index] as number;
    const offset = (value - base) | 0;
    if (offset + base !== value || (value === 0 && 1 / value < 0)) return false;
    target[index] = offset;
  }
  return true;
}

/** Appends the first `count` of these, `base` more each, as one CBOR item; else as `writeNumbers` of the sums. */
export function writeIntegers(sink: ByteSink, integers: Int32Array, count: number, base = 0): boolean {
  if (base === 0 && count > 1 && writeSmall(sink, integers, count)) return true;
  let low = integers[0] as number;
  let high = low;
  for (let index = 1; index < count; index += 1) {
    const value = integers[index] as number;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const areShort = base + low >= -halfWord && base + high < halfWord;
  if (count > 0 && low === high) {
    sink.head(4, 1);
    sink.number(base + low);
    return areShort;
  }
  const isSigned = base + low < 0;
  const plain = isSigned ? signedWidth(base + low, base + high) : unsignedWidth(base + high);
  const above = unsignedWidth(high - low);
  if ((plain - above) * count > baseBytes) {
    sink.head(4, 2);
    sink.number(base + low);
    writeWords(sink, integers, { count, added: -low, width: above, isSigned: false });
  } else if (count === 0 || plain === doubleBytes) {
    writeDoubles(
      sink,
      Float64Array.from(integers.subarray(0, count), (value) => base + value),
      count,
    );
  } else writeWords(sink, integers, { count, added: base, width: plain, isSigned });
  return areShort;
}

/**
 * Most columns are lengths, or count something: bytes in one pass. False, and nothing written, when they are more, or all
 * the same. Four at a time: a round of the loop costs more than what it does.
 */
function writeSmall(sink: ByteSink, integers: Int32Array, count: number): boolean {
  const first = integers[0] as number;
  if ((first | (integers[count - 1] as number)) >>> 8 !== 0) return false;
  const start = sink.position;
  sink.head(6, numberTags.uint8);
  sink.head(2, count);
  sink.reserve(count);
  const { bytes } = sink;
  let at = sink.position;
  let all = 0;
  let differences = 0;
  let index = 0;
  for (; index + 3 < count; index += 4, at += 4) {
    const one = integers[index] as number;
    const two = integers[index + 1] as number;
    const three = integers[index + 2] as number;
    const four = integers[index + 3] as number;
    all |= one | two | three | four;
    differences |= (one ^ first) | (two ^ first) | (three ^ first) | (four ^ first);
    bytes[at] = one;
    bytes[at + 1] = two;
    bytes[at + 2] = three;
    bytes[at + 3] = four;
  }
  for (; index < count; index += 1, at += 1) {
    const value = integers[index] as number;
    all |= value;
    differences |= value ^ first;
    bytes[at] = value;
  }
  const isWritten = differences !== 0 && all >>> 8 === 0;
  sink.position = isWritten ? at : start;
  return isWritten;
}

const unsignedWidth = (high: number): number => (high <= 0xff ? 1 : high <= 0xffff ? 2 : high <= 0xffff_ffff ? 4 : doubleBytes);

function signedWidth(low: number, high: number): number {
  if (low >= -0x80 && high <= 0x7f) return 1;
  if (low >= -0x8000 && high <= 0x7fff) return 2;
  return low >= -0x8000_0000 && high <= 0x7fff_ffff ? 4 : doubleBytes;
}

interface Words {
  readonly count: number;
  /** To each of them. */
  readonly added: number;
  readonly width: number;
  readonly isSigned: boolean;
}

/** Storing keeps the low bits, which is all that matters of the sums: signed and unsigned ones are written alike. */
function writeWords(sink: ByteSink, integers: Int32Array, { count, added, width, isSigned }: Words): void {
  sink.head(6, integerTag(width, isSigned));
  sink.head(2, count * width);
  sink.reserve(count * width);
  const { bytes, view } = sink;
  const more = added | 0;
  let at = sink.position;
  sink.position += count * width;
  let index = 0;
  switch (width) {
    case 1:
      for (; index + 3 < count; index += 4, at += 4) {
        bytes[at] = (integers[index] as number) + more;
        bytes[at + 1] = (integers[index + 1] as number) + more;
        bytes[at + 2] = (integers[index + 2] as number) + more;
        bytes[at + 3] = (integers[index + 3] as number) + more;
      }
      for (; index < count; index += 1, at += 1) bytes[at] = (integers[index] as number) + more;
      return;
    case 2:
      for (; index < count; index += 1, at += 2) view.setUint16(at, (integers[index] as number) + more, true);
      return;
    default:
      for (; index < count; index += 1, at += 4) view.setInt32(at, ((integers[index] as number) + more) | 0, true);
  }
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

/**
 * Reads a column of integers of 32 bits into the beginning of `target`, which has room for `count` of them (NC2). False, and
 * nothing read, when the column may hold other numbers: then it is to be read by {@link readNumbers}.
 */
export function readIntegers(reader: ItemReader, count: number, target: Int32Array): boolean {
  const start = reader.position;
  const isRead = reader.peek() >> 5 === 4 ? readAboveBase(reader, count, target) : readWords(reader, count, 0, target);
  if (!isRead) reader.position = start;
  return isRead;
}

function readAboveBase(reader: ItemReader, count: number, target: Int32Array): boolean {
  const items = reader.head(4);
  if (items !== 1 && items !== 2) throw new CorruptItem('a column of numbers of unknown form');
  const base = reader.number();
  // Of -0 too: as an integer it would be another number (NC1).
  if (!Object.is(base | 0, base)) return false;
  if (items === 2) return readWords(reader, count, base, target);
  target.fill(base, 0, count);
  return true;
}

/** What a word of each form adds to the base at most; of signed ones, and at least less one. */
const wordMax: ReadonlyMap<number, number> = new Map([
  [numberTags.uint8, 0xff],
  [numberTags.uint16, 0xffff],
  [numberTags.sint8, 0x7f],
  [numberTags.sint16, 0x7fff],
]);

function readWords(reader: ItemReader, count: number, base: number, target: Int32Array): boolean {
  const tag = reader.head(6);
  if (tag === numberTags.sint32 || tag === numberTags.uint32) return readLongWords(reader, tag, { count, base }, target);
  const most = wordMax.get(tag);
  const isSigned = tag === numberTags.sint8 || tag === numberTags.sint16;
  if (most === undefined || base + most > integerMax || (isSigned && base - most - 1 < -integerMax - 1)) return false;
  const at = startOfWords(reader, tag, count);
  const { bytes, view } = reader;
  switch (tag) {
    case numberTags.uint8:
      for (let index = 0; index < count; index += 1) target[index] = base + (bytes[at + index] as number);
      return true;
    case numberTags.sint8:
      for (let index = 0; index < count; index += 1) target[index] = base + view.getInt8(at + index);
      return true;
    case numberTags.uint16:
      for (let index = 0; index < count; index += 1) target[index] = base + view.getUint16(at + 2 * index, true);
      return true;
    default:
      for (let index = 0; index < count; index += 1) target[index] = base + view.getInt16(at + 2 * index, true);
      return true;
  }
}

/**
 * Words of 32 bits may lie, with their base, outside what a signed integer holds, and seldom do. To read them all as doubles
 * for that would cost more than memory: the first record whose number is not a small integer to the engine makes it drop the
 * hidden class of all such objects of the thread, and optimised code of a user, who goes on making them of the old one, then
 * pays a call into the runtime for each.
 */
function readLongWords(
  reader: ItemReader,
  tag: number,
  { count, base }: { readonly count: number; readonly base: number },
  target: Int32Array,
): boolean {
  const at = startOfWords(reader, tag, count);
  const { view } = reader;
  const isSigned = tag === numberTags.sint32;
  for (let index = 0; index < count; index += 1) {
    const bits = view.getInt32(at + 4 * index, true);
    const value = base + (isSigned ? bits : bits >>> 0);
    const whole = value | 0;
    if (whole !== value) return false;
    target[index] = whole;
  }
  return true;
}

/** Skips the words of a typed array whose tag was read; returns where they begin. */
function startOfWords(reader: ItemReader, tag: number, count: number): number {
  const length = reader.stringHead(2);
  if (length !== count * widthOfTag(tag)) throw new CorruptItem(`a column of ${length} bytes for ${count} numbers`);
  return reader.skipBytes(length);
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
  let at = startOfWords(reader, tag, count);
  const { bytes, view } = reader;
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
export function readLengths(reader: ItemReader, count: number, target: Int32Array, sumMax: number): number {
  if (!readIntegers(reader, count, target)) readLongForm(reader, count, target);
  let sum = 0;
  let all = 0;
  for (let index = 0; index < count; index += 1) {
    const length = target[index] as number;
    all |= length;
    sum += length;
  }
  if (all < 0) throw new CorruptItem('a length that is none');
  if (sum > sumMax) throw new CorruptItem('lengths that add up to too much');
  return sum;
}

/** Lengths in a form for larger numbers: that of no lengths at all is one. */
function readLongForm(reader: ItemReader, count: number, target: Int32Array): void {
  const lengths = new Float64Array(count);
  readNumbers(reader, count, lengths);
  for (let index = 0; index < count; index += 1) {
    const length = lengths[index] as number;
    if ((length | 0) !== length) throw new CorruptItem('a length that is none');
    target[index] = length;
  }
}
