/** An operator with two inputs in its task: which record comes where, how both end, and what a failure leaves. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { keyHashOf } from '../../core/keys.js';
import { maxWatermark, noTimestamp, type Emit, type Operator, type OperatorContext } from '../../dataflow/contracts.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { present } from '../support/present.js';
import {
  checkpointed,
  collector,
  CommittedOutput,
  rangeSource,
  streamGraph,
  transactionalCollector,
  type EdgeSketch,
} from '../support/stream-jobs.js';

interface Numbered {
  readonly from: string;
  readonly n: number;
}

const numbered = (from: string, splits: number, recordsPerSplit: number) =>
  rangeSource<Numbered>({
    splits,
    recordsPerSplit,
    pauseEvery: 5,
    value: (split, index) => ({ from, n: split * recordsPerSplit + index }),
  });

const test = suite('two inputs');

test('records come to the input their edge leads to, also those of a union; time and end come when both inputs have ended', async () => {
  const calls: string[] = [];
  const probe = (): Operator => ({
    bind: () => (value) => void calls.push(`first ${(value as Numbered).from}`),
    bindSecond: () => (value) => void calls.push(`second ${(value as Numbered).from}`),
    onWatermark: (watermark) => void calls.push(`watermark ${watermark === maxWatermark}`),
    endInput: () => void calls.push('endInput'),
  });
  const graph = streamGraph({
    nodes: [
      { name: 'a', source: numbered('a', 1, 3) },
      { name: 'b', source: numbered('b', 1, 200) },
      { name: 'c', source: numbered('c', 1, 100) },
      { name: 'pair', isSink: true, create: probe },
    ],
    edges: [
      { from: 'a', to: 'pair' },
      { from: 'b', to: 'pair', inputIndex: 1 },
      { from: 'c', to: 'pair', inputIndex: 1 },
    ],
  });
  const harness = new TaskHarness({ graph, creditFrames: 1 });
  harness.deploy();
  await harness.runToEnd();
  const counted = Object.fromEntries([...new Set(calls)].map((call) => [call, calls.filter((other) => other === call).length] as const));
  assert.equal(counted, { 'first a': 3, 'second b': 200, 'second c': 100, 'watermark true': 1, endInput: 1 });
  assert.equal(calls.slice(-2), ['watermark true', 'endInput']);
});

test('a stream may be both inputs of one operator: every record comes to each', async () => {
  const sums = { first: 0, second: 0 };
  const graph = streamGraph({
    nodes: [
      { name: 'a', source: numbered('a', 2, 50) },
      {
        name: 'pair',
        isSink: true,
        create: () => ({
          bind: () => (value) => void (sums.first += (value as Numbered).n),
          bindSecond: () => (value) => void (sums.second += (value as Numbered).n),
        }),
      },
    ],
    edges: [
      { from: 'a', to: 'pair' },
      { from: 'a', to: 'pair', inputIndex: 1 },
    ],
  });
  const harness = new TaskHarness({ graph });
  harness.deploy();
  await harness.runToEnd();
  assert.equal(sums, { first: 4_950, second: 4_950 });
});

test('an edge into a second input that the operator has not fails the task by name', async () => {
  const graph = streamGraph({
    nodes: [
      { name: 'a', source: numbered('a', 1, 1) },
      { name: 'one', isSink: true, create: collector([]) },
    ],
    edges: [
      { from: 'a', to: 'one' },
      { from: 'a', to: 'one', inputIndex: 1 },
    ],
  });
  const harness = new TaskHarness({ graph });
  harness.deploy();
  await harness.runUntil(() => harness.failures.length > 0);
  const { error } = present(harness.failures[0]);
  assert.match((error as Error).message, '"one" takes no second input');
});

const keys = 7;
const keyOf = (value: unknown): number => (value as Numbered).n % keys;

/** Counts what comes to each input, per key; tells at the end of both. */
function countBoth(): Operator {
  let keyed!: NonNullable<OperatorContext['keyed']>;
  let emit!: Emit<unknown>;
  const count =
    (name: string): Emit<unknown> =>
    (value, timestamp, keyHash) => {
      const key = keyOf(value);
      keyed.setCurrentKey(key, keyHash ?? keyHashOf(key));
      const state = keyed.valueState<number>(name);
      state.update((state.value() ?? 0) + 1);
      keyed.registerTimer('event', maxWatermark);
      emit(`${name} ${(value as Numbered).n}`, timestamp);
    };
  return {
    open: (context) => void (keyed = present(context.keyed)),
    bind: (out) => {
      emit = out;
      return count('first');
    },
    bindSecond: () => count('second'),
    onTimer: () =>
      emit(
        `${String(keyed.currentKey())}: ${keyed.valueState<number>('first').value()} ${keyed.valueState<number>('second').value()}`,
        noTimestamp,
      ),
  };
}

interface KilledRun {
  readonly parallelism: number;
  readonly seed: number;
  readonly isAlignmentOff?: boolean;
}

const splits = 50;
const left = splits * 24;
const right = splits * 16;

/** What a run with up to four kills at random moments committed. */
async function runWithKills({
  parallelism,
  seed,
  isAlignmentOff = false,
}: KilledRun): Promise<{ kills: number; lines: readonly string[] }> {
  const output = new CommittedOutput<string>();
  const byKey: Partial<EdgeSketch> = { partitioner: 'HASH', key: keyOf };
  const graph = streamGraph({
    settings: checkpointed,
    parallelism,
    nodes: [
      { name: 'left', source: numbered('left', splits, left / splits) },
      { name: 'right', source: numbered('right', splits, right / splits) },
      { name: 'pair', isKeyed: true, create: countBoth },
      { name: 'sink', isSink: true, create: transactionalCollector(output) },
    ],
    edges: [
      { from: 'left', to: 'pair', ...byKey },
      { from: 'right', to: 'pair', ...byKey, inputIndex: 1 },
      { from: 'pair', to: 'sink' },
    ],
  });
  const harness = new TaskHarness({ graph, seed, checkpointEveryMs: 6, busDelayMs: 10, testSwitches: { isAlignmentOff } });
  let kills = 0;
  const plan = (): void => {
    harness.world.schedule(15 + harness.world.random.next() * 30, 'kill', () => {
      if (harness.isFinished || kills === 4) return;
      kills += 1;
      harness.restart();
      plan();
    });
  };
  harness.deploy();
  plan();
  await harness.runToEnd();
  return { kills, lines: output.values().sort() };
}

function expectedLines(): readonly string[] {
  const lines: string[] = [];
  for (let n = 0; n < left; n += 1) lines.push(`first ${n}`);
  for (let n = 0; n < right; n += 1) lines.push(`second ${n}`);
  const countOf = (total: number, key: number): number => Array.from({ length: total }, (_, n) => n).filter((n) => n % keys === key).length;
  for (let key = 0; key < keys; key += 1) lines.push(`${key}: ${countOf(left, key)} ${countOf(right, key)}`);
  return lines.sort();
}

for (const parallelism of [1, 2, 4]) {
  test(`records of both inputs count exactly once, whatever is killed in between, at parallelism ${parallelism} (B1, B2)`, async () => {
    for (let seed = 1; seed <= 3; seed += 1) {
      const { kills, lines } = await runWithKills({ parallelism, seed });
      assert.ok(kills > 0, 'a run without a kill shows nothing');
      assert.equal(lines, expectedLines(), `seed ${seed}`);
    }
  });
}

test('with alignment switched off a kill makes records count twice: it is alignment over both inputs that holds (B1)', async () => {
  const wrong: number[] = [];
  for (let seed = 1; seed <= 6; seed += 1) {
    const { lines } = await runWithKills({ parallelism: 3, seed, isAlignmentOff: true });
    if (lines.join() !== expectedLines().join()) wrong.push(seed);
  }
  assert.ok(wrong.length > 0);
});

test.run();
