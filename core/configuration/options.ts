/**
 * Every configuration key of Millrace, a file a group in `options/`. Keys, meanings and units are Flink's wherever Flink has
 * them; where a default differs on purpose, the description says so. `docs/configuration.md` is generated from them.
 */
import type { Option } from './option.js';
import { checkpointOptions } from './options/checkpoints.js';
import { clusterOptions } from './options/cluster.js';
import { metricsOptions } from './options/metrics.js';
import { natsOptions } from './options/nats.js';
import { pipelineOptions } from './options/pipeline.js';
import { redisOptions } from './options/redis.js';
import { restartOptions } from './options/restarts.js';
import { taskManagerOptions } from './options/task-manager.js';

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
