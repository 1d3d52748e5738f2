/**
 * Restart strategies, as pure functions: settings and what was remembered → whether and when to restart. Flink's rules.
 *
 * R1  `none` never restarts; `fixed-delay` restarts at most `attempts` times in the life of this leader's job.
 * R2  `failure-rate` gives up when more than `maxFailuresPerInterval` failures fit in the interval.
 * R3  `exponential-delay`: failures that arrive while a restart is still awaited belong to it and do not raise the
 *     delay; the delay never leaves [initial, max]; it starts over after a quiet time or enough completed checkpoints.
 */
import type { RestartStrategySettings } from '../../graph/types.js';

/** What a strategy remembers between failures: plain data. */
export interface RestartMemory {
  /** Restarts so far that count for the strategy. */
  readonly attempts: number;
  /** When the latest failures came, oldest first; only as many as `failure-rate` needs. */
  readonly failedAt: readonly number[];
  /** When the latest restart was due; null before the first. */
  readonly nextRestartAt: number | null;
  /** Checkpoints completed since the latest failure. */
  readonly checkpoints: number;
}

export const noFailures: RestartMemory = { attempts: 0, failedAt: [], nextRestartAt: null, checkpoints: 0 };

export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number; readonly memory: RestartMemory }
  | { readonly kind: 'give-up'; readonly reason: string; readonly memory: RestartMemory };

/** A failure: when it came, by a clock that never goes back, and a number in [0, 1) for the jitter. */
export interface FailureMoment {
  readonly at: number;
  readonly random: number;
}

/** Decides on one failure. */
export function decideRestart(settings: RestartStrategySettings, memory: RestartMemory, failure: FailureMoment): RestartDecision {
  switch (settings.kind) {
    case 'none':
      return { kind: 'give-up', reason: 'the job has no restart strategy', memory };
    case 'fixed-delay': {
      const attempts = memory.attempts + 1;
      if (attempts <= settings.attempts) return { kind: 'restart', delayMs: settings.delayMs, memory: { ...memory, attempts } };
      return { kind: 'give-up', reason: `the restart strategy fixed-delay allows ${settings.attempts} restarts`, memory };
    }
    case 'failure-rate': {
      const failedAt = [...memory.failedAt, failure.at].slice(-(settings.maxFailuresPerInterval + 1));
      const isFull = failedAt.length > settings.maxFailuresPerInterval;
      if (isFull && failure.at - (failedAt[0] as number) <= settings.intervalMs) {
        const reason = `the restart strategy failure-rate allows ${settings.maxFailuresPerInterval} failures in ${settings.intervalMs} ms`;
        return { kind: 'give-up', reason, memory: { ...memory, failedAt } };
      }
      return { kind: 'restart', delayMs: settings.delayMs, memory: { ...memory, failedAt, attempts: memory.attempts + 1 } };
    }
    case 'exponential-delay':
      return exponential(settings, memory, failure);
  }
}

/** A checkpoint completed. */
export function rememberCheckpoint(memory: RestartMemory): RestartMemory {
  return { ...memory, checkpoints: memory.checkpoints + 1 };
}

function exponential(
  settings: Extract<RestartStrategySettings, { kind: 'exponential-delay' }>,
  memory: RestartMemory,
  { at, random }: FailureMoment,
): RestartDecision {
  const { nextRestartAt } = memory;
  if (nextRestartAt !== null && at <= nextRestartAt) {
    return { kind: 'restart', delayMs: nextRestartAt - at, memory: { ...memory, checkpoints: 0 } };
  }
  const isQuietLongEnough = nextRestartAt !== null && at - nextRestartAt >= settings.resetThresholdMs;
  const startsOver = isQuietLongEnough || memory.checkpoints >= settings.resetAfterCheckpoints;
  const attempts = startsOver ? 0 : memory.attempts;
  const { initialBackoffMs, maxBackoffMs } = settings;
  const backoffMs = Math.min(initialBackoffMs * settings.multiplier ** attempts, maxBackoffMs);
  const jitterMs = backoffMs * settings.jitter * (2 * random - 1);
  const delayMs = Math.round(Math.min(Math.max(backoffMs + jitterMs, initialBackoffMs), maxBackoffMs));
  return { kind: 'restart', delayMs, memory: { ...memory, attempts: attempts + 1, nextRestartAt: at + delayMs, checkpoints: 0 } };
}
