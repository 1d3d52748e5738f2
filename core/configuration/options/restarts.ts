/** What happens after a failure. */
import { choice, duration, integer, number } from '../option.js';

export const restartOptions = {
  restartStrategy: choice('restart-strategy.type', undefined, {
    values: ['none', 'fixed-delay', 'failure-rate', 'exponential-delay'],
    synonyms: {
      off: 'none',
      disable: 'none',
      fixeddelay: 'fixed-delay',
      failurerate: 'failure-rate',
      exponentialdelay: 'exponential-delay',
    },
    aliases: ['restart-strategy'],
    description: 'What happens after a failure. Default: `exponential-delay` with checkpoints, `none` without.',
  }),
  failoverStrategy: choice('jobmanager.execution.failover-strategy', 'region', {
    values: ['region', 'full'],
    description: 'Restart the tasks that exchange records with the failed one, or all.',
  }),
  repeatedFailureAttempts: integer('restart-strategy.repeated-failure.attempts', 10, {
    min: 0,
    description:
      'Restarts after the same failure of user code, without a completed checkpoint in between, before the job fails whatever its strategy; 0: no bound. Not in Flink.',
  }),
  repeatedFailureTime: duration('restart-strategy.repeated-failure.time', 600_000, {
    description: 'The job fails so only when the first of these failures was so long ago, so that it outlives a service that is away.',
  }),
  fixedDelayAttempts: integer('restart-strategy.fixed-delay.attempts', 1, { min: 0, description: 'Restarts before the job fails.' }),
  fixedDelay: duration('restart-strategy.fixed-delay.delay', 1_000, { description: 'Wait before a restart.' }),
  failureRateMax: integer('restart-strategy.failure-rate.max-failures-per-interval', 1, {
    min: 1,
    description: 'Failures within the interval that the job survives.',
  }),
  failureRateInterval: duration('restart-strategy.failure-rate.failure-rate-interval', 60_000, {
    min: 1,
    description: 'The interval in which failures are counted.',
  }),
  failureRateDelay: duration('restart-strategy.failure-rate.delay', 1_000, { description: 'Wait before a restart.' }),
  initialBackoff: duration('restart-strategy.exponential-delay.initial-backoff', 100, {
    min: 1,
    description: 'First wait before a restart. Flink: 1 s.',
  }),
  maxBackoff: duration('restart-strategy.exponential-delay.max-backoff', 10_000, {
    min: 1,
    description: 'Longest wait before a restart. Flink: 1 min.',
  }),
  backoffMultiplier: number('restart-strategy.exponential-delay.backoff-multiplier', 2, {
    min: 1,
    description: 'Each wait is this many times the last. Flink: 1.5.',
  }),
  resetBackoffThreshold: duration('restart-strategy.exponential-delay.reset-backoff-threshold', 30_000, {
    min: 1,
    description: 'Time without a failure after which waits start over. Flink: 1 h.',
  }),
  resetAfterCheckpoints: integer('restart-strategy.exponential-delay.reset-after-checkpoints', 3, {
    min: 1,
    description: 'Completed checkpoints after which waits start over, whatever the time. Not in Flink.',
  }),
  backoffJitter: number('restart-strategy.exponential-delay.jitter-factor', 0.1, {
    min: 0,
    max: 1,
    description: 'Share by which a wait may differ, up or down.',
  }),
};
