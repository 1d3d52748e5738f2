/** TaskManagers: slots, registration, memory, bounds on what user code may take. */
import { limits } from '../../limits.js';
import { choice, duration, integer, size, text } from '../option.js';
import { token } from './token.js';

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
    description: `How long \`open\` of an operator, \`enumerate\` of a source and \`start\` of its readers may take before the task fails; after ${limits.userCallSlowMs / 1_000} s it is said in the log and by \`millrace status\`. 0: no bound. Not in Flink.`,
  }),
  temporaryDirectories: text('io.tmp.dirs', undefined, {
    description: 'Directory for temporary files. Default: that of the operating system.',
  }),
};
