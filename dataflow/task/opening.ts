/**
 * The opening of the operators of a task, one after the other: nothing of the task goes on before each is open.
 *
 * OP1  An `open` that takes longer than `limits.openSlowMs` is said in the log, with the name of its operator, and shown with
 *      the metrics of the task as long as it lasts.
 * OP2  One that has not settled after the task's bound fails the task (`OPEN_TIMEOUT`): a promise that nobody settles must
 *      not look like a job that runs. What it does after that is nobody's: the operator is closed.
 */
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { Clock, Logger } from '../../core/ports.js';
import { functionError } from '../operators/user-error.js';

export interface OpeningOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0: no bound. */
  readonly timeoutMs: number;
}

/** Of one task; see the head of this file. */
export class Opening {
  readonly #options: OpeningOptions;
  #current: { readonly operator: string; readonly since: number } | undefined;

  constructor(options: OpeningOptions) {
    this.#options = options;
  }

  /** The operator that is being opened for longer than it should, and for how long (OP1). */
  get slow(): { readonly operator: string; readonly forMs: number } | undefined {
    if (this.#current === undefined) return undefined;
    const forMs = Math.round(this.#options.clock.monotonic() - this.#current.since);
    return forMs < limits.openSlowMs ? undefined : { operator: this.#current.operator, forMs };
  }

  /** Opens one operator; rejections name it. */
  async open(operator: string, open: () => void | Promise<void>): Promise<void> {
    this.#current = { operator, since: this.#options.clock.monotonic() };
    try {
      const opening = open();
      if (opening !== undefined) await this.#bounded(operator, opening);
    } catch (error) {
      throw functionError(operator, error);
    } finally {
      this.#current = undefined;
    }
  }

  async #bounded(operator: string, opening: Promise<void>): Promise<void> {
    const { clock, logger, timeoutMs } = this.#options;
    const slow = clock.setTimer(limits.openSlowMs, () =>
      logger.log('warn', 'open of an operator has not settled yet; its task waits for it', {
        operator,
        afterMs: limits.openSlowMs,
        timeoutMs,
      }),
    );
    let end = slow;
    const timedOut = new Promise<never>((_, reject) => {
      if (timeoutMs > 0) end = clock.setTimer(timeoutMs, () => reject(openTimedOut(timeoutMs)));
    });
    try {
      await Promise.race([opening, timedOut]);
    } finally {
      slow.cancel();
      end.cancel();
    }
  }
}

function openTimedOut(timeoutMs: number): MillraceError {
  return new MillraceError('OPEN_TIMEOUT', `open has not settled within ${timeoutMs} ms.`, {
    domain: 'user',
    recovery: 'restart-job',
    hint: 'Let its promise resolve or reject: bound what it waits for. If it needs the time, raise task.open.timeout; 0 takes the bound away.',
  });
}
