/** What the cases about keyed state have in common. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { MillraceError } from '../../core/errors.js';
import type { KeyGroupRange } from '../../core/ids.js';
import { keyHashOf } from '../../core/keys.js';
import type { Clock } from '../../core/ports.js';
import type { ChunkHandle, KeyedStateHandle } from '../../storage/contracts.js';
import type { ChunkReader, ChunkWriter, Key, KeyedStateBackend, KeyedTimer, StateSnapshot } from '../../storage/state/contracts.js';

export interface KeyedStateFixture {
  /** An empty backend of an operator named `operator`, of {@link maxParallelism} key groups in all. */
  make(keyGroups: KeyGroupRange, options?: { readonly isObjectReuse?: boolean; readonly clock?: Pick<Clock, 'now'> }): KeyedStateBackend;
}

export const maxParallelism = 16;
export const all: KeyGroupRange = { start: 0, end: maxParallelism - 1 };
export const names = Array.from({ length: 40 }, (_, index) => `key-${index}`);

/** Where snapshots go to: counts what is read and written. */
export class Shelf {
  readonly sizes: number[] = [];
  reads = 0;
  private readonly chunks = new Map<string, Uint8Array>();

  readonly write: ChunkWriter = async (bytes) => {
    const name = `job/1/attempt/state/${this.chunks.size}`;
    this.chunks.set(name, bytes.slice());
    this.sizes.push(bytes.length);
    return { name, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  };

  readonly read: ChunkReader = async (handle: ChunkHandle) => {
    this.reads += 1;
    return this.chunks.get(handle.name) ?? assert.fail(`no chunk ${handle.name}`);
  };
}

export const use = (backend: KeyedStateBackend, key: Key): void => backend.setCurrentKey(key, keyHashOf(key));

export async function complete(snapshot: StateSnapshot, entriesAtOnce = 7): Promise<readonly KeyedStateHandle[]> {
  while (snapshot.advance(entriesAtOnce));
  return snapshot.finish();
}

export function throwsWith(code: string, call: () => unknown): MillraceError {
  try {
    call();
  } catch (error) {
    if (error instanceof MillraceError && error.code === code) return error;
    throw new Error(`expected ${code}, got ${String(error)}`, { cause: error });
  }
  throw new Error(`expected ${code}, but nothing was thrown`);
}

/** Takes what is due, every other timer the way that allocates nothing. */
export function drain(backend: KeyedStateBackend, domain: 'event' | 'processing', time: number): KeyedTimer[] {
  const timers: KeyedTimer[] = [];
  for (;;) {
    const polled = backend.pollTimer(domain, time);
    if (polled === undefined) return timers;
    timers.push(polled);
    if (!backend.takeTimer(domain, time)) return timers;
    timers.push({ key: backend.currentKey(), domain, time: backend.takenTime, namespace: backend.takenNamespace });
  }
}
