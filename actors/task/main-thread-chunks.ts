/** Checkpoint chunks by way of the main thread, for storage that lives in the memory of the process. */
import { fromErrorRecord, MillraceError } from '../../core/errors.js';
import type { ChunkStore } from '../../dataflow/task-runtime.js';
import type { ChunkHandle } from '../../storage/contracts.js';
import type { ChunkAnswer, ChunkRequest } from './slot-messages.js';

interface Waiter {
  readonly resolve: (answer: ChunkAnswer) => void;
}

export class MainThreadChunks implements ChunkStore {
  readonly #send: (request: ChunkRequest, transfer: readonly ArrayBuffer[]) => void;
  readonly #waiting = new Map<number, Waiter>();
  #lastId = 0;

  constructor(send: (request: ChunkRequest, transfer: readonly ArrayBuffer[]) => void) {
    this.#send = send;
  }

  async write(name: string, bytes: Uint8Array): Promise<ChunkHandle> {
    const copy = new Uint8Array(bytes);
    const answer = await this.#ask((id) => ({ kind: 'chunk-write', id, name, bytes: copy }), [copy.buffer]);
    return expect(answer, 'written').handle;
  }

  async read(handle: ChunkHandle): Promise<Uint8Array> {
    const answer = await this.#ask((id) => ({ kind: 'chunk-read', id, handle }));
    return expect(answer, 'read').bytes;
  }

  /** The main thread's answer to request `id`. */
  answered(id: number, answer: ChunkAnswer): void {
    this.#waiting.get(id)?.resolve(answer);
    this.#waiting.delete(id);
  }

  #ask(request: (id: number) => ChunkRequest, transfer: readonly ArrayBuffer[] = []): Promise<ChunkAnswer> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      this.#waiting.set(id, { resolve });
      this.#send(request(id), transfer);
    });
  }
}

function expect<K extends ChunkAnswer['kind']>(answer: ChunkAnswer, kind: K): Extract<ChunkAnswer, { readonly kind: K }> {
  if (answer.kind === 'failed') throw fromErrorRecord(answer.error);
  if (answer.kind !== kind)
    throw new MillraceError('ASSERTION', `a chunk was ${answer.kind} where it should be ${kind}`, { recovery: 'crash' });
  return answer as Extract<ChunkAnswer, { readonly kind: K }>;
}
