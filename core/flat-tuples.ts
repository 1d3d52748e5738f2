/**
 * Tuples of primitives as keys, the usual composite: hashed and compared part by part, without the text that is their
 * canonical form.
 *
 * FT1  The hash is that of the canonical form (K2), and two tuples are the same exactly when their canonical forms are (K1).
 * FT2  Nothing is allocated. What this does not cover (null, other composites, large numbers, texts that JSON escapes) is
 *      left to the canonical form.
 */
type Flat = string | number | boolean | bigint;

/** Whether two tuples may be compared by {@link isSameTuple}: every part is a primitive, and none null. */
export function isFlatTuple(key: object): key is readonly Flat[] {
  if (!Array.isArray(key)) return false;
  for (let index = 0; index < key.length; index += 1) {
    const part: unknown = key[index];
    const isFlat = typeof part === 'number' || typeof part === 'string' || typeof part === 'boolean' || typeof part === 'bigint';
    if (!isFlat) return false;
  }
  return true;
}

/** Whether `other`, any key, is the same key as a flat tuple (FT1). */
export function isSameTuple(tuple: readonly Flat[], other: unknown): boolean {
  if (!Array.isArray(other) || other.length !== tuple.length) return false;
  for (let index = 0; index < tuple.length; index += 1) {
    const part = tuple[index];
    const otherPart: unknown = other[index];
    // Not equal to itself: NaN, of which there is one (K1).
    if (part !== otherPart && (part === part || otherPart === otherPart)) return false;
  }
  return true;
}

/** The hash of U+0000, `[`, the parts with commas between, and `]`; undefined where a part is not covered (FT2). */
export function hashOfFlatTuple(key: readonly unknown[]): number | undefined {
  let hash = bracket;
  for (let index = 0; index < key.length; index += 1) {
    const part = key[index];
    if (index > 0) hash = (Math.imul(hash, base) + comma) | 0;
    if (typeof part === 'number' && (part | 0) === part) hash = withInteger(hash, part);
    else if (typeof part === 'string' && isUnescaped(part)) hash = withText(hash, part);
    else return undefined;
  }
  return (Math.imul(hash, base) + closingBracket) | 0;
}

/** Of Java's String.hashCode, as in {@link hashOfString} of core/keys.ts. */
const base = 31;
const bracket = '['.charCodeAt(0);
const closingBracket = ']'.charCodeAt(0);
const comma = ','.charCodeAt(0);
const quote = '"'.charCodeAt(0);
const backslash = '\\'.charCodeAt(0);
const minus = '-'.charCodeAt(0);
const zero = '0'.charCodeAt(0);
const firstUnescaped = 0x20;
const firstSurrogate = 0xd800;
const lastSurrogate = 0xdfff;

/** The digits come from the last to the first: each counts 31 times as much as the one after it. */
function withInteger(before: number, value: number): number {
  let left = Math.abs(value);
  let digits = 0;
  let weight = 1;
  do {
    const rest = Math.floor(left / 10);
    digits = (digits + Math.imul(left - 10 * rest + zero, weight)) | 0;
    weight = Math.imul(weight, base);
    left = rest;
  } while (left > 0);
  const hash = value < 0 ? (Math.imul(before, base) + minus) | 0 : before;
  return (Math.imul(hash, weight) + digits) | 0;
}

function withText(before: number, text: string): number {
  let hash = (Math.imul(before, base) + quote) | 0;
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(hash, base) + text.charCodeAt(index)) | 0;
  return (Math.imul(hash, base) + quote) | 0;
}

/** Whether JSON writes a text as it is. */
function isUnescaped(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < firstUnescaped || code === quote || code === backslash) return false;
    if (code >= firstSurrogate && code <= lastSurrogate) return false;
  }
  return true;
}
