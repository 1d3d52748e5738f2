/**
 * Copies what is put into state, so that state owns its values.
 *
 * VC1  The copy shares nothing mutable with the original: plain objects, arrays, Map, Set, Date, typed arrays and
 *      ArrayBuffers are copied to any depth, and survive a checkpoint; everything else (class instances, functions,
 *      symbols, promises …) is refused with `STATE_VALUE_UNSUPPORTED`.
 * VC2  Strings are detached: one cut out of a larger text (a line of a file, a field of a frame) would keep all of that
 *      text alive for as long as the state lives. V8 cuts by reference from 13 characters on.
 * VC3  Nesting is bounded, so that a value that refers to itself is an error, not a stack overflow.
 */
import { MillraceError } from '../../../core/errors.js';
import { limits } from '../../../core/limits.js';

const slicedStringLengthMin = 13;

/**
 * The same text in memory of its own (VC2), in one piece: joining writes a new text, while a text that is cut refers to
 * another and takes eight times as long to compare. About 0.1 µs.
 */
export function detachString(text: string): string {
  return text.length < slicedStringLengthMin ? text : [text.slice(0, 1), text.slice(1)].join('');
}

/** A copy that shares nothing mutable with `value` (VC1). `where` names operator and state, for errors. */
export function copyValue<T>(value: T, where: string): T;
export function copyValue(value: unknown, where: string): unknown {
  return copy(value, 0, where);
}

function copy(value: unknown, depth: number, where: string): unknown {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return detachString(value);
  if (typeof value === 'object') return value === null ? null : copyObject(value, depth, where);
  if (typeof value === 'function' || typeof value === 'symbol') throw unsupported(typeof value, where);
  return value;
}

function copyObject(value: object, depth: number, where: string): unknown {
  if (depth >= limits.cborDepthMax) {
    throw unsupported(`nested more than ${limits.cborDepthMax} deep, or referring to itself,`, where);
  }
  if (Array.isArray(value)) return copyArray(value, depth, where);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return copyPlain(value as Record<string, unknown>, depth, where);
  if (prototype === Map.prototype && value instanceof Map) {
    const map = new Map<unknown, unknown>();
    for (const [key, item] of value) map.set(copy(key, depth + 1, where), copy(item, depth + 1, where));
    return map;
  }
  if (prototype === Set.prototype && value instanceof Set) {
    const set = new Set<unknown>();
    for (const item of value) set.add(copy(item, depth + 1, where));
    return set;
  }
  if (value instanceof Date) return new Date(value.getTime());
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return copyTypedArray(value as TypedArray);
  if (value instanceof ArrayBuffer) return value.slice(0);
  if (Object.getPrototypeOf(prototype) === null) return copyPlain(value as Record<string, unknown>, depth, where);
  throw unsupported(`of class ${prototype?.constructor?.name ?? 'unknown'}`, where);
}

type TypedArray = Exclude<NodeJS.TypedArray, Uint8Array>;

/** Its own elements only: the buffer behind it may be a whole frame. */
function copyTypedArray(value: TypedArray): TypedArray {
  return value.slice();
}

function copyArray(value: readonly unknown[], depth: number, where: string): unknown[] {
  const length = value.length;
  const array = new Array<unknown>(length);
  for (let index = 0; index < length; index += 1) array[index] = copy(value[index], depth + 1, where);
  return array;
}

/** The spread keeps the hidden class, which a loop over fields would rebuild one transition a field. */
function copyPlain(value: Record<string, unknown>, depth: number, where: string): Record<string, unknown> {
  const object = { ...value };
  for (const name in object) {
    const field = object[name];
    if (typeof field === 'number') continue;
    if (typeof field === 'string') {
      if (field.length >= slicedStringLengthMin) object[name] = detachString(field);
    } else if (typeof field === 'object') {
      if (field !== null) object[name] = copyObject(field, depth + 1, where);
    } else if (typeof field === 'function' || typeof field === 'symbol') {
      throw unsupported(`with a ${typeof field} in field ${JSON.stringify(name)}`, where);
    }
  }
  return object;
}

function unsupported(what: string, where: string): MillraceError {
  return new MillraceError('STATE_VALUE_UNSUPPORTED', `A value ${what} cannot be kept in state.`, {
    domain: 'user',
    recovery: 'fail-job',
    where,
    hint: 'State holds plain data: objects, arrays, Map, Set, Date, typed arrays and primitives. Turn instances into plain objects first.',
  });
}
