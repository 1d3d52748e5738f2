/**
 * The time to live of one state (Flink's StateTtlConfig): values are held together with the time of their last use.
 *
 * TL1  A value has expired once `timeToLive` has passed since its last use, to the millisecond.
 * TL2  Whoever looks at several values asks for the time once.
 * TL3  Processing time only, by the clock of the task; a clock that is set back makes values live longer.
 */
import { MillraceError } from '../../../core/errors.js';
import type { Clock } from '../../../core/ports.js';
import { parseDuration } from '../../../core/quantities.js';
import type { StateTtl } from '../contracts.js';

/** A value and when it was last used. */
export interface Stamped<T> {
  readonly value: T;
  readonly at: number;
}

export class TimeToLive {
  /** Reading makes a value young again. */
  readonly isRenewedByReading: boolean;
  /** An expired value that is still there is handed out. */
  readonly isExpiredReturned: boolean;
  readonly #ms: number;
  readonly #clock: Pick<Clock, 'now'>;

  private constructor(ms: number, { updateType, visibility }: StateTtl, clock: Pick<Clock, 'now'>) {
    this.#ms = ms;
    this.#clock = clock;
    this.isRenewedByReading = updateType === 'OnReadAndWrite';
    this.isExpiredReturned = visibility === 'ReturnExpiredIfNotCleanedUp';
  }

  /** Undefined when nothing expires. `where` names operator and state, for errors. */
  static of(ttl: StateTtl | undefined, clock: Pick<Clock, 'now'> | undefined, where: string): TimeToLive | undefined {
    if (ttl === undefined) return undefined;
    assertOneOf('updateType', ttl.updateType, ['OnCreateAndWrite', 'OnReadAndWrite', 'Disabled'], where);
    assertOneOf('visibility', ttl.visibility, ['NeverReturnExpired', 'ReturnExpiredIfNotCleanedUp'], where);
    if (ttl.updateType === 'Disabled') return undefined;
    const ms = parseDuration(ttl.timeToLive);
    if (ms === undefined || ms <= 0 || clock === undefined) throw invalid(ttl, where);
    return new TimeToLive(ms, ttl, clock);
  }

  now(): number {
    return this.#clock.now();
  }

  isExpired(stamped: Stamped<unknown>, now: number): boolean {
    return stamped.at + this.#ms <= now;
  }
}

function assertOneOf(option: string, given: unknown, known: readonly string[], where: string): void {
  if (given === undefined || known.includes(given as string)) return;
  throw new MillraceError('STATE_TTL_INVALID', `${option} cannot be ${String(given)}.`, {
    domain: 'user',
    recovery: 'fail-job',
    where,
    hint: `Use ${known.join(', ')}.`,
  });
}

function invalid({ timeToLive }: StateTtl, where: string): MillraceError {
  return new MillraceError(
    'STATE_TTL_INVALID',
    `${typeof timeToLive === 'number' ? timeToLive : JSON.stringify(timeToLive)} is not a time to live.`,
    {
      domain: 'user',
      recovery: 'fail-job',
      where,
      hint: 'Write { ttl: { timeToLive: "10 min" } }: such a text, or milliseconds above 0.',
    },
  );
}
