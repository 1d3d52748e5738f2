/** A JobManager as a process of its own. */
import { hostname } from 'node:os';
import { JobManagerNode } from '../../actors/job-manager/job-manager-node.js';
import { createEndpoint } from '../../bus/endpoint.js';
import type { Configuration } from '../../core/configuration/configuration.js';
import type { Logger } from '../../core/ports.js';
import { systemClock, systemRandom } from '../adapters/system-clock.js';
import { connectBus, subjectsOf } from '../bus-connection.js';
import { versions } from '../versions.js';
import type { ActorProcess } from '../process-lifetime.js';
import { openStores } from '../stores.js';
import { jobManagerSettingsOf } from './settings-of-actors.js';

export interface JobManagerProcessOptions {
  readonly configuration: Configuration;
  readonly logger: Logger;
  /** Names this life of the process; made up when absent. */
  readonly holder?: string;
  /** Former lives known to be dead, the latest first. */
  readonly supersedes?: readonly string[];
  readonly signal: AbortSignal;
  readonly fatal: (reason: string) => void;
}

export async function startJobManagerProcess(settings: JobManagerProcessOptions): Promise<ActorProcess> {
  const { configuration, logger, signal, supersedes, fatal } = settings;
  const ports = { clock: systemClock, random: systemRandom, logger };
  const holder = settings.holder ?? `jm-${systemRandom.hex(4)}`;
  logger.log('info', 'the JobManager starts', { holder, host: hostname(), ...versions });
  const stores = await openStores(configuration, { ...ports, onLost: ({ message }) => fatal(message) });
  logger.log('info', 'the store is open', { leaderStore: stores.ha.durability, checkpoints: stores.checkpoints.durability });
  const bus = await connectBus({ configuration, name: holder, clock: systemClock, logger, signal, fatal });
  const endpoint = createEndpoint({ ...ports, name: `job-manager.${holder}`, bus, subjects: subjectsOf(configuration) });
  const node = new JobManagerNode({
    ...ports,
    bus,
    endpoint,
    store: stores.ha,
    checkpointStorage: stores.checkpoints,
    blobs: stores.blobs,
    holder,
    process: { host: hostname(), pid: process.pid },
    ...(supersedes === undefined ? {} : { supersedes }),
    ...jobManagerSettingsOf(configuration),
  });
  return {
    stop: async () => {
      await node.stop();
      endpoint.close();
      await bus.close();
      await stores.close();
    },
  };
}
