/**
 * The options of sources and sinks, checked when the job is built.
 *
 * CO1  What cannot work is refused with `CONNECTOR_OPTION_INVALID`: it names the function that was called, what it was given,
 *      and what to give instead.
 */
import { MillraceError } from '../core/errors.js';
import { parseDuration, type Duration } from '../core/quantities.js';

/** Checks what was given to one function; see the head of this file. */
export class ConnectorOptions {
  /** `fileSink`. */
  readonly #maker: string;

  constructor(maker: string) {
    this.#maker = maker;
  }

  /** For what only the function itself can judge: what was given, as a sentence, and what to give instead. */
  invalid(message: string, hint: string): MillraceError {
    return new MillraceError('CONNECTOR_OPTION_INVALID', message, { domain: 'user', recovery: 'fail-job', where: this.#maker, hint });
  }

  wholeNumber(option: string, value: number, min = 1): number {
    if (Number.isSafeInteger(value) && value >= min) return value;
    throw this.invalid(`${option} is ${shown(value)}.`, `Give a whole number of at least ${min}.`);
  }

  /** In milliseconds. */
  duration(option: string, value: Duration, minMs = 0): number {
    const ms = parseDuration(value);
    if (ms !== undefined && ms >= minMs) return ms;
    const atLeast = minMs === 0 ? '' : ` of at least ${minMs}`;
    throw this.invalid(`${option} is ${shown(value)}.`, `Give milliseconds${atLeast}, or text such as "10 s".`);
  }

  /** An unknown word would else pass for whichever is compared with last. */
  word<T extends string>(option: string, value: T, words: readonly T[]): T {
    if (words.includes(value)) return value;
    throw this.invalid(`${option} is ${shown(value)}.`, `It is one of ${words.map((word) => `'${word}'`).join(', ')}.`);
  }
}

/** As it was written: text in quotes; NaN, which JSON does not know, by its name. */
export const shown = (given: unknown): string => (typeof given === 'string' ? JSON.stringify(given) : String(given));
