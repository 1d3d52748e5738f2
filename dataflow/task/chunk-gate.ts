/**
 * The way of a task's chunks to the store: a bounded number at once.
 *
 * CG1  At most `limits.chunkWritesInFlightMax` writes of a task are under way at the store, over all its snapshots.
 * CG2  Whoever serialises asks `isFull` first. What comes nevertheless (state that changes before its turn is saved at
 *      once) waits here, in order.
 * CG3  A chunk that waits for a snapshot that was discarded is not written.
 */
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { ChunkHandle } from '../../storage/contracts.js';
import type { ChunkStore } from '../task-runtime.js';

interface WaitingChunk {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly isWanted: () => boolean;
  readonly resolve: (written: Promise<ChunkHandle>) => void;
  readonly reject: (error: MillraceError) => void;
}

export interface ChunkGateOptions {
  readonly chunks: Pick<ChunkStore, 'write'>;
  /** It was full and is not any more. */
  readonly onRoom: () => void;
}

export class ChunkGate {
  readonly #options: ChunkGateOptions;
  readonly #waiting: WaitingChunk[] = [];
  #inFlight = 0;

  constructor(options: ChunkGateOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#inFlight >= limits.chunkWritesInFlightMax;
  }

  /** Writes a chunk when its turn comes; `isWanted` is asked once more right before (CG3). */
  write(name: string, bytes: Uint8Array, isWanted: () => boolean): Promise<ChunkHandle> {
    if (!this.isFull) return this.#begin(name, bytes);
    return new Promise((resolve, reject) => this.#waiting.push({ name, bytes, isWanted, resolve, reject }));
  }

  #begin(name: string, bytes: Uint8Array): Promise<ChunkHandle> {
    this.#inFlight += 1;
    const written = this.#options.chunks.write(name, bytes);
    const done = (): void => this.#done();
    written.then(done, done);
    return written;
  }

  #done(): void {
    this.#inFlight -= 1;
    while (!this.isFull) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      if (next.isWanted()) next.resolve(this.#begin(next.name, next.bytes));
      else next.reject(new MillraceError('SNAPSHOT_DISCARDED', `The snapshot of chunk ${next.name} was discarded before it was written.`));
    }
    if (!this.isFull) this.#options.onRoom();
  }
}
