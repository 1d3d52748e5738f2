/**
 * Values as CBOR items, one by one: how records travel that fit no shape, and fields that are of any kind.
 *
 * IW1  What is written is read back deep-equal (item-reader.ts): -0, NaN, lone surrogates, `__proto__` as a field,
 *      undefined, and the order of fields included. Fields named by symbols and hidden ones do not travel.
 * IW2  What cannot be is refused with an {@link ItemFault}: functions, symbols, arrays with holes, instances of classes
 *      that are not registered, and what is nested deeper than `limits.cborDepthMax` (or refers to itself).
 */
import { limits } from '../../core/limits.js';
import { recordClassOf } from '../records/record-classes.js';
import type { ByteSink } from './byte-sink.js';
import { isWellFormed } from './shape.js';

/** Why a value cannot be written; the message follows the name of a place. Thrown inside this folder only. */
export class ItemFault extends Error {}

export const itemTags = {
  epochSeconds: 1,
  bignum: 2,
  negativeBignum: 3,
  /** `[name, content]` */
  object: 27,
  uint16: 69,
  set: 258,
  map: 259,
} as const;

/** RFC 8746, little end first; bytes travel as byte strings without a tag. */
export const typedArrayTags: readonly (readonly [tag: number, type: TypedArrayType])[] = [
  [68, Uint8ClampedArray],
  [69, Uint16Array],
  [70, Uint32Array],
  [71, BigUint64Array],
  [72, Int8Array],
  [77, Int16Array],
  [78, Int32Array],
  [79, BigInt64Array],
  [85, Float32Array],
  [86, Float64Array],
];

export type TypedArrayType = (new (buffer: ArrayBuffer) => NodeJS.TypedArray) & {
  readonly BYTES_PER_ELEMENT: number;
  readonly prototype: object;
};

const tagOfPrototype = new Map<object, number>(typedArrayTags.map(([tag, type]) => [type.prototype, tag]));
/** Name in the frame for texts that UTF-8 cannot hold. */
export const rawTextName = 'UTF-16';
/** And for dates a hundred thousand years away. */
export const farDateName = 'Date';
/** What a UTF-16 unit takes in UTF-8 at most. */
const bytesPerUnitMax = 3;
const shortTextMax = 24;

/** Appends one item. Throws {@link ItemFault}; what was written until then is to be forgotten by the caller. */
export function writeItem(sink: ByteSink, value: unknown, depth = 0): void {
  switch (typeof value) {
    case 'string':
      writeText(sink, value);
      return;
    case 'number':
      sink.number(value);
      return;
    case 'boolean':
      sink.byte(value ? 0xf5 : 0xf4);
      return;
    case 'undefined':
      sink.byte(0xf7);
      return;
    case 'bigint':
      writeBignum(sink, value);
      return;
    case 'object':
      if (value === null) sink.byte(0xf6);
      else writeObject(sink, value, depth);
      return;
    default:
      throw new ItemFault(`is a ${typeof value}`);
  }
}

/** Short ASCII texts are copied by a loop; everything else by the runtime. */
export function writeText(sink: ByteSink, text: string): void {
  const units = text.length;
  if (units < shortTextMax) {
    sink.reserve(units + 1);
    const { bytes } = sink;
    let at = sink.position;
    bytes[at++] = 0x60 | units;
    let seen = 0;
    for (let index = 0; index < units; index += 1) {
      const unit = text.charCodeAt(index);
      seen |= unit;
      bytes[at++] = unit;
    }
    if (seen < 0x80) {
      sink.position = at;
      return;
    }
  }
  if (!isWellFormed(text)) {
    writeRawText(sink, text);
    return;
  }
  const length = Buffer.byteLength(text);
  sink.head(3, length);
  sink.reserve(units * bytesPerUnitMax);
  sink.position += sink.bytes.write(text, sink.position, 'utf8');
}

function writeRawText(sink: ByteSink, text: string): void {
  sink.head(6, itemTags.object);
  sink.head(4, 2);
  writeText(sink, rawTextName);
  sink.head(6, itemTags.uint16);
  sink.head(2, 2 * text.length);
  sink.reserve(2 * text.length);
  sink.position += sink.bytes.write(text, sink.position, 'utf16le');
}

/** Always with its tag, so that 1n and 1 stay apart. */
function writeBignum(sink: ByteSink, value: bigint): void {
  const magnitude = value >= 0n ? value : -1n - value;
  const digits = magnitude.toString(16);
  const bytes = magnitude === 0n ? 0 : (digits.length + 1) >> 1;
  if (bytes > limits.cborBignumBytesMax) throw new ItemFault(`is a bigint of ${bytes} bytes, at most ${limits.cborBignumBytesMax} travel`);
  sink.head(6, value >= 0n ? itemTags.bignum : itemTags.negativeBignum);
  sink.head(2, bytes);
  if (bytes > 0) sink.append(Buffer.from(digits.padStart(2 * bytes, '0'), 'hex'));
}

function writeObject(sink: ByteSink, value: object, depth: number): void {
  if (depth >= limits.cborDepthMax) throw new ItemFault(`is nested more than ${limits.cborDepthMax} deep, or refers to itself`);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) writeFields(sink, value as Record<string, unknown>, depth);
  else if (Array.isArray(value)) writeArray(sink, value, depth);
  else if (prototype === Map.prototype) writeMap(sink, value as ReadonlyMap<unknown, unknown>, depth);
  else if (prototype === Set.prototype) writeSet(sink, value as ReadonlySet<unknown>, depth);
  else if (prototype === Date.prototype) writeDate(sink, value as Date);
  else if (ArrayBuffer.isView(value)) writeTypedArray(sink, value);
  else writeInstance(sink, value, depth);
}

function writeFields(sink: ByteSink, value: Record<string, unknown>, depth: number): void {
  const names = Object.keys(value);
  sink.head(5, names.length);
  for (const name of names) {
    writeText(sink, name);
    writeItem(sink, value[name], depth + 1);
  }
}

function writeArray(sink: ByteSink, value: readonly unknown[], depth: number): void {
  if (Object.getPrototypeOf(value) !== Array.prototype) throw new ItemFault(`is ${describeClass(value)}`);
  sink.head(4, value.length);
  for (let index = 0; index < value.length; index += 1) {
    const item = value[index];
    if (item === undefined && !Object.hasOwn(value, index)) throw new ItemFault('is an array with holes');
    writeItem(sink, item, depth + 1);
  }
}

function writeMap(sink: ByteSink, value: ReadonlyMap<unknown, unknown>, depth: number): void {
  sink.head(6, itemTags.map);
  sink.head(5, value.size);
  for (const [key, item] of value) {
    writeItem(sink, key, depth + 1);
    writeItem(sink, item, depth + 1);
  }
}

function writeSet(sink: ByteSink, value: ReadonlySet<unknown>, depth: number): void {
  sink.head(6, itemTags.set);
  sink.head(4, value.size);
  for (const item of value) writeItem(sink, item, depth + 1);
}

/** In seconds, as CBOR has it; in milliseconds where a double does not hold the seconds well enough. */
function writeDate(sink: ByteSink, value: Date): void {
  const ms = value.getTime();
  const seconds = ms / 1_000;
  if (Number.isNaN(ms) || Math.round(seconds * 1_000) === ms) {
    sink.head(6, itemTags.epochSeconds);
    sink.number(seconds);
    return;
  }
  sink.head(6, itemTags.object);
  sink.head(4, 2);
  writeText(sink, farDateName);
  sink.number(ms);
}

function writeTypedArray(sink: ByteSink, value: ArrayBufferView): void {
  const prototype = Object.getPrototypeOf(value) as object;
  const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (prototype !== Uint8Array.prototype && prototype !== Buffer.prototype) {
    const tag = tagOfPrototype.get(prototype);
    if (tag === undefined) throw new ItemFault(`is ${describeClass(value)}`);
    sink.head(6, tag);
  }
  sink.head(2, bytes.length);
  sink.append(bytes);
}

/** Registered classes, and errors: their class, message and cause. */
function writeInstance(sink: ByteSink, value: object, depth: number): void {
  const registered = recordClassOf(value);
  if (registered === undefined && !(value instanceof Error)) throw new ItemFault(`is ${describeClass(value)}`);
  sink.head(6, itemTags.object);
  sink.head(4, 2);
  if (registered !== undefined) {
    writeText(sink, registered.name);
    writeItem(sink, registered.toPlain(value), depth + 1);
    return;
  }
  const { name, message, cause } = value as Error;
  writeText(sink, 'Error');
  writeItem(sink, cause === undefined ? { name, message } : { name, message, cause }, depth + 1);
}

function describeClass(value: object): string {
  const name: unknown = value.constructor?.name;
  return `an instance of ${typeof name === 'string' && name !== '' ? name : 'an unnamed class'}, which is not registered`;
}
