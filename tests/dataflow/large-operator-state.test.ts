/** Operator state that is too large for a message travels as chunks (SR4). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encode } from '../../bus/codec/cbor.js';
import { limits } from '../../core/limits.js';
import type { Operator } from '../../dataflow/contracts.js';
import { chunkNamesOf } from '../../storage/checkpoints/checkpoint-metadata.js';
import type { CompletedCheckpoint, OperatorSnapshot } from '../../storage/contracts.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { checkpointed, rangeSource, streamGraph } from '../support/stream-jobs.js';
import { present } from '../support/present.js';

const test = suite('large operator state');

/** Bytes that differ everywhere, so that chunks in the wrong order are noticed. */
const content = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 12)) & 0xff);

interface Seen {
  readonly snapshot: OperatorSnapshot;
  readonly checkpoint: CompletedCheckpoint;
  readonly restored: readonly unknown[];
}

/** A job whose sink keeps so many bytes: what the checkpoint held, and what the sink got back after a restart. */
async function restartWith(bytes: number): Promise<Seen> {
  const restored: unknown[] = [];
  const sink = (): Operator => ({
    bind: () => () => undefined,
    open: (context) => void restored.push(...(context.restored ?? [])),
    snapshot: () => ({ kept: content(bytes) }),
  });
  const graph = streamGraph({
    nodes: [
      { name: 'numbers', source: rangeSource({ splits: 1, recordsPerSplit: 20_000, value: (_split, index) => index, pauseEvery: 10 }) },
      { name: 'keeper', create: sink, isSink: true, isChained: false },
    ],
    edges: [{ from: 'numbers', to: 'keeper' }],
    settings: checkpointed,
  });
  const harness = new TaskHarness({ graph, checkpointEveryMs: 20 });
  harness.deploy();
  await harness.runUntil(() => harness.completed.length > 0);
  const checkpoint = present(harness.completed.at(-1));
  harness.restart(checkpoint);
  await harness.runToEnd();
  const tasks = [...checkpoint.tasks.values()];
  const [keeper] = present([...harness.plan.nodes].find(([, { name }]) => name === 'keeper'));
  const snapshot = present(tasks.flatMap((task) => task.operators).find(({ operatorId }) => operatorId === keeper));
  return { snapshot, checkpoint: { tasks } as unknown as CompletedCheckpoint, restored };
}

test('state of several chunks comes back as it was, and the message holds only their names', async () => {
  const bytes = 2 * limits.stateChunkBytesMax + 12_345;
  const { snapshot, checkpoint, restored } = await restartWith(bytes);
  assert.is(snapshot.operatorState, null);
  assert.is(snapshot.operatorStateChunks?.length, 3);
  assert.ok(encode(snapshot).length < 2_000);
  assert.equal(restored, [{ kept: content(bytes) }]);
  // What the names of a checkpoint leave out would be removed as garbage.
  assert.equal(
    chunkNamesOf(checkpoint),
    snapshot.operatorStateChunks?.map(({ name }) => name),
  );
});

test('state that a message can hold stays in it', async () => {
  const { snapshot, checkpoint, restored } = await restartWith(limits.inlineStateBytesMax - 100);
  assert.is(snapshot.operatorStateChunks, undefined);
  assert.equal(chunkNamesOf(checkpoint), []);
  assert.equal(restored, [{ kept: content(limits.inlineStateBytesMax - 100) }]);
});
test.run();
