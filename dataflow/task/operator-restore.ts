/** What a checkpoint holds of an operator, brought back into its task. */
import { decode } from '../../bus/codec/cbor.js';
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { OperatorId } from '../../core/ids.js';
import type { ChunkReader } from '../../storage/state/contracts.js';
import type { ChunkStore } from '../task-runtime.js';
import type { ChainedOperator } from './chained-operator.js';

/** The checkpoint a task was deployed with, and where its chunks are. */
export interface RestoreScope {
  readonly descriptor: TaskDeploymentDescriptor;
  readonly chunks: ChunkStore;
}

/** Keyed and named operator states. */
export async function restoreStates({ descriptor, keyed, context }: ChainedOperator, scope: RestoreScope): Promise<void> {
  const snapshots = snapshotsOf(descriptor.id, scope);
  const read: ChunkReader = (handle) => scope.chunks.read(handle);
  const handles = snapshots.flatMap((snapshot) => snapshot.keyed);
  if (keyed !== undefined && handles.length > 0) await keyed.restore(handles, read);
  await context.operatorState.restore(
    snapshots.flatMap((snapshot) => snapshot.states ?? []),
    read,
  );
}

/** What `snapshot` of the operator returned, one entry a former subtask; undefined when nothing is restored. */
export async function restoredValues(id: OperatorId, scope: RestoreScope): Promise<readonly unknown[] | undefined> {
  if (scope.descriptor.restore === null) return undefined;
  const restored: unknown[] = [];
  for (const { operatorState, operatorStateChunks } of snapshotsOf(id, scope)) {
    if (operatorState !== null) restored.push(decode(operatorState));
    if (operatorStateChunks === undefined) continue;
    restored.push(decode(Buffer.concat(await Promise.all(operatorStateChunks.map((handle) => scope.chunks.read(handle))))));
  }
  return restored;
}

const snapshotsOf = (id: OperatorId, { descriptor }: RestoreScope) =>
  (descriptor.restore?.tasks ?? []).flatMap(({ operators }) => operators.filter(({ operatorId }) => operatorId === id));
