/**
 * Loads a snapshot into a heap backend.
 *
 * RS1  Only rows of owned key groups are taken; handles whose range does not meet ours are not read at all.
 * RS2  The next chunk is fetched while one is decoded; no more than two are held.
 */
import type { ChunkHandle, KeyedStateHandle } from '../../contracts.js';
import type { ChunkReader, TimeDomain } from '../contracts.js';
import { timeDomains } from './heap-snapshot.js';
import type { ListCell, MapCells } from './state-cells.js';
import { decodeChunk, rowKinds, unpackKey, type StateRow } from './snapshot-format.js';
import { canonicalKey } from '../../../core/keys.js';
import type { ValueColumn } from './paged-column.js';
import type { StateTable } from './state-table.js';
import type { TimerQueue } from './timer-queue.js';

export interface RestoreOptions {
  readonly table: StateTable;
  readonly timers: Readonly<Record<TimeDomain, TimerQueue>>;
  readonly handle: KeyedStateHandle;
  readonly read: ChunkReader;
}

export async function restoreHandle(options: RestoreOptions): Promise<void> {
  const { table, handle, read } = options;
  const { start, end } = handle.keyGroups;
  if (end < table.keyGroups.start || start > table.keyGroups.end) return;
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
  const { table } = options;
  const chunk = decodeChunk(bytes, `${table.operatorName}, chunk ${name}`);
  const stateOf = chunk.states.map((state) => table.registerState(state.name, state.kind));
  for (const batch of chunk.batches) {
    for (const row of batch) {
      if (row[1] >= table.keyGroups.start && row[1] <= table.keyGroups.end) restoreRow(options, row, stateOf);
    }
  }
}

function restoreRow(options: RestoreOptions, row: StateRow, stateOf: readonly number[]): void {
  const { table, timers } = options;
  const [kind, , packedKey, third, fourth, fifth] = row;
  const key = unpackKey(packedKey);
  const entry = table.entryOf(key);
  if (kind === rowKinds.timer) {
    const domain = timeDomains[third] as TimeDomain;
    if (timers[domain].register(entry, fourth as number, table.version)) table.retain(entry);
    return;
  }
  const state = stateOf[third] as number;
  const place = table.placeOf(state);
  const column = table.columns[state] as ValueColumn;
  const known = column.get(entry);
  if (known === undefined) table.retain(entry);
  if (kind === rowKinds.mapCell) {
    const cells = (known as MapCells | undefined) ?? new Map();
    const field = unpackKey(fourth);
    cells.set(canonicalKey(field), { key: field, value: fifth, version: table.version });
    column.set(entry, cells);
    table.size += 1;
    table.guard?.put(fifth, place, key);
    return;
  }
  column.set(entry, kind === rowKinds.list ? ({ items: fourth as unknown[], isShared: false } satisfies ListCell) : fourth);
  if (known === undefined) table.size += 1;
  table.guard?.put(fourth, place, key);
}
