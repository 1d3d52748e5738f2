/** What is measured beside counts. */
import { choice, duration } from '../option.js';

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
