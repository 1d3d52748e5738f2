/**
 * The bytes of a heap snapshot: chunks that are each one well-formed CBOR array `[header, batch, batch …]`.
 *
 * SF1  A chunk can be read without any other: its header names the states that its rows refer to by index.
 * SF2  A row carries its key group, so that a reader takes only the groups it owns.
 * SF3  A row carries its namespace; 0 where its state, or its timer, has none.
 * SF4  Keys survive exactly: strings that UTF-8 cannot carry (lone surrogates) travel as UTF-16 code units.
 */
import { decode, encode, storedLimits } from '../../../bus/codec/cbor.js';
import type { ScanLimits } from '../../../bus/codec/scan.js';
import { MillraceError } from '../../../core/errors.js';
import type { Key } from '../../../core/keys.js';
import type { StateDescriptor } from '../contracts.js';

const formatVersion = 2;

/** Values may be nested as deep as elsewhere; chunk, batch, row and list come on top. */
export const stateLimits: ScanLimits = { ...storedLimits, depthMax: storedLimits.depthMax + 6 };

export const rowKinds = { value: 0, list: 1, mapCell: 2, timer: 3 } as const;

/**
 * `subject` is the index of the state, or of the time domain; `content` the value, list, key of the map cell or time;
 * `cellValue` is that of a map cell.
 */
export type StateRow = readonly [
  kind: number,
  keyGroup: number,
  key: unknown,
  namespace: number,
  subject: number,
  content: unknown,
  cellValue?: unknown,
];

export interface StateChunk {
  readonly states: readonly StateDescriptor[];
  readonly batches: readonly (readonly StateRow[])[];
}

type StateColumns = readonly [name: string, kind: StateDescriptor['kind'], isNamespaced: boolean, version: number, hasTtl: boolean];

export function encodeHeader(states: readonly StateDescriptor[]): Uint8Array {
  return encode([
    formatVersion,
    states.map(({ name, kind, isNamespaced, version, hasTtl }) => [name, kind, isNamespaced, version, hasTtl]),
  ]);
}

export function encodeRows(rows: readonly unknown[]): Uint8Array {
  return encode(rows, stateLimits);
}

const arrayOfOpenLength = 0x9f;
const breakByte = 0xff;

/** Puts a header and encoded batches together to a chunk. */
export function joinChunk(header: Uint8Array, batches: readonly Uint8Array[]): Uint8Array {
  const length = batches.reduce((sum, batch) => sum + batch.length, header.length + 2);
  const chunk = new Uint8Array(length);
  chunk[0] = arrayOfOpenLength;
  chunk.set(header, 1);
  let position = 1 + header.length;
  for (const batch of batches) {
    chunk.set(batch, position);
    position += batch.length;
  }
  chunk[position] = breakByte;
  return chunk;
}

/** Throws `STATE_UNREADABLE` when the bytes are no chunk of this format. */
export function decodeChunk(bytes: Uint8Array, where: string): StateChunk {
  const [header, ...batches] = decode(bytes, stateLimits) as readonly unknown[];
  if (!Array.isArray(header) || header[0] !== formatVersion || !Array.isArray(header[1])) {
    throw new MillraceError('STATE_UNREADABLE', 'A chunk is not keyed state of format version 2.', {
      domain: 'external',
      recovery: 'fail-job',
      where,
      hint: 'It was written by another version of Millrace.',
    });
  }
  const states = (header[1] as readonly StateColumns[]).map(([name, kind, isNamespaced, version, hasTtl]) => ({
    name,
    kind,
    isNamespaced,
    version,
    hasTtl,
  }));
  return { states, batches: batches as readonly (readonly StateRow[])[] };
}

const surrogate = /\p{Surrogate}/u;

/** A key as CBOR can carry it (SF4); {@link unpackKey} undoes it. */
export function packKey(key: Key): unknown {
  if (typeof key === 'string') return surrogate.test(key) ? Uint16Array.from(key, (_, index) => key.charCodeAt(index)) : key;
  if (typeof key !== 'object' || key === null) return key;
  if (isTuple(key)) return key.map(packKey);
  return new Map(Object.entries(key).map(([field, part]) => [packKey(field), packKey(part)]));
}

export function unpackKey(packed: unknown): Key {
  if (packed instanceof Uint16Array) return textOf(packed);
  if (Array.isArray(packed)) return packed.map(unpackKey);
  if (packed instanceof Map) return Object.fromEntries([...packed].map(([field, part]) => [unpackKey(field), unpackKey(part)]));
  return packed as Key;
}

function textOf(units: Uint16Array): string {
  let text = '';
  for (const unit of units) text += String.fromCharCode(unit);
  return text;
}

const isTuple = (key: readonly Key[] | { readonly [field: string]: Key }): key is readonly Key[] => Array.isArray(key);
