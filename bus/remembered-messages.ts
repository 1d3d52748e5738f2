/**
 * Ids of messages that were seen, with the answers that were given (E3).
 *
 * R1  A message id is new once, until it is forgotten: oldest first, beyond so many ids or so many bytes of answers.
 *     What was forgotten counts as new, which is why every handler is idempotent.
 * R2  A repeated ask whose first delivery is still being answered waits for that answer.
 */
import { limits } from '../core/limits.js';

/** Repeats of one ask that may wait for its answer; an asker tries a few times at most. */
const waitingMax = 16;

export type Respond = (payload: Uint8Array) => void;

interface Remembered {
  answer: Uint8Array | undefined;
  waiting: Respond[];
}

export class RememberedMessages {
  readonly #entries = new Map<string, Remembered>();
  #answerBytes = 0;

  /** Whether the id is new. If not, an ask's `respond` gets the answer, now or when it is known. */
  admit(id: string, respond: Respond | undefined): boolean {
    const known = this.#entries.get(id);
    if (known === undefined) {
      this.#entries.set(id, { answer: undefined, waiting: respond === undefined ? [] : [respond] });
      this.#forgetOldest();
      return true;
    }
    if (respond !== undefined) {
      if (known.answer !== undefined) respond(known.answer);
      else if (known.waiting.length < waitingMax) known.waiting.push(respond);
    }
    return false;
  }

  /** Keeps the answer and hands over everybody who waits for it; undefined when the id was forgotten meanwhile. */
  settle(id: string, answer: Uint8Array): readonly Respond[] | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.answer !== undefined) return undefined;
    entry.answer = answer;
    this.#answerBytes += answer.length;
    const waiting = entry.waiting;
    entry.waiting = [];
    this.#forgetOldest();
    return waiting;
  }

  #forgetOldest(): void {
    for (const [id, entry] of this.#entries) {
      if (this.#entries.size <= limits.deduplicationIdsMax && this.#answerBytes <= limits.rememberedAnswersBytesMax) return;
      this.#entries.delete(id);
      this.#answerBytes -= entry.answer?.length ?? 0;
    }
  }
}
