/**
 * Loads a snapshot into a heap backend.
 *
 * RS1  Only rows of owned key groups are taken; handles whose range does not meet ours are not read at all.
 * RS2  The next chunk is fetched while one is decoded; no more than two are held.
 */
import type { ChunkHandle, KeyedStateHandle } from '../../contracts.js';
import type { ChunkReader, TimeDomain } from '../contracts.js';
import { timeDomains } from './heap-snapshot.js';
import type { ListCell, MapCells } from './key-entry.js';
import { decodeChunk, rowKinds, unpackKey, type StateRow } from './snapshot-format.js';
import { canonicalKey } from '../../../core/keys.js';
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
  const [kind, keyGroup, packedKey, third, fourth, fifth] = row;
  const entry = table.entryOf(unpackKey(packedKey), keyGroup);
  if (kind === rowKinds.timer) {
    const domain = timeDomains[third] as TimeDomain;
    if (timers[domain].register(entry, fourth as number, table.version)) entry.liveCount += 1;
    return;
  }
  const state = stateOf[third] as number;
  const place = table.placeOf(state);
  const isNew = entry.slots[state] === undefined;
  if (isNew) entry.liveCount += 1;
  if (kind === rowKinds.mapCell) {
    const cells = (entry.slots[state] as MapCells | undefined) ?? new Map();
    const key = unpackKey(fourth);
    cells.set(canonicalKey(key), { key, value: fifth, version: table.version });
    entry.slots[state] = cells;
    table.size += 1;
    table.guard?.put(fifth, place, entry.key);
    return;
  }
  entry.slots[state] = kind === rowKinds.list ? ({ items: fourth as unknown[], isShared: false } satisfies ListCell) : fourth;
  if (isNew) table.size += 1;
  table.guard?.put(fourth, place, entry.key);
}
