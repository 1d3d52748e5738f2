/**
 * Keys: what records are grouped by, their canonical form and their hash.
 *
 * K1  Two keys are the same key if and only if their canonical forms are the same JavaScript primitive. Fields of an
 *     object count in any order; -0 is 0; every NaN is one NaN; 1, 1n, "1" and [1] are four different keys.
 * K2  The hash depends on the canonical form only, is the same in every process and version of Millrace, and equals
 *     Java's hashCode for strings (that do not start with U+0000), int32 numbers, doubles and booleans.
 * K3  What cannot be a key (undefined, functions, dates, maps, class instances) is refused with `KEY_UNSUPPORTED`; NaN,
 *      which a number is that could not be read, as the key of a record and in composites.
 * K4  The key hash (K2, mixed as Flink does) is all that routing and keyed state need of a key to find it: it is computed
 *     once, where the record is sent, and travels with it.
 */
import { MillraceError } from './errors.js';
import { hashOfFlatTuple } from './flat-tuples.js';
import { kindOf } from './record-outline.js';

/** What a key may be. Composite keys are compared by content. */
export type Key = string | number | bigint | boolean | null | readonly Key[] | { readonly [field: string]: Key };

/** A key as a primitive that a Map can hold: composites become text that starts with U+0000. */
export type CanonicalKey = string | number | bigint | boolean | null;

const marker = '\u0000';

/** The canonical form of a key (K1). Free for strings and numbers; allocates a string for composites. */
export function canonicalKey(key: Key): CanonicalKey {
  // Comparisons, no switch: each is one test of the value, where a switch makes the name of its type first.
  if (typeof key === 'string') return key.charCodeAt(0) === 0 ? `${marker}"${key}` : key;
  if (typeof key === 'number') return key === 0 ? 0 : key;
  if (typeof key === 'bigint' || typeof key === 'boolean' || key === null) return key;
  return marker + encodePart(key, key);
}

/** The hash of a key that is mixed well: 0 ≤ result < 2³¹ (K4). Reads the text of a key once. */
export function keyHashOf(key: Key): number {
  return murmurHash(typeof key === 'string' && key.charCodeAt(0) !== 0 ? hashOfString(key) : hashOfKey(key));
}

/** Flink's murmur hash of one int32 (MathUtils.murmurHash); 0 ≤ result < 2³¹. */
function murmurHash(code: number): number {
  let hash = Math.imul(code, 0xcc9e2d51);
  hash = (hash << 15) | (hash >>> 17);
  hash = Math.imul(hash, 0x1b873593);
  hash = (hash << 13) | (hash >>> 19);
  hash = (Math.imul(hash, 5) + 0xe6546b64) ^ 4;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  if (hash >= 0) return hash;
  return hash === -0x8000_0000 ? 0 : -hash;
}

/** A hash of 32 bits, signed (K2). */
export function hashOfKey(key: Key): number {
  if (Array.isArray(key)) {
    const hash = hashOfFlatTuple(key);
    if (hash !== undefined) return hash;
  }
  return hashOfCanonicalKey(canonicalKey(key));
}

/** The hash of a key whose canonical form is already known (K2). */
export function hashOfCanonicalKey(key: CanonicalKey): number {
  if (typeof key === 'string') return hashOfString(key);
  if (typeof key === 'number') return (key | 0) === key ? key : hashOfDouble(key);
  if (typeof key === 'boolean') return key ? 1231 : 1237;
  return typeof key === 'bigint' ? hashOfString(`${marker}${key}n`) : 0;
}

/** Java's String.hashCode: UTF-16 code units, base 31, wrapped to 32 bits. */
export function hashOfString(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash;
}

const doubleView = new DataView(new ArrayBuffer(8));

/** Java's Double.hashCode. */
function hashOfDouble(value: number): number {
  if (value !== value) throw notANumber(value, value);
  doubleView.setFloat64(0, value);
  return doubleView.getInt32(0) ^ doubleView.getInt32(4);
}

/** Unambiguous text of a part of a composite key: strings are JSON, everything else starts with no quote. */
function encodePart(part: Key, whole: Key): string {
  switch (typeof part) {
    case 'string':
      return JSON.stringify(part);
    case 'number':
      if (part !== part) throw notANumber(part, whole);
      return part === 0 ? '0' : String(part);
    case 'bigint':
      return `${part}n`;
    case 'boolean':
      return part ? 'true' : 'false';
    case 'object':
      return part === null ? 'null' : encodeComposite(part, whole);
    default:
      throw unsupported(part, whole);
  }
}

function encodeComposite(part: readonly Key[] | { readonly [field: string]: Key }, whole: Key): string {
  if (isTuple(part)) {
    let text = '[';
    for (let index = 0; index < part.length; index += 1) text += `${index === 0 ? '' : ','}${encodePart(part[index] as Key, whole)}`;
    return `${text}]`;
  }
  if (!isPlainObject(part)) throw unsupported(part, whole);
  const fields = Object.keys(part).sort();
  return `{${fields.map((field) => `${JSON.stringify(field)}:${encodePart(part[field] as Key, whole)}`).join(',')}}`;
}

const isTuple = (part: readonly Key[] | { readonly [field: string]: Key }): part is readonly Key[] => Array.isArray(part);

/** Also true for objects of another realm, whose Object.prototype is not ours. */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function unsupported(part: unknown, whole: unknown): MillraceError {
  const place = part === whole ? 'The key' : 'A part of the key';
  if (part === undefined)
    return refused(`${place} is undefined.`, 'A field of the record is missing, or the key function returns nothing.');
  return refused(`${place} is of type ${kindOf(part)}, which cannot be compared by content.`);
}

function notANumber(part: unknown, whole: unknown): MillraceError {
  return refused(
    `${Object.is(part, whole) ? 'The key' : 'A part of the key'} is NaN.`,
    'A number that could not be read is NaN: check it before keyBy.',
  );
}

function refused(what: string, hint?: string): MillraceError {
  const allowed = 'A key is a string, number, bigint, boolean, null, or a tuple or plain object of these.';
  return new MillraceError('KEY_UNSUPPORTED', what, {
    domain: 'user',
    recovery: 'fail-job',
    hint: hint === undefined ? allowed : `${hint} ${allowed}`,
  });
}
