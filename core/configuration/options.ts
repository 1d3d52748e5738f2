/**
 * Every configuration key of Millrace. Keys, meanings and units are Flink's wherever Flink has them; where a default
 * differs on purpose, the description says so. `docs/configuration.md` is generated from this file.
 */
import { limits } from '../limits.js';
import { choice, duration, flag, integer, list, number, size, text, type Option } from './option.js';

const token = { pattern: /^[A-Za-z0-9_-]{1,128}$/, expected: '1 to 128 letters, digits, "-" or "_"' };

/** The cluster and its leader. */
export const clusterOptions = {
  clusterId: text('cluster.id', 'default', {
    ...token,
    description: 'Clusters with different ids share NATS and Redis without seeing each other.',
  }),
  highAvailabilityType: choice('high-availability.type', 'memory', {
    values: ['memory', 'filesystem', 'redis'],
    synonyms: { none: 'memory', files: 'filesystem' },
    aliases: ['high-availability'],
    description: 'Where the leader keeps its lease, jobs and checkpoint pointers. With `memory`, jobs do not survive the JobManager.',
  }),
  highAvailabilityStorageDir: text('high-availability.storageDir', undefined, {
    description: 'Directory of the `filesystem` store. All JobManagers of the cluster must run on this machine.',
  }),
  highAvailabilityClusterId: text('high-availability.cluster-id', undefined, {
    ...token,
    description: 'Under which id the store keeps the cluster. Default: `cluster.id`.',
  }),
  leaseDuration: duration('high-availability.lease.duration', 3_000, {
    min: 100,
    description: 'How long a leader may lead without renewing its lease.',
  }),
  leaseRenewInterval: duration('high-availability.lease.renew-interval', 1_000, {
    min: 10,
    description: 'How often a leader renews its lease, and how long a renewal waits for its answer. At most half of the lease.',
  }),
  heartbeatInterval: duration('heartbeat.interval', 500, { min: 10, description: 'How often heartbeats are sent. Flink: 10 s.' }),
  heartbeatTimeout: duration('heartbeat.timeout', 5_000, {
    min: 50,
    description: 'Silence after which a peer counts as dead. Flink: 50 s.',
  }),
  slotRequestTimeout: duration('slot.request.timeout', 300_000, {
    min: 10,
    description: 'How long a job waits for slots before it fails.',
  }),
  jobStoreMaxCapacity: integer('jobstore.max-capacity', 1_000, {
    min: 1,
    description: 'Ended jobs whose results are kept; the oldest are forgotten first. Flink: no limit.',
  }),
  jobStoreExpirationTime: duration('jobstore.expiration-time', 7 * 24 * 3_600_000, {
    min: 1_000,
    description: 'How long the result of an ended job is kept. Flink: 1 hour.',
  }),
  exceptionHistorySize: integer('web.exception-history-size', limits.exceptionHistory, {
    min: 0,
    max: limits.exceptionHistory,
    description: 'Failures of a job that the JobManager remembers, each with those that came with it; `millrace status` shows them.',
  }),
  logLevel: choice('log.level', 'info', {
    values: ['debug', 'info', 'warn', 'error'],
    description: 'Least severity of the lines that are logged.',
  }),
};

export const taskManagerOptions = {
  taskManagerId: text('taskmanager.resource-id', undefined, {
    ...token,
    aliases: ['taskmanager.id'],
    description: 'Name of a TaskManager, unique in its cluster. Default: made up at start.',
  }),
  numberOfTaskSlots: integer('taskmanager.numberOfTaskSlots', 1, {
    min: 1,
    max: 256,
    description: 'Slots of a TaskManager: how many parts of jobs it runs side by side, each in a thread of its own.',
  }),
  slotIsolation: choice('taskmanager.slot.isolation', 'thread', {
    values: ['thread', 'process'],
    description:
      'What a slot is. This version runs slots as threads only and refuses `process`; give a TaskManager one slot where jobs must not share a process.',
  }),
  registrationInitialTimeout: duration('cluster.registration.initial-timeout', 500, {
    min: 10,
    description: 'How long the first attempt to register with the ResourceManager waits for its answer; doubled each time. Flink: 100 ms.',
  }),
  registrationMaxTimeout: duration('cluster.registration.max-timeout', 5_000, {
    min: 10,
    description: 'How long an attempt to register waits at most. Flink: 30 s.',
  }),
  registrationErrorDelay: duration('cluster.registration.error-delay', 1_000, {
    min: 10,
    description:
      'Longest pause after an attempt that found no ResourceManager; the first is 100 ms if that is shorter, and each is twice the last. Flink: 10 s.',
  }),
  registrationRefusedDelay: duration('cluster.registration.refused-registration-delay', 1_000, {
    min: 10,
    description: 'Pause after the ResourceManager answered with a failure. Flink: 30 s.',
  }),
  registrationTimeout: duration('taskmanager.registration.timeout', 300_000, {
    min: 10,
    description: 'A TaskManager that has been without a ResourceManager for so long ends with an error.',
  }),
  taskHeapSize: size('taskmanager.memory.task.heap.size', undefined, {
    min: 16 * 1_024 * 1_024,
    description: 'Most heap of one slot. Default: what Node gives a thread.',
  }),
  buffersPerChannel: integer('taskmanager.network.memory.buffers-per-channel', limits.exclusiveBuffersPerChannel, {
    min: 0,
    max: 1_024,
    description: `Frames that each channel may always have under way or waiting to be read, of up to ${limits.segmentBytes / 1_024} KiB. A slot with many channels gives them fewer.`,
  }),
  floatingBuffersPerGate: integer('taskmanager.network.memory.floating-buffers-per-gate', limits.floatingBuffersPerGate, {
    min: 1,
    max: 1_024,
    description: `Frames more that the channels of one input of a task share, for those with most to send; up to ${limits.floatingBuffersPerGateMax} while they are read within ${limits.gateDepthMs} ms.`,
  }),
  cancellationTimeout: duration('task.cancellation.timeout', 180_000, {
    description: 'A task that is not cancelled by then takes its slot with it; 0 switches the watchdog off.',
  }),
  openTimeout: duration('task.open.timeout', 600_000, {
    description: `How long \`open\` of an operator may take before its task fails; after ${limits.openSlowMs / 1_000} s it is said in the log and by \`millrace status\`. 0: no bound. Not in Flink.`,
  }),
  temporaryDirectories: text('io.tmp.dirs', undefined, {
    description: 'Directory for temporary files. Default: that of the operating system.',
  }),
};

export const pipelineOptions = {
  parallelism: integer('parallelism.default', 1, {
    min: 1,
    max: limits.maxParallelismMax,
    description: 'Parallelism of operators that were given none.',
  }),
  maxParallelism: integer('pipeline.max-parallelism', undefined, {
    min: 1,
    max: limits.maxParallelismMax,
    description: 'Key groups of operators that were given none. Fixed with their state. Default: derived from the parallelism.',
  }),
  isChainingEnabled: flag('pipeline.operator-chaining.enabled', true, {
    aliases: ['pipeline.operator-chaining'],
    description: 'Whether operators that can run in one task do.',
  }),
  autoWatermarkInterval: duration('pipeline.auto-watermark-interval', limits.autoWatermarkIntervalMs, {
    description:
      'How often sources and operators that make watermarks emit them; 0: only generators that emit for single records do, and the end of input.',
  }),
  isObjectReuse: flag('pipeline.object-reuse', false, {
    description:
      'Do not copy values that are put into state. Faster; state goes wrong when a function changes a value that it has put or emitted.',
  }),
  bufferTimeout: duration('execution.buffer-timeout.interval', 100, {
    aliases: ['execution.buffer-timeout'],
    description:
      'Records wait at most this long for others to share a frame; with 0 they leave at the end of the slice that made them, 5 ms later at most. Flink: 0 sends each alone.',
  }),
  isBufferTimeoutEnabled: flag('execution.buffer-timeout.enabled', true, {
    description:
      'When false, frames are sent only when they are full, or before an event that comes behind their records: a watermark, a checkpoint barrier, the end, a latency marker whose own frame has left.',
  }),
};

export const checkpointOptions = {
  checkpointInterval: duration('execution.checkpointing.interval', undefined, {
    min: 10,
    description: 'How often a checkpoint is started. Default: never, so that a failure restarts from the beginning.',
  }),
  checkpointMode: choice('execution.checkpointing.mode', 'EXACTLY_ONCE', {
    values: ['EXACTLY_ONCE'],
    description: 'What state shows after a failure: every record exactly once.',
  }),
  checkpointTimeout: duration('execution.checkpointing.timeout', 600_000, {
    min: 10,
    description: 'A checkpoint that is not complete by then is aborted.',
  }),
  checkpointMinPause: duration('execution.checkpointing.min-pause', 0, {
    description: 'Least time between the end of a checkpoint and the start of the next.',
  }),
  maxConcurrentCheckpoints: integer('execution.checkpointing.max-concurrent-checkpoints', 1, {
    min: 1,
    description: 'Most checkpoints under way at once.',
  }),
  tolerableFailedCheckpoints: integer('execution.checkpointing.tolerable-failed-checkpoints', 0, {
    min: 0,
    description: 'Failed checkpoints in a row that the job puts up with.',
  }),
  retainedCheckpoints: integer('execution.checkpointing.num-retained', 1, {
    min: 1,
    aliases: ['state.checkpoints.num-retained'],
    description: 'Completed checkpoints that are kept.',
  }),
  checkpointRetention: choice('execution.checkpointing.externalized-checkpoint-retention', 'DELETE_ON_CANCELLATION', {
    values: ['DELETE_ON_CANCELLATION', 'RETAIN_ON_CANCELLATION'],
    description: 'What happens to checkpoints when the job is cancelled. They are kept when it fails, and removed when it finishes.',
  }),
  checkpointStorage: choice('execution.checkpointing.storage', undefined, {
    values: ['memory', 'filesystem', 'redis'],
    synonyms: { jobmanager: 'memory', files: 'filesystem' },
    aliases: ['state.checkpoint-storage'],
    description: 'Where checkpoints are written. Default: `filesystem` when a directory is given, else that of `high-availability.type`.',
  }),
  checkpointDirectory: text('execution.checkpointing.dir', undefined, {
    aliases: ['state.checkpoints.dir'],
    description: 'Directory of checkpoints in files. Every TaskManager must reach it under this path.',
  }),
  stateBackend: choice('state.backend.type', 'hashmap', {
    values: ['hashmap'],
    aliases: ['state.backend'],
    description: 'How operators hold keyed state.',
  }),
  isNonRestoredStateAllowed: flag('execution.state-recovery.ignore-unclaimed-state', false, {
    description: 'Leave state of a checkpoint behind that no operator of the job wants.',
  }),
};

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

export const metricsOptions = {
  latencyInterval: duration('metrics.latency.interval', 0, {
    description:
      'How often each source subtask sends a latency marker; 0 sends none. A marker leaves after the frame of the records before it, and takes along a frame that is not full yet.',
  }),
  latencyGranularity: choice('metrics.latency.granularity', 'operator', {
    values: ['single', 'operator', 'subtask'],
    description:
      'Which latencies are told apart: one histogram an operator (`single`), one for each source and operator (`operator`), or one for each subtask of a source and of an operator (`subtask`).',
  }),
};

export const natsOptions = {
  natsServers: list('nats.servers', ['nats://127.0.0.1:4222'], { aliases: ['nats.url'], description: 'Addresses of the NATS servers.' }),
  natsUser: text('nats.user', undefined, { description: 'User name.' }),
  natsPassword: text('nats.password', undefined, { isSecret: true, description: 'Password of the user.' }),
  natsToken: text('nats.token', undefined, { isSecret: true, description: 'Token, instead of user and password.' }),
  natsNkeySeed: text('nats.nkey.seed', undefined, { isSecret: true, description: 'Seed of an NKey, instead of user and password.' }),
  natsCredentialsFile: text('nats.credentials.file', undefined, { description: 'Path of a `.creds` file, instead of user and password.' }),
  isNatsTls: flag('nats.tls.enabled', false, { description: 'Whether to insist on TLS.' }),
  natsTlsCaFile: text('nats.tls.ca-file', undefined, { description: 'Certificates to trust, PEM.' }),
  natsTlsCertFile: text('nats.tls.cert-file', undefined, { description: 'Certificate of the client, PEM.' }),
  natsTlsKeyFile: text('nats.tls.key-file', undefined, { description: 'Private key of the client, PEM.' }),
  natsSubjectPrefix: text('nats.subject-prefix', 'millrace', { ...token, description: 'First token of every subject.' }),
  natsConnectTimeout: duration('nats.connect.timeout', 5_000, { min: 10, description: 'How long one attempt to connect may take.' }),
  natsGiveUpAfter: duration('nats.connect.give-up-after', undefined, {
    description: 'Time without a connection after which a process ends with an error. Default: it tries on for ever.',
  }),
  natsReconnectWait: duration('nats.reconnect.wait', 250, { min: 1, description: 'Wait between attempts to reconnect.' }),
};

export const redisOptions = {
  redisUrl: text('redis.url', 'redis://127.0.0.1:6379', {
    pattern: /^rediss?:\/\/.+/,
    expected: 'an address such as redis://host:6379',
    description: 'Address of the Redis server; `rediss:` for TLS.',
  }),
  redisUser: text('redis.user', undefined, { description: 'User name.' }),
  redisPassword: text('redis.password', undefined, { isSecret: true, description: 'Password of the user.' }),
  redisDatabase: integer('redis.database', 0, { min: 0, max: 1_024, description: 'Number of the database.' }),
  redisKeyPrefix: text('redis.key-prefix', 'millrace', { ...token, description: 'Beginning of every key.' }),
  redisGiveUpAfter: duration('redis.connect.give-up-after', undefined, {
    description: 'Time without a connection after which a process ends with an error. Default: it tries on for ever.',
  }),
};

/** All keys by the name they have in code. */
export const options = {
  ...clusterOptions,
  ...taskManagerOptions,
  ...pipelineOptions,
  ...checkpointOptions,
  ...restartOptions,
  ...metricsOptions,
  ...natsOptions,
  ...redisOptions,
};

/** All keys in groups, for the documentation. */
export const optionGroups: readonly { readonly title: string; readonly options: readonly Option<unknown>[] }[] = [
  { title: 'Cluster', options: Object.values(clusterOptions) },
  { title: 'TaskManager', options: Object.values(taskManagerOptions) },
  { title: 'Pipeline', options: Object.values(pipelineOptions) },
  { title: 'Checkpoints and state', options: Object.values(checkpointOptions) },
  { title: 'Restarts', options: Object.values(restartOptions) },
  { title: 'Metrics', options: Object.values(metricsOptions) },
  { title: 'NATS', options: Object.values(natsOptions) },
  { title: 'Redis', options: Object.values(redisOptions) },
];
