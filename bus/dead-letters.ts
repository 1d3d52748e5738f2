/** Messages that were not handled: counted by reason, the latest kept. Bounded; tells the log when a count doubles. */
import { limits } from '../core/limits.js';
import type { Clock, Logger } from '../core/ports.js';
import type { DeadLetter } from './endpoint-contract.js';

const detailCharactersMax = 300;

export class DeadLetters {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counts = new Map<string, number>();
  readonly #latest: DeadLetter[] = [];

  constructor(options: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** Counts and keeps one; a flood of them writes a logarithmic number of lines. */
  add(reason: DeadLetter['reason'], subject: string, detail: string): void {
    const letter: DeadLetter = { reason, subject, detail: detail.slice(0, detailCharactersMax), at: this.#clock.now() };
    this.#latest.push(letter);
    if (this.#latest.length > limits.deadLettersKept) this.#latest.shift();
    const count = (this.#counts.get(reason) ?? 0) + 1;
    this.#counts.set(reason, count);
    if ((count & (count - 1)) !== 0) return;
    const level = reason === 'duplicate' || reason === 'fenced' ? 'debug' : 'warn';
    this.#logger.log(level, 'dead letter', { reason, count, subject, detail: letter.detail });
  }

  /** Copies: they do not change afterwards. */
  read(): { readonly counts: Readonly<Record<string, number>>; readonly latest: readonly DeadLetter[] } {
    return { counts: Object.fromEntries(this.#counts), latest: [...this.#latest] };
  }
}
