/** A TaskManager as a process of its own: one connection for control, and one a slot for its frames, in the slot's thread. */
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { TaskManager } from '../../actors/task-manager/task-manager.js';
import { createEndpoint } from '../../bus/endpoint.js';
import type { Configuration } from '../../core/configuration/configuration.js';
import { options } from '../../core/configuration/options.js';
import { MillraceError } from '../../core/errors.js';
import { sessionId, taskManagerId } from '../../core/ids.js';
import type { Logger } from '../../core/ports.js';
import type { LogSetting } from '../adapters/pino-logger.js';
import { systemClock, systemRandom } from '../adapters/system-clock.js';
import { WorkerSlotSpawner } from '../adapters/worker-slot-spawner.js';
import { connectBus, natsSettingsOf, subjectsOf } from '../bus-connection.js';
import { versions } from '../versions.js';
import { CodeCache } from '../job-code/code-cache.js';
import type { ActorProcess } from '../process-lifetime.js';
import { openTaskManagerStorage } from '../stores.js';
import { slotBuffersOf, taskManagerSettingsOf } from './settings-of-actors.js';

export interface TaskManagerProcessOptions {
  readonly configuration: Configuration;
  readonly logger: Logger;
  readonly logLevel: LogSetting;
  readonly signal: AbortSignal;
  readonly fatal: (reason: string) => void;
}

export async function startTaskManagerProcess({
  configuration,
  logger,
  logLevel,
  signal,
  fatal,
}: TaskManagerProcessOptions): Promise<ActorProcess> {
  if (configuration.get(options.slotIsolation) === 'process') {
    throw new MillraceError('NOT_SUPPORTED', `"${options.slotIsolation.key}" is process: this version runs slots as threads only`, {
      domain: 'user',
      recovery: 'crash',
      hint: 'Leave it at thread, and give each TaskManager one slot where jobs must not share a process.',
    });
  }
  const ports = { clock: systemClock, random: systemRandom, logger };
  const id = configuration.get(options.taskManagerId) ?? `tm-${systemRandom.hex(4)}`;
  logger.log('info', 'the TaskManager starts', {
    taskManager: id,
    host: hostname(),
    slots: configuration.get(options.numberOfTaskSlots),
    ...versions,
  });
  const storage = await openTaskManagerStorage(configuration, { ...ports, onLost: ({ message }) => fatal(message) });
  const connection = { configuration, clock: systemClock, logger, signal, fatal };
  const bus = await connectBus({ ...connection, name: `${id} control` });
  const subjects = subjectsOf(configuration);
  const endpoint = createEndpoint({ ...ports, name: `task-manager.${id}`, bus, subjects });
  const heapBytesMax = configuration.get(options.taskHeapSize);
  const spawner = new WorkerSlotSpawner({
    log: { level: logLevel, fields: { pid: process.pid, taskManager: id } },
    storage: storage.slots,
    slots: configuration.get(options.numberOfTaskSlots),
    nats: natsSettingsOf(configuration),
    buffers: slotBuffersOf(configuration, configuration.get(options.numberOfTaskSlots)),
    ...(heapBytesMax === undefined ? {} : { heapBytesMax }),
  });
  const taskManager = new TaskManager({
    ...ports,
    taskManagerId: taskManagerId(id),
    sessionId: sessionId(systemRandom.hex(8)),
    host: hostname(),
    pid: process.pid,
    endpoint,
    subjects,
    bus,
    ...(storage.chunks === undefined ? {} : { chunks: storage.chunks }),
    spawner,
    codeCache: new CodeCache(
      join(configuration.get(options.temporaryDirectories) ?? tmpdir(), `millrace-${process.getuid?.() ?? 'user'}`, 'job-code'),
    ),
    settings: taskManagerSettingsOf(configuration),
    onFatal: fatal,
  });
  return {
    stop: async () => {
      // First: no thread is loaded for a slot that is freed now.
      await spawner.close();
      await taskManager.shutdown('the process stops');
      endpoint.close();
      await Promise.all([bus.close(), storage.close()]);
    },
  };
}
