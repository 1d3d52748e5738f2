/**
 * Copies of records, so that two operators never share one by accident.
 *
 * Plain objects, arrays, maps, sets, dates and typed arrays are copied deeply; everything else (instances of classes,
 * functions) is handed on as it is, because only its class knows how to copy it.
 */
import { MillraceError } from '../../core/errors.js';

/** A deep copy of plain data. Primitives are returned as they are. Throws `RECORD_NOT_COPYABLE` for a cycle. */
export function copyRecord(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  try {
    return copyObject(value);
  } catch (error) {
    throw copyFault(error);
  }
}

/** Puts copies in the place of what an object holds, that is new itself; returns the object. Throws as {@link copyRecord}. */
export function copyContent(copy: Record<string, unknown>): Record<string, unknown> {
  try {
    return copyFields(copy);
  } catch (error) {
    throw copyFault(error);
  }
}

/** Following a cycle ends when the stack does, which costs those without one nothing. A getter may throw what it likes. */
function copyFault(error: unknown): unknown {
  if (!(error instanceof RangeError) || !error.message.includes('call stack')) return error;
  return new MillraceError('RECORD_NOT_COPYABLE', 'A record cannot be copied: it holds itself, or is nested too deep.', {
    domain: 'user',
    recovery: 'fail-job',
    hint: 'Records are plain data without cycles. Copies are made where a record goes to another operator that is not chained, or to several.',
    cause: error,
  });
}

function copyItem(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? copyObject(value) : value;
}

function copyObject(value: object): unknown {
  if (Array.isArray(value)) return copyArray(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return copyPlain(value as Record<string, unknown>);
  if (value instanceof Date) return new Date(value);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [copyItem(key), copyItem(item)]));
  if (value instanceof Set) return new Set([...value].map(copyItem));
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return (value as Uint8Array).slice();
  return value;
}

function copyArray(source: readonly unknown[]): unknown[] {
  const copy = source.slice();
  for (let index = 0; index < copy.length; index += 1) {
    const item = copy[index];
    if (typeof item === 'object' && item !== null) copy[index] = copyObject(item);
  }
  return copy;
}

/** A spread of a small object is one fast clone of its shape; only nested objects need another look. */
const copyPlain = (source: Record<string, unknown>): Record<string, unknown> => copyFields({ ...source });

function copyFields(copy: Record<string, unknown>): Record<string, unknown> {
  for (const field in copy) {
    const item = copy[field];
    if (typeof item === 'object' && item !== null) copy[field] = copyObject(item);
  }
  return copy;
}

const objectBytes = 32;
const depthMax = 4;
const itemsSampled = 16;

/** About how many bytes a record holds alive; at least 1. Looks at the first few items of long arrays only. */
export function approximateBytes(value: unknown, depth = 0): number {
  switch (typeof value) {
    case 'string':
      return 16 + value.length;
    case 'object':
      break;
    default:
      return 8;
  }
  if (value === null) return 8;
  if (ArrayBuffer.isView(value)) return objectBytes + value.byteLength;
  if (depth >= depthMax) return objectBytes;
  if (Array.isArray(value)) return objectBytes + averageBytes(value, depth) * value.length;
  if (value instanceof Map) return objectBytes + averageBytes([...take(value.entries())], depth) * value.size;
  if (value instanceof Set) return objectBytes + averageBytes([...take(value.values())], depth) * value.size;
  let bytes = objectBytes;
  for (const field in value) bytes += 8 + approximateBytes((value as Record<string, unknown>)[field], depth + 1);
  return bytes;
}

function averageBytes(items: readonly unknown[], depth: number): number {
  const sample = items.slice(0, itemsSampled);
  if (sample.length === 0) return 0;
  return sample.reduce<number>((bytes, item) => bytes + approximateBytes(item, depth + 1), 0) / sample.length;
}

function* take(items: Iterable<unknown>): Iterable<unknown> {
  let count = 0;
  for (const item of items) {
    if (count === itemsSampled) return;
    count += 1;
    yield item;
  }
}
