/** What a completed checkpoint holds: put together from the acknowledgements of its tasks. Pure. */
import type { MessageBody } from '../../bus/protocol/registry.js';
import { mergeAccumulators } from '../../core/accumulator-state.js';
import type { CompletedCheckpoint, TaskSnapshot } from '../../storage/contracts.js';
import type { CheckpointHost } from '../scheduler/checkpointing.js';
import type { PendingCheckpoint } from './pending-checkpoint.js';

export interface CompletionFacts {
  readonly host: CheckpointHost;
  readonly completedAt: number;
  readonly isFinal: boolean;
}

/** Reads the splits and tokens of the job now that every task has acknowledged (CH4). */
export function completedCheckpoint(pending: PendingCheckpoint, { host, completedAt, isFinal }: CompletionFacts): CompletedCheckpoint {
  return {
    formatVersion: 1,
    jobId: host.jobId,
    checkpointId: pending.checkpointId,
    leaderEpoch: host.leaderEpoch,
    fingerprint: host.jobGraph.fingerprint,
    triggeredAt: pending.startedAt,
    completedAt,
    isFinal,
    vertices: host.jobGraph.vertices.map(({ id, parallelism, maxParallelism }) => ({ vertexId: id, parallelism, maxParallelism })),
    tasks: pending.snapshots(),
    sources: host.sourceSnapshots(),
    sharedResources: host.sharedResources(),
  };
}

/** The snapshot of a task with what it and the attempts before it have processed, and accumulated. */
export function countedSnapshot(pending: PendingCheckpoint, body: MessageBody<'checkpoint.acknowledged'>): TaskSnapshot {
  const execution = pending.executions.find(({ attemptId }) => attemptId === body.attemptId);
  const before = execution?.recordsBefore ?? { in: 0, written: 0 };
  const records = { in: before.in + body.recordsIn, written: before.written + (body.recordsWritten ?? 0) };
  const where = execution?.taskName ?? body.attemptId;
  const accumulators = mergeAccumulators([
    { where, states: execution?.accumulatorsBefore ?? [] },
    { where, states: body.snapshot.accumulators ?? [] },
  ]);
  return { ...body.snapshot, records, ...(accumulators.length === 0 ? {} : { accumulators }) };
}
