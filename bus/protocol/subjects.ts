/** The only place where subjects are made. Every token comes from a checked id, so none can widen a subscription. */
import { isSubjectToken, type TaskManagerId } from '../../core/ids.js';
import type { Address } from '../endpoint-contract.js';

export interface SubjectsOptions {
  /** One or more tokens joined by `.`; default `millrace`. */
  readonly prefix?: string;
  /** Clusters that share a NATS server have different ids; default `default`. */
  readonly clusterId?: string;
}

/** Subjects of one cluster. */
export interface Subjects {
  readonly prefix: string;
  readonly clusterId: string;
  /** Subject an address listens on. */
  of(address: Address): string;
  /** Frames and channel control for a slot. */
  data(taskManagerId: TaskManagerId, slot: number): string;
  /** Events of every job. */
  allJobEvents(): string;
  /** What the subjects of a TaskManager's slots start with. */
  slotsPrefix(taskManagerId: TaskManagerId): string;
  /** Whether frames travel on the subject, or pattern. */
  isData(subject: string): boolean;
}

/** Throws a TypeError when prefix or cluster id cannot stand in a subject. */
export function createSubjects(options: SubjectsOptions = {}): Subjects {
  const prefix = options.prefix ?? 'millrace';
  const clusterId = options.clusterId ?? 'default';
  for (const part of [...prefix.split('.'), clusterId]) {
    if (!isSubjectToken(part)) {
      throw new TypeError(`${JSON.stringify(part)} cannot stand in a subject: use 1 to 128 letters, digits, "-" or "_"`);
    }
  }
  const root = `${prefix}.${clusterId}`;
  return {
    prefix,
    clusterId,
    of: (address) => `${root}.${addressName(address)}`,
    data: (id, slot) => `${root}.task-manager.${checked(id)}.data.${count(slot)}`,
    allJobEvents: () => `${root}.events.job.*`,
    slotsPrefix: (id) => `${root}.task-manager.${checked(id)}.`,
    isData: (subject) => subject.startsWith(root) && /\.data\.[^.]+$/.test(subject),
  };
}

/** The address as text, without prefix and cluster: what envelopes carry in `to`. */
export function addressName(address: Address): string {
  switch (address.kind) {
    case 'job-manager':
    case 'resource-manager':
      return address.kind;
    case 'job':
      return `job.${checked(address.jobId)}`;
    case 'task-manager':
      return `task-manager.${checked(address.taskManagerId)}`;
    case 'slot':
      return `task-manager.${checked(address.taskManagerId)}.slot.${count(address.slot)}`;
    case 'leader-events':
      return 'leader';
    case 'job-events':
      return `events.job.${checked(address.jobId)}`;
  }
}

/** Whether several may listen on the address, so that a message must reach them all. */
export function isBroadcast(address: Address): boolean {
  return address.kind === 'leader-events' || address.kind === 'job-events';
}

function checked(id: string): string {
  if (!isSubjectToken(id)) throw new TypeError(`${JSON.stringify(id)} cannot stand in a subject`);
  return id;
}

function count(slot: number): number {
  if (!Number.isSafeInteger(slot) || slot < 0) throw new TypeError(`${slot} is not a slot number`);
  return slot;
}
