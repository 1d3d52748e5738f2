/**
 * What a builder says about restarts, checked and completed.
 *
 * RS1  A field has the bounds of the configuration key that means the same; the error names the field.
 */
import type { Configuration } from '../core/configuration/configuration.js';
import type { Option } from '../core/configuration/option.js';
import { options } from '../core/configuration/options.js';
import { formatDuration } from '../core/quantities.js';
import { restartStrategyOf } from '../graph/job-settings.js';
import type { RestartStrategySettings } from '../graph/types.js';
import { apiError } from './api-error.js';
import type { Duration } from './duration.js';

/** What happens after a failure; what is left out comes from configuration. */
export type RestartStrategy =
  | { readonly kind: 'none' }
  | { readonly kind: 'fixed-delay'; readonly attempts?: number; readonly delay?: Duration }
  | { readonly kind: 'failure-rate'; readonly maxFailuresPerInterval?: number; readonly interval?: Duration; readonly delay?: Duration }
  | {
      readonly kind: 'exponential-delay';
      readonly initialBackoff?: Duration;
      readonly maxBackoff?: Duration;
      readonly multiplier?: number;
      readonly resetThreshold?: Duration;
      readonly resetAfterCheckpoints?: number;
      readonly jitter?: number;
    };

const where = 'setRestartStrategy';

/** The strategy with what it leaves out taken from configuration. Throws `RESTART_STRATEGY_INVALID` (RS1). */
export function resolvedRestartStrategy(strategy: RestartStrategy, configuration: Configuration): RestartStrategySettings {
  const field = (name: string, given: Duration | undefined, option: Option<number>): number =>
    given === undefined ? configuration.get(option) : checked(name, given, option);
  switch (strategy.kind) {
    case 'none':
      return restartStrategyOf(configuration, 'none');
    case 'fixed-delay':
      return {
        kind: strategy.kind,
        attempts: field('attempts', strategy.attempts, options.fixedDelayAttempts),
        delayMs: field('delay', strategy.delay, options.fixedDelay),
      };
    case 'failure-rate':
      return {
        kind: strategy.kind,
        maxFailuresPerInterval: field('maxFailuresPerInterval', strategy.maxFailuresPerInterval, options.failureRateMax),
        intervalMs: field('interval', strategy.interval, options.failureRateInterval),
        delayMs: field('delay', strategy.delay, options.failureRateDelay),
      };
    case 'exponential-delay': {
      const initialBackoffMs = field('initialBackoff', strategy.initialBackoff, options.initialBackoff);
      const maxBackoffMs = field('maxBackoff', strategy.maxBackoff, options.maxBackoff);
      if (initialBackoffMs > maxBackoffMs) {
        const [initial, max] = [formatDuration(initialBackoffMs), formatDuration(maxBackoffMs)];
        throw invalid(`initialBackoff (${initial}) is more than maxBackoff (${max}).`, 'Lower the first or raise the second.');
      }
      return {
        kind: strategy.kind,
        initialBackoffMs,
        maxBackoffMs,
        multiplier: field('multiplier', strategy.multiplier, options.backoffMultiplier),
        resetThresholdMs: field('resetThreshold', strategy.resetThreshold, options.resetBackoffThreshold),
        resetAfterCheckpoints: field('resetAfterCheckpoints', strategy.resetAfterCheckpoints, options.resetAfterCheckpoints),
        jitter: field('jitter', strategy.jitter, options.backoffJitter),
      };
    }
    default:
      throw invalid(
        `${JSON.stringify((strategy as { readonly kind: unknown }).kind)} is no kind of restart strategy.`,
        `Use ${options.restartStrategy.expected}.`,
      );
  }
}

function checked(name: string, given: Duration, option: Option<number>): number {
  const parsed = option.parse(given);
  if (parsed.ok) return parsed.value;
  throw invalid(`${name} cannot be ${JSON.stringify(given)}.`, `Give it ${parsed.expected}.`);
}

const invalid = (message: string, hint: string): Error => apiError('RESTART_STRATEGY_INVALID', message, { where, hint });
