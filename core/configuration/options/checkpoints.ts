/** Checkpoints and state: when they are taken, where they are kept, and for how long. */
import { choice, duration, flag, integer, text } from '../option.js';

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
