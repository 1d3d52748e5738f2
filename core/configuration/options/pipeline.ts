/** How records move through a job: parallelism, chaining, frames, watermarks. */
import { limits } from '../../limits.js';
import { duration, flag, integer } from '../option.js';

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
      'How often sources and operators that make watermarks emit them (where many records come, those that go by timestamps alone do it more often); 0: only generators that emit for single records do, and the end of input.',
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
