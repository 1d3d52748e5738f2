/** Sources whose splits never end: every split is read, by however many subtasks, also after the parallelism changed. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Source } from '../../dataflow/contracts.js';
import type { TimeAssignment } from '../../dataflow/time/time-assignment.js';
import { TaskHarness } from '../../testing/task-harness.js';
import type { HarnessCheckpoint } from '../../testing/harness-checkpoints.js';
import { checkpointed, CommittedOutput, rangeSource, streamGraph, transactionalCollector } from '../support/stream-jobs.js';

const splitCount = 5;

class Room {
  readonly output = new CommittedOutput<string>();
  /** Records that a split holds so far. */
  readonly #held: { count: number };
  readonly #chunks = new Map<string, Uint8Array>();
  readonly #wakes = new Set<() => void>();
  harness!: TaskHarness;
  #attempts = 0;

  constructor(held: number) {
    this.#held = { count: held };
  }

  /** Starts the job with so many subtasks. */
  start(parallelism: number, checkpoint?: HarnessCheckpoint): void {
    this.harness = new TaskHarness({
      graph: streamGraph({
        parallelism,
        settings: checkpointed,
        nodes: [
          { name: 'source', source: this.#source() },
          { name: 'sink', isSink: true, create: transactionalCollector(this.output) },
        ],
        edges: [{ from: 'source', to: 'sink' }],
      }),
      seed: parallelism,
      checkpointEveryMs: 100,
      chunks: this.#chunks,
      firstAttempt: this.#attempts,
    });
    this.#attempts += 1;
    this.harness.deploy(checkpoint);
  }

  grow(count: number): void {
    this.#held.count = count;
    for (const wake of this.#wakes) wake();
    this.#wakes.clear();
  }

  /** Every record of every split was committed, once. */
  async committed(): Promise<void> {
    const expected = Array.from({ length: splitCount }, (_, at) =>
      Array.from({ length: this.#held.count }, (__, index) => `${at}/${index}`),
    );
    const { harness, output } = this;
    await harness.runUntil(() => output.values().length >= expected.flat().length || harness.failures.length > 0, 30_000);
    assert.equal(harness.failures, []);
    assert.equal(output.values().sort(), expected.flat().sort());
  }

  #source(): Source<unknown> {
    const held = this.#held;
    const splits = rangeSource({ splits: splitCount, recordsPerSplit: Infinity, value: (at, index) => `${at}/${index}` });
    return {
      ...splits,
      boundedness: 'unbounded',
      createReader: (context) => {
        const reader = splits.createReader(context);
        return {
          start: (split, position) => reader.start(split, position),
          poll: (output, recordsMax) => {
            const left = held.count - ((reader.position() as number | undefined) ?? 0);
            return left <= 0 ? 'pending' : reader.poll(output, Math.min(recordsMax, left));
          },
          whenAvailable: () => new Promise((resolve) => this.#wakes.add(resolve)),
          position: () => reader.position(),
          close: () => reader.close(),
        };
      },
    };
  }
}

const test = suite('splits that never end');

test('every split is read, by fewer subtasks than splits, as many, and more (SD4)', async () => {
  for (const parallelism of [1, 2, 5, 7]) {
    const room = new Room(20);
    room.start(parallelism);
    await room.committed();
    room.grow(40);
    await room.committed();
    await room.harness.cancel();
  }
});

for (const [before, after] of [
  [5, 1],
  [5, 2],
  [1, 3],
  [2, 5],
  [3, 8],
  [8, 3],
] as const) {
  test(`every split is read on after the parallelism went from ${before} to ${after}, each record once (RS1, SD4)`, async () => {
    const room = new Room(20);
    room.start(before);
    await room.committed();
    const checkpoint = room.harness.completed.at(-1);
    room.harness.kill();
    room.start(after, checkpoint);
    room.grow(40);
    await room.committed();
    room.harness.restart();
    room.grow(50);
    await room.committed();
    await room.harness.cancel();
  });
}

test('after the parallelism went up every subtask that can have a split has one (RS1)', async () => {
  const room = new Room(20);
  room.start(1);
  await room.committed();
  const checkpoint = room.harness.completed.at(-1);
  room.harness.kill();
  room.start(4, checkpoint);
  room.grow(40);
  await room.committed();
  const sources = room.harness.tasks().filter(({ name }) => name.startsWith('source'));
  assert.is(sources.length, 4);
  for (const { name, runtime } of sources) assert.ok(runtime.metrics().recordsIn > 0, name);
  await room.harness.cancel();
});

test('time is the lowest of all splits of a subtask: one that stands holds it, until it is idle (SM5)', async () => {
  // Split 0 stops at 10, the other goes on to 100, a record every 50 ms.
  const watermarkOf = async (idleAfterMs: number | undefined): Promise<number> => {
    const time: TimeAssignment = {
      assign: undefined,
      generator: { kind: 'bounded-out-of-orderness', delayMs: 0 },
      idleAfterMs,
      alignment: undefined,
    };
    const upTo = [10, 100];
    const splits = rangeSource({
      splits: 2,
      recordsPerSplit: 200,
      value: (at, index) => `${at}/${index}`,
      timestamp: (_, index) => index + 1,
    });
    let isOver = false;
    const source: Source<unknown> = {
      ...splits,
      boundedness: 'unbounded',
      createReader: (context) => {
        const reader = splits.createReader(context);
        let at = 0;
        let allowed = 0;
        return {
          start: (split, position) => {
            at = (split.data as { index: number }).index;
            return reader.start(split, position);
          },
          poll: (output, recordsMax) => {
            const left = Math.min(allowed, upTo[at] as number) - (reader.position() as number);
            return left <= 0 ? 'pending' : reader.poll(output, Math.min(recordsMax, left));
          },
          whenAvailable: () =>
            new Promise((resolve) => {
              context.clock.setTimer(50, () => {
                allowed += 1;
                resolve();
              });
            }),
          position: () => reader.position(),
          close: () => reader.close(),
        };
      },
    };
    let watermark = 0;
    const harness = new TaskHarness({
      graph: streamGraph({
        parallelism: 1,
        nodes: [
          { name: 'source', source, time },
          {
            name: 'sink',
            isSink: true,
            isChained: false,
            create: () => ({
              bind: () => () => undefined,
              onWatermark: (at) => {
                watermark = at;
              },
            }),
          },
        ],
        edges: [{ from: 'source', to: 'sink' }],
      }),
    });
    harness.deploy();
    await harness.runUntil(() => isOver || watermark >= 99, 10_000).catch(() => undefined);
    isOver = true;
    assert.equal(harness.failures, []);
    await harness.cancel();
    return watermark;
  };
  assert.is(await watermarkOf(undefined), 9);
  assert.is(await watermarkOf(1_000), 99);
});

test.run();
