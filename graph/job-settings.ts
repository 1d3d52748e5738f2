/** What configuration decides for a job: its settings, and what its builder starts from. */
import type { Configuration } from '../core/configuration/configuration.js';
import { options } from '../core/configuration/options.js';
import type { CheckpointSettings, JobSettings, PlanningSettings, RestartStrategySettings } from './types.js';

/** What a builder sets itself; it wins over configuration, as in Flink. */
export interface JobSettingOverrides {
  readonly checkpointing?: Partial<CheckpointSettings>;
  readonly restartStrategy?: RestartStrategySettings;
  readonly failover?: JobSettings['failover'];
  /** Negative: frames are sent only when full. */
  readonly bufferTimeoutMs?: number;
  readonly autoWatermarkIntervalMs?: number;
  readonly objectReuse?: boolean;
}

type RestartKind = RestartStrategySettings['kind'];

/** The settings of a job, every default filled in. */
export function jobSettings(configuration: Configuration, overrides: JobSettingOverrides = {}): JobSettings {
  const checkpointing: CheckpointSettings = {
    intervalMs: configuration.get(options.checkpointInterval),
    timeoutMs: configuration.get(options.checkpointTimeout),
    minPauseMs: configuration.get(options.checkpointMinPause),
    maxConcurrent: configuration.get(options.maxConcurrentCheckpoints),
    tolerableFailures: configuration.get(options.tolerableFailedCheckpoints),
    retained: configuration.get(options.retainedCheckpoints),
    retention: configuration.get(options.checkpointRetention),
    ...overrides.checkpointing,
  };
  return {
    checkpointing,
    restartStrategy:
      overrides.restartStrategy ??
      restartStrategyOf(configuration, configuration.get(options.restartStrategy) ?? defaultRestartStrategy(checkpointing.intervalMs)),
    repeatedFailure: {
      attempts: configuration.get(options.repeatedFailureAttempts),
      timeMs: configuration.get(options.repeatedFailureTime),
    },
    failover: overrides.failover ?? configuration.get(options.failoverStrategy),
    bufferTimeoutMs:
      overrides.bufferTimeoutMs ?? (configuration.get(options.isBufferTimeoutEnabled) ? configuration.get(options.bufferTimeout) : -1),
    autoWatermarkIntervalMs: overrides.autoWatermarkIntervalMs ?? configuration.get(options.autoWatermarkInterval),
    ...latencyTrackingOf(configuration),
    objectReuse: overrides.objectReuse ?? configuration.get(options.isObjectReuse),
    slotRequestTimeoutMs: configuration.get(options.slotRequestTimeout),
    cancellationTimeoutMs: configuration.get(options.cancellationTimeout),
    openTimeoutMs: configuration.get(options.openTimeout),
    isNonRestoredStateAllowed: configuration.get(options.isNonRestoredStateAllowed),
  };
}

function latencyTrackingOf(configuration: Configuration): Pick<JobSettings, 'latencyTracking'> {
  const intervalMs = configuration.get(options.latencyInterval);
  return intervalMs > 0 ? { latencyTracking: { intervalMs, granularity: configuration.get(options.latencyGranularity) } } : {};
}

/** Flink's rule: a job with checkpoints is restarted, one without would only repeat its output. */
function defaultRestartStrategy(intervalMs: number | undefined): RestartKind {
  return intervalMs === undefined ? 'none' : 'exponential-delay';
}

/** The parameters of a restart strategy as configured. */
export function restartStrategyOf(configuration: Configuration, kind: RestartKind): RestartStrategySettings {
  switch (kind) {
    case 'none':
      return { kind };
    case 'fixed-delay':
      return { kind, attempts: configuration.get(options.fixedDelayAttempts), delayMs: configuration.get(options.fixedDelay) };
    case 'failure-rate':
      return {
        kind,
        maxFailuresPerInterval: configuration.get(options.failureRateMax),
        intervalMs: configuration.get(options.failureRateInterval),
        delayMs: configuration.get(options.failureRateDelay),
      };
    case 'exponential-delay':
      return {
        kind,
        initialBackoffMs: configuration.get(options.initialBackoff),
        maxBackoffMs: configuration.get(options.maxBackoff),
        multiplier: configuration.get(options.backoffMultiplier),
        resetThresholdMs: configuration.get(options.resetBackoffThreshold),
        resetAfterCheckpoints: configuration.get(options.resetAfterCheckpoints),
        jitter: configuration.get(options.backoffJitter),
      };
  }
}

/** What a builder starts from. */
export function planningSettings(configuration: Configuration): PlanningSettings {
  return {
    parallelism: configuration.get(options.parallelism),
    maxParallelism: configuration.get(options.maxParallelism) ?? null,
    isChainingEnabled: configuration.get(options.isChainingEnabled),
  };
}
