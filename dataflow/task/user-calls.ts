/**
 * Calls of user code that a task waits for: those that returned a promise.
 *
 * UC1  One that has not settled after `limits.userCallSlowMs` is said in the log, once, with its operator and what it is, and
 *      shown with the metrics of the task as long as it lasts.
 * UC2  Where nothing can be read before it settles (`open`, `enumerate`, `start`), one that has not settled after the task's
 *      bound fails the task: a promise that nobody settles must not look like a job that runs. What it does after that is nobody's.
 * UC3  Snapshots and commits have no bound here: a checkpoint has its own, and a commit may wait for a server to come back.
 */
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { Clock, Logger, TimerHandle } from '../../core/ports.js';
import type { OperatorDescriptor } from '../../graph/types.js';
import { functionError } from '../operators/user-error.js';

/** UC2: how each bounded call fails. */
const timeoutCodes = { open: 'OPEN_TIMEOUT', enumerate: 'ENUMERATE_TIMEOUT', start: 'START_TIMEOUT' } as const;

type BoundedCall = keyof typeof timeoutCodes;
type CheckpointCall = 'prepareSnapshot' | 'snapshot' | 'checkpointCompleted' | 'checkpointAborted';
export type UserCall = BoundedCall | CheckpointCall | 'close';

/** What functions have in place of the method of an operator or a sink's writer. */
const inFunctions: Partial<Record<UserCall, string>> = {
  prepareSnapshot: 'snapshotState',
  checkpointCompleted: 'notifyCheckpointComplete',
  checkpointAborted: 'notifyCheckpointAborted',
};

export interface UserCallsOptions {
  /** For messages: `name (1/2)`. */
  readonly task: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of UC2; 0: no bound. */
  readonly timeoutMs: number;
}

/** Whose call it is. */
export type CallingOperator = Pick<OperatorDescriptor, 'name' | 'kind'>;

/** A call that takes unusually long. */
export interface SlowCall {
  readonly operator: string;
  /** As its author knows it: `open`, `snapshotState`, `start of split-3`. */
  readonly call: string;
  readonly forMs: number;
}

interface Waiting extends Omit<SlowCall, 'forMs'> {
  readonly since: number;
  readonly timers: TimerHandle[];
}

/** Of one task; see the head of this file. */
export class UserCalls {
  readonly #options: UserCallsOptions;
  /** The oldest first. */
  readonly #waiting = new Set<Waiting>();

  constructor(options: UserCallsOptions) {
    this.#options = options;
  }

  /** The call that has been waited for the longest, if that is longer than it should be (UC1). */
  get slow(): SlowCall | undefined {
    const [oldest] = this.#waiting;
    if (oldest === undefined) return undefined;
    const { operator, call, since } = oldest;
    const forMs = Math.round(this.#options.clock.monotonic() - since);
    return forMs < limits.userCallSlowMs ? undefined : { operator, call, forMs };
  }

  /** Settles as `settled` does; what it rejects with names the operator. `of`: what the call is about. */
  async wait<T>(by: CallingOperator, call: UserCall, settled: Promise<T>, of?: string): Promise<T> {
    const { clock } = this.#options;
    const named = (by.kind === 'operator' && inFunctions[call]) || call;
    const shown = of === undefined ? named : `${named} of ${of}`;
    const waiting: Waiting = { operator: by.name, call: shown, since: clock.monotonic(), timers: [] };
    this.#waiting.add(waiting);
    waiting.timers.push(clock.setTimer(limits.userCallSlowMs, () => this.#say(waiting)));
    try {
      return await (isBounded(call) ? Promise.race([settled, this.#timedOut(call, waiting)]) : settled);
    } catch (error) {
      throw functionError(by.name, error);
    } finally {
      this.#forget(waiting);
    }
  }

  /** Nothing that is under way is waited for any more: the task is over. */
  forgetAll(): void {
    for (const waiting of this.#waiting) this.#forget(waiting);
  }

  #forget(waiting: Waiting): void {
    for (const timer of waiting.timers) timer.cancel();
    this.#waiting.delete(waiting);
  }

  #say({ operator, call }: Waiting): void {
    const { logger, task, timeoutMs } = this.#options;
    logger.log('warn', `${call} of an operator has not settled yet; its task waits for it`, {
      task,
      operator,
      call,
      afterMs: limits.userCallSlowMs,
      timeoutMs,
    });
  }

  /** Never settles where there is no bound. */
  #timedOut(call: BoundedCall, waiting: Waiting): Promise<never> {
    const { clock, timeoutMs } = this.#options;
    return new Promise((_, reject) => {
      if (timeoutMs > 0) waiting.timers.push(clock.setTimer(timeoutMs, () => reject(timedOut(call, waiting.call, timeoutMs))));
    });
  }
}

const isBounded = (call: UserCall): call is BoundedCall => call in timeoutCodes;

function timedOut(call: BoundedCall, shown: string, timeoutMs: number): MillraceError {
  return new MillraceError(timeoutCodes[call], `${shown} has not settled within ${timeoutMs} ms.`, {
    domain: 'user',
    recovery: 'restart-job',
    hint: 'Let its promise resolve or reject: bound what it waits for. If it needs the time, raise task.open.timeout; 0 takes the bound away.',
  });
}
