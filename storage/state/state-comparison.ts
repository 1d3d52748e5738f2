/** Whether state of a checkpoint fits what a program asks for. */
import type { StateDescriptor } from './contracts.js';

export interface Incompatibility {
  /** Goes on after the name of the state. */
  readonly why: string;
  readonly hint: string;
}

/** Why `wanted` cannot take over what a checkpoint holds as `held`, of the same kind and scope; undefined when it can. */
export function incompatibility(held: StateDescriptor, wanted: StateDescriptor, isMigrated: boolean): Incompatibility | undefined {
  if (held.hasTtl !== wanted.hasTtl) {
    return {
      why: held.hasTtl ? 'had a time to live in the checkpoint and has none now' : 'has a time to live now and had none in the checkpoint',
      hint: 'Give the new state another name.',
    };
  }
  if (held.version > wanted.version) {
    return {
      why: `has version ${held.version} in the checkpoint and version ${wanted.version} in the program`,
      hint: 'Run the program that wrote it, or a later one.',
    };
  }
  if (held.version < wanted.version && !isMigrated) {
    return {
      why: `has version ${held.version} in the checkpoint and version ${wanted.version} in the program, which does not say how to migrate it`,
      hint: 'Give { version, migrate(old, fromVersion) } where the state is asked for.',
    };
  }
  return undefined;
}
