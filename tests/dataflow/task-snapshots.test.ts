/** Chunks of a task go to the store a few at a time, and serialising waits for them (CG1 to CG3, TS3). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkpointId, type CheckpointId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import { minWatermark } from '../../dataflow/contracts.js';
import type { SnapshotRunOptions } from '../../dataflow/task/snapshot-run.js';
import { TaskSnapshots } from '../../dataflow/task/task-snapshots.js';
import type { ChunkHandle } from '../../storage/contracts.js';
import type { ChunkWriter, StateSnapshot } from '../../storage/state/contracts.js';
import { HeapOperatorState } from '../../storage/state/operator/heap-operator-state.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { userCalls } from '../support/user-calls.js';

const test = suite('task snapshots');
const chunksInAll = 40;

/** State of which every batch of rows fills a chunk. */
function stateOf(chunks: number): (write: ChunkWriter) => StateSnapshot {
  return (write) => {
    const written: Promise<ChunkHandle>[] = [];
    let left = chunks;
    const flush = (): void => {
      const chunk = write(new Uint8Array(1));
      chunk.catch(() => undefined);
      written.push(chunk);
    };
    return {
      advance: (entriesMax) => {
        for (let entries = 0; entries < entriesMax && left > 0; entries += limits.snapshotEntriesPerBatch, left -= 1) flush();
        return left > 0;
      },
      finish: async () => [{ keyGroups: { start: 0, end: 0 }, chunks: await Promise.all(written) }] as never,
      discard: () => void (left = 0),
    };
  };
}

function setUp() {
  const underWay: (() => void)[] = [];
  const names: string[] = [];
  const acknowledged: { readonly id: CheckpointId; readonly chunks: number }[] = [];
  let wakes = 0;
  let most = 0;
  const snapshots = new TaskSnapshots({
    clock: new ManualClock(),
    chunks: {
      write: (name) => {
        names.push(name);
        return new Promise((resolve) => {
          underWay.push(() => resolve({ name, bytes: 1, sha256: '' } as unknown as ChunkHandle));
          most = Math.max(most, underWay.length);
        });
      },
    },
    calls: userCalls(),
    wake: () => (wakes += 1),
    callbacks: {
      onAcknowledged: ({ checkpointId: id, snapshot }) =>
        acknowledged.push({ id, chunks: snapshot.operators[0]?.keyed[0]?.chunks.length ?? 0 }),
      onDeclined: (_, reason) => assert.unreachable(reason),
    },
  });
  const cut = (id: number, chunks = chunksInAll): void => {
    const context = {
      operatorState: new HeapOperatorState({ operatorName: 'op', isObjectReuse: false }),
      currentWatermark: () => minWatermark,
    };
    const operators = [
      { descriptor: { id: 'op', name: 'op' }, operator: {}, context, keyed: { snapshot: stateOf(chunks), states: () => [] } },
    ];
    const run = {
      checkpointId: checkpointId(id),
      descriptor: { jobId: 'j', attemptId: `a${id}` },
      operators,
      isFinished: false,
      accumulators: [],
    };
    snapshots.cut(run as unknown as SnapshotRunOptions, { alignmentMs: 0, syncStartedAt: 0, recordsIn: 0, recordsWritten: 0 });
  };
  const answerOne = async (): Promise<void> => {
    underWay.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { snapshots, cut, answerOne, underWay, names, acknowledged, wakes: () => wakes, most: () => most };
}

test('no more chunks are under way than may be, and one that was written makes room and wakes the task (CG1, TS3)', async () => {
  const { snapshots, cut, answerOne, underWay, acknowledged, wakes, most } = setUp();
  cut(1);
  while (snapshots.advance());
  assert.is(underWay.length, limits.chunkWritesInFlightMax, 'serialising stopped for the store');
  assert.is(wakes(), 0);
  assert.is(snapshots.advance(), false, 'there is nothing to do until the store answers');
  for (let answered = 0; answered < chunksInAll; answered += 1) {
    await answerOne();
    while (snapshots.advance());
  }
  assert.is(most(), limits.chunkWritesInFlightMax);
  assert.ok(wakes() > 0);
  assert.equal(acknowledged, [{ id: checkpointId(1), chunks: chunksInAll }]);
});

test('a newer snapshot does not wait for the store to take the older one, and still no more is under way (TS1, CG2)', async () => {
  const { snapshots, cut, answerOne, underWay, acknowledged, most } = setUp();
  cut(1);
  while (snapshots.advance());
  cut(2, 1);
  while (snapshots.advance());
  while (underWay.length > 0) {
    await answerOne();
    while (snapshots.advance());
  }
  assert.is(most(), limits.chunkWritesInFlightMax);
  assert.equal(
    acknowledged.map(({ id, chunks }) => [Number(id), chunks]),
    [
      [1, chunksInAll],
      [2, 1],
    ],
  );
});

test('chunks that wait for a snapshot that was discarded are not written (CG3)', async () => {
  const { snapshots, cut, answerOne, underWay, names, acknowledged } = setUp();
  cut(1);
  while (snapshots.advance());
  cut(2, 1);
  snapshots.discard(checkpointId(1));
  while (snapshots.advance());
  while (underWay.length > 0) {
    await answerOne();
    while (snapshots.advance());
  }
  assert.is(names.filter((name) => name.startsWith('j/1/')).length, limits.chunkWritesInFlightMax);
  assert.equal(acknowledged, [{ id: checkpointId(2), chunks: 1 }]);
});

test.run();
