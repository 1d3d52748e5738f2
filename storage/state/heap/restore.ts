/**
 * Loads a snapshot into a heap backend.
 *
 * RS1  Only rows of owned key groups are taken; handles whose range does not meet ours are not read at all.
 * RS2  The next chunk is fetched while one is decoded; no more than two are held.
 */
import type { KeyGroupRange } from '../../../core/ids.js';
import { canonicalKey, keyHashOf } from '../../../core/keys.js';
import type { ChunkHandle, KeyedStateHandle } from '../../contracts.js';
import type { ChunkReader, TimeDomain } from '../contracts.js';
import { timeDomains } from './heap-snapshot.js';
import type { ValueColumn } from './paged-column.js';
import { decodeChunk, rowKinds, unpackKey, type StateRow } from './snapshot-format.js';
import type { ListCell, MapCells } from './state-cells.js';
import type { DeclaredState, StateScopes } from './state-scopes.js';

export interface RestoreOptions {
  readonly scopes: StateScopes;
  readonly keyGroups: KeyGroupRange;
  /** Named in errors. */
  readonly operatorName: string;
  readonly handle: KeyedStateHandle;
  readonly read: ChunkReader;
}

export async function restoreHandle(options: RestoreOptions): Promise<void> {
  const { keyGroups, handle, read } = options;
  const { start, end } = handle.keyGroups;
  if (end < keyGroups.start || start > keyGroups.end) return;
  let next = fetch(read, handle.chunks[0]);
  for (let index = 0; index < handle.chunks.length; index += 1) {
    const bytes = await next;
    next = fetch(read, handle.chunks[index + 1]);
    if (bytes !== undefined) restoreChunk(options, bytes, (handle.chunks[index] as ChunkHandle).name);
  }
}

/** A rejection is seen when the chunk is awaited; until then it must not count as unhandled. */
function fetch(read: ChunkReader, chunk: ChunkHandle | undefined): Promise<Uint8Array | undefined> {
  if (chunk === undefined) return Promise.resolve(undefined);
  const bytes = read(chunk);
  bytes.catch(() => undefined);
  return bytes;
}

function restoreChunk(options: RestoreOptions, bytes: Uint8Array, name: string): void {
  const { keyGroups, scopes, operatorName } = options;
  const chunk = decodeChunk(bytes, `${operatorName}, chunk ${name}`);
  const states = chunk.states.map((state) => scopes.restoreState(state));
  for (const batch of chunk.batches) {
    for (const row of batch) {
      if (row[1] < keyGroups.start || row[1] > keyGroups.end) continue;
      if (row[0] === rowKinds.timer) restoreTimer(scopes, row);
      else restoreEntry(states[row[4]] as DeclaredState, row);
    }
  }
}

function restoreTimer(scopes: StateScopes, row: StateRow): void {
  const [, , packedKey, namespace, domain, time] = row;
  const key = unpackKey(packedKey);
  const scope = scopes.scopeFor(namespace !== 0);
  scope.registerTimer(scope.table.entryOf(key, keyHashOf(key), namespace), timeDomains[domain] as TimeDomain, time as number);
}

function restoreEntry({ table, index }: DeclaredState, row: StateRow): void {
  const [kind, , packedKey, namespace, , content, cellValue] = row;
  const key = unpackKey(packedKey);
  const entry = table.entryOf(key, keyHashOf(key), namespace);
  const place = table.placeOf(index);
  const column = table.columns[index] as ValueColumn;
  const known = column.get(entry);
  if (known === undefined) table.retain(entry);
  if (kind === rowKinds.mapCell) {
    const cells = (known as MapCells | undefined) ?? new Map();
    const field = unpackKey(content);
    cells.set(canonicalKey(field), { key: field, value: cellValue, version: table.version });
    column.set(entry, cells);
    table.size += 1;
    table.guard?.put(cellValue, place, key);
    return;
  }
  column.set(entry, kind === rowKinds.list ? ({ items: content as unknown[], isShared: false } satisfies ListCell) : content);
  if (known === undefined) table.size += 1;
  table.guard?.put(content, place, key);
}
