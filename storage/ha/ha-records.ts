/**
 * The records of a cluster as plain data, and what each change does to them: one definition for memory and files.
 * (Redis does the same in its scripts; the contract suite holds all three to it.)
 *
 * HR1  Applying a change twice in a row is the same as applying it once, but for `next-checkpoint-id`, which skips an id.
 * HR2  The first result of a job stays, and none is removed while the job has a record.
 * HR3  Checkpoints of a job are ordered by id; the oldest beyond `retained` are dropped in the step that adds one, and
 *      adding the latest one again tells again what it dropped.
 */
import { MillraceError } from '../../core/errors.js';
import type { CheckpointId, JobId, LeaderEpoch } from '../../core/ids.js';
import type { CheckpointPointer, JobRecord, JobResultRecord, LeaderToken } from '../contracts.js';

/** Checkpoints of one job. */
export interface JobCheckpoints {
  /** The last id given out. */
  lastId: number;
  pointers: readonly CheckpointPointer[];
  /** What adding the newest checkpoint dropped. */
  dropped: readonly CheckpointPointer[];
}

export interface HaRecords {
  /** The latest grant; undefined before the first. */
  token: LeaderToken | undefined;
  readonly jobs: Map<JobId, JobRecord>;
  readonly results: Map<JobId, JobResultRecord>;
  readonly checkpoints: Map<JobId, JobCheckpoints>;
}

/** A change of the records, as plain data. */
export type HaChange =
  | { readonly kind: 'put-job'; readonly job: JobRecord }
  | { readonly kind: 'put-result'; readonly result: JobResultRecord }
  | { readonly kind: 'remove-job'; readonly jobId: JobId; readonly keepCheckpoints: boolean }
  | { readonly kind: 'remove-results'; readonly jobIds: readonly JobId[] }
  | { readonly kind: 'next-checkpoint-id'; readonly jobId: JobId }
  | { readonly kind: 'raise-checkpoint-id'; readonly jobId: JobId; readonly after: CheckpointId }
  | { readonly kind: 'add-checkpoint'; readonly jobId: JobId; readonly pointer: CheckpointPointer; readonly retained: number };

export function emptyHaRecords(): HaRecords {
  return { token: undefined, jobs: new Map(), results: new Map(), checkpoints: new Map() };
}

/** Performs one change. */
export function applyHaChange(records: HaRecords, change: HaChange): void {
  switch (change.kind) {
    case 'put-job':
      records.jobs.set(change.job.jobId, change.job);
      return;
    case 'put-result':
      if (!records.results.has(change.result.jobId)) records.results.set(change.result.jobId, change.result);
      return;
    case 'remove-job':
      records.jobs.delete(change.jobId);
      if (!change.keepCheckpoints) records.checkpoints.delete(change.jobId);
      return;
    case 'remove-results':
      for (const jobId of change.jobIds) if (!records.jobs.has(jobId)) records.results.delete(jobId);
      return;
    case 'next-checkpoint-id':
      checkpointsOf(records, change.jobId).lastId += 1;
      return;
    case 'raise-checkpoint-id': {
      const checkpoints = checkpointsOf(records, change.jobId);
      checkpoints.lastId = Math.max(checkpoints.lastId, change.after);
      return;
    }
    case 'add-checkpoint':
      addCheckpoint(checkpointsOf(records, change.jobId), change.pointer, change.retained);
      return;
    default:
      change satisfies never;
  }
}

export function checkpointsOf(records: HaRecords, job: JobId): JobCheckpoints {
  let checkpoints = records.checkpoints.get(job);
  if (checkpoints === undefined) {
    checkpoints = { lastId: 0, pointers: [], dropped: [] };
    records.checkpoints.set(job, checkpoints);
  }
  return checkpoints;
}

function addCheckpoint(checkpoints: JobCheckpoints, pointer: CheckpointPointer, retained: number): void {
  if (checkpoints.pointers.some((known) => known.checkpointId === pointer.checkpointId)) return;
  const pointers = [...checkpoints.pointers, pointer].sort((left, right) => left.checkpointId - right.checkpointId);
  const dropCount = Math.max(0, pointers.length - retained);
  checkpoints.dropped = pointers.slice(0, dropCount);
  checkpoints.pointers = pointers.slice(dropCount);
}

export function isSameToken(left: LeaderToken | undefined, right: LeaderToken): boolean {
  return left !== undefined && left.epoch === right.epoch && left.holder === right.holder;
}

/** Throws `FENCED` unless `token` is the latest grant. */
export function assertCurrentToken(records: HaRecords, token: LeaderToken): void {
  if (!isSameToken(records.token, token)) throw fenced(token, records.token);
}

/** The refusal of a write by a leader that is leader no more. */
export function fenced(token: LeaderToken, current: { readonly epoch: LeaderEpoch; readonly holder: string } | undefined): MillraceError {
  const now = current === undefined ? 'nobody leads' : `epoch ${current.epoch} was granted to ${current.holder}`;
  return new MillraceError('FENCED', `${token.holder} writes with epoch ${token.epoch}, but ${now}.`, {
    domain: 'internal',
    recovery: 'crash',
    where: 'leader records',
    hint: 'Another JobManager has taken over; this one must stop.',
  });
}

/** `retained` must keep at least the checkpoint being added. */
export function checkRetained(retained: number): void {
  if (Number.isSafeInteger(retained) && retained >= 1) return;
  throw new MillraceError('RETAINED_INVALID', `${retained} is not a number of checkpoints to retain.`, {
    domain: 'user',
    recovery: 'fail-job',
    hint: 'state.checkpoints.num-retained must be a whole number from 1.',
  });
}
