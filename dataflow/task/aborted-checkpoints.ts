/** Checkpoints the JobManager aborted before this task came to them: their barriers or triggers may still be on the way. */
import type { CheckpointId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';

export class AbortedCheckpoints {
  readonly #ids = new Set<CheckpointId>();

  /** Remembers an id; forgets the oldest beyond the bound, which costs no more than one checkpoint taken in vain. */
  add(id: CheckpointId): void {
    this.#ids.add(id);
    for (const oldest of this.#ids) {
      if (this.#ids.size <= limits.abortedCheckpointsRemembered) return;
      this.#ids.delete(oldest);
    }
  }

  /** Whether this checkpoint was aborted; forgets it and all before it. */
  take(id: CheckpointId): boolean {
    const isAborted = this.#ids.has(id);
    for (const old of [...this.#ids]) if (old <= id) this.#ids.delete(old);
    return isAborted;
  }
}
