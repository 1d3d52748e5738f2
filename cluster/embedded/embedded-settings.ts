/**
 * What the configuration of an embedded run says to its cluster.
 *
 * ES1  A key that was set either has its effect, or is refused by name: none is ignored.
 */
import { resolve } from 'node:path';
import type { Configuration } from '../../core/configuration/configuration.js';
import type { Option } from '../../core/configuration/option.js';
import { options } from '../../core/configuration/options.js';
import { clusterOptions } from '../../core/configuration/options/cluster.js';
import { natsOptions } from '../../core/configuration/options/nats.js';
import { redisOptions } from '../../core/configuration/options/redis.js';
import { MillraceError } from '../../core/errors.js';

/** Keys that say where other processes are, or how they are told apart. An embedded cluster is this process alone. */
const ofProcesses: readonly Option<unknown>[] = [
  ...Object.values(natsOptions),
  ...Object.values(redisOptions),
  clusterOptions.clusterId,
  clusterOptions.highAvailabilityStorageDir,
  clusterOptions.highAvailabilityClusterId,
  options.taskManagerId,
];

/** Choices of which only one can be had here. */
const onlyChoice: readonly {
  readonly option: Option<string | undefined>;
  readonly refused: readonly string[];
  readonly instead: string;
}[] = [
  { option: options.highAvailabilityType, refused: ['filesystem', 'redis'], instead: 'memory: the cluster ends with the process' },
  { option: options.checkpointStorage, refused: ['redis'], instead: 'memory, or filesystem with execution.checkpointing.dir' },
  { option: options.slotIsolation, refused: ['process'], instead: 'thread' },
];

export interface EmbeddedSettings {
  /** Slots of each TaskManager; undefined: as many as the job needs. */
  readonly slots: number | undefined;
  readonly checkpoints:
    | { readonly kind: 'memory' }
    | { readonly kind: 'filesystem'; /** Undefined: removed with the cluster. */ readonly directory: string | undefined };
  /** Under which the directory of the cluster is made; undefined: that of the operating system. */
  readonly temporaryDirectory: string | undefined;
  readonly heapBytesMax: number | undefined;
}

/** Throws `CONFIGURATION_INVALID`, naming every key that cannot have an effect (ES1). */
export function embeddedSettingsOf(configuration: Configuration): EmbeddedSettings {
  const isSet = (option: Option<unknown>): boolean => configuration.originOf(option) !== undefined;
  const mistakes = [
    ...ofProcesses.filter(isSet).map(({ key }) => `"${key}" has no effect in an embedded cluster, which is one process.`),
    ...onlyChoice
      .filter(({ option, refused }) => isSet(option) && refused.includes(String(configuration.get(option))))
      .map(({ option, instead }) => `"${option.key}" cannot be ${configuration.get(option)} in an embedded cluster: use ${instead}.`),
  ];
  if (mistakes.length > 0) {
    throw new MillraceError('CONFIGURATION_INVALID', mistakes.join('\n'), {
      domain: 'user',
      recovery: 'fail-job',
      hint: 'Leave it out, or run the job on a cluster of processes with `millrace run`.',
    });
  }
  const directory = configuration.get(options.checkpointDirectory);
  return {
    slots: isSet(options.numberOfTaskSlots) ? configuration.get(options.numberOfTaskSlots) : undefined,
    checkpoints:
      configuration.get(options.checkpointStorage) === 'memory'
        ? { kind: 'memory' }
        : { kind: 'filesystem', directory: directory === undefined ? undefined : resolve(directory) },
    temporaryDirectory: configuration.get(options.temporaryDirectories),
    heapBytesMax: configuration.get(options.taskHeapSize),
  };
}
