/** Records folded where they are made: on random input the windows behind say the same, when and as often (PA1 to PA4). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../../../core/limits.js';
import { maxWatermark, minWatermark, noTimestamp, type Emit, type OperatorContext } from '../../../dataflow/contracts.js';
import { PreAggregateOperator } from '../../../dataflow/windows/pre-aggregation.js';
import type { FixedWindows } from '../../../dataflow/windows/window-assigner.js';
import type { PartialResult } from '../../../dataflow/windows/window-contents.js';
import { windowOperator } from '../../../dataflow/windows/window-operator.js';
import type { MergeableFolding } from '../../../dataflow/windows/window-plan.js';
import { MemoryFileSystem } from '../../../testing/memory-file-system.js';
import { OperatorBench } from '../../../testing/operator-bench.js';
import { SeededRandom } from '../../../testing/simulator/seeded-random.js';
import { listPlan, sliding, tumbling, WindowRoom, type Item, type ItemPlan } from './window-room.js';

const foldings: Readonly<Record<string, MergeableFolding<Item, never, never>>> = {
  'sum of an aggregate': {
    kind: 'aggregate',
    aggregate: { createAccumulator: () => 0, add: ({ n }, sum) => sum + n, getResult: (sum) => sum, merge: (left, right) => left + right },
  } as MergeableFolding<Item, number, number> as never,
  'list that is changed in place': {
    kind: 'aggregate',
    aggregate: {
      createAccumulator: () => [],
      add: ({ n }, list) => {
        list.push(n);
        return list;
      },
      getResult: (list) => [...list].sort((one, other) => one - other).join(' '),
      merge: (left, right) => {
        while (right.length > 0) left.push(right.pop() as number);
        return left;
      },
    },
  } as MergeableFolding<Item, number[], string> as never,
  reduce: { kind: 'reduce', reduce: (one, other) => ({ key: one.key, n: one.n + other.n }) } as MergeableFolding<Item, Item, Item> as never,
};

const planOf = (assigner: FixedWindows, folding: ItemPlan['folding'], allowedLatenessMs = 0): ItemPlan =>
  listPlan({
    assigner,
    folding: folding as never,
    allowedLatenessMs,
    run: {
      process: (key: unknown, { window }: { window: { start: number; end: number } }, [value]: readonly unknown[]) => [
        `${String(key)} ${window.start}-${window.end}: ${JSON.stringify(value)}`,
      ],
    } as never,
  });

/** One operator that folds ahead, for one that takes what it hands on. */
class Ahead {
  readonly bench = new OperatorBench({ files: new MemoryFileSystem() });
  readonly operator: PreAggregateOperator<Item, never, never>;
  isOutputAvailable = true;
  readonly sent: { readonly value: PartialResult<unknown>; readonly timestamp: number }[] = [];
  readonly take: Emit<Item>;

  constructor(
    plan: ItemPlan,
    { isObjectReuse = false, send = () => undefined }: { isObjectReuse?: boolean; send?: Emit<PartialResult<unknown>> } = {},
  ) {
    this.operator = new PreAggregateOperator<Item, never, never>(plan, plan.assigner as FixedWindows);
    const context: OperatorContext = { ...this.bench.context, isObjectReuse, isOutputAvailable: () => this.isOutputAvailable };
    this.take = this.operator.bind((value, timestamp) => {
      this.sent.push({ value, timestamp });
      send(value, timestamp);
    }, context);
  }
}

const test = suite('pre-aggregation');

const behindOf = (plan: ItemPlan): ItemPlan =>
  ({ ...plan, keyOf: ({ key }: PartialResult<unknown>) => key, folding: { kind: 'partial', of: plan.folding } }) as never as ItemPlan;

/** One subtask of those that fold ahead: its time, and whether it is said to be idle. */
interface Line {
  ahead: Ahead;
  watermark: number;
  isIdle: boolean;
}

for (const [name, folding] of Object.entries(foldings)) {
  test(`${name}: random streams of three subtasks, that become idle, and restarts (PA1, PA2, PA4)`, async () => {
    let late = 0;
    for (let seed = 1; seed <= 60; seed += 1) {
      const random = new SeededRandom(seed);
      const slide = random.between(1, 12);
      const offset = random.between(1 - slide, slide - 1);
      const windows = random.chance(0.3) ? tumbling(random.between(1, 15)) : sliding(random.between(1, 40), slide, offset);
      const lateness = random.chance(0.5) ? 0 : random.between(1, 30);
      // One that was idle may come back behind the time of the others: what it still holds then fires a window again later, and together.
      const mayLag = lateness === 0;
      const plan = planOf(windows, folding, lateness);
      const isObjectReuse = random.chance(0.3);
      const expected = new WindowRoom(() => windowOperator(plan), { isObjectReuse });
      const behind = new WindowRoom(() => windowOperator(behindOf(plan)), { isObjectReuse });
      const start = (): Ahead => new Ahead(plan, { isObjectReuse, send: (value, timestamp) => void behind.accept(value, timestamp) });
      let time = random.between(-50, 50);
      let watermark = time - 20;
      const lines = Array.from({ length: 3 }, (): Line => ({ ahead: start(), watermark, isIdle: false }));
      for (const { ahead } of lines) ahead.operator.onWatermark(watermark);
      /** Time behind is that of the slowest that is not idle, and never goes back. */
      const combine = (): void => {
        const active = lines.filter(({ isIdle }) => !isIdle);
        if (active.length === 0) return;
        watermark = Math.max(watermark, Math.min(...active.map((line) => line.watermark)));
        behind.advance(watermark);
        expected.advance(watermark);
      };
      const moveTo = (line: Line, to: number): void => {
        if (line.isIdle) line.ahead.operator.onIdle(false);
        line.isIdle = false;
        line.watermark = Math.max(line.watermark, to, mayLag ? to : watermark);
        line.ahead.operator.onWatermark(line.watermark);
        combine();
      };
      for (let step = 0; step < 200; step += 1) {
        time += random.chance(0.05) ? random.between(0, 60) : random.between(0, 3);
        const line = lines[random.between(0, 2)] as Line;
        const item = { key: `k${random.between(0, 2)}`, n: random.between(0, 99) };
        const timestamp = time - (random.chance(0.3) ? random.between(0, 40) : random.between(0, 4));
        line.ahead.take(item, timestamp);
        expected.add(item.key, item.n, timestamp);
        if (random.chance(0.3)) moveTo(line, time - random.between(0, 15));
        if (random.chance(0.05)) {
          line.isIdle = true;
          line.ahead.operator.onIdle(true);
          combine();
        }
        if (random.chance(0.03)) {
          for (const { ahead } of lines) ahead.operator.prepareSnapshot();
          await Promise.all([behind.restart(), expected.restart()]);
          for (const restarted of lines) {
            restarted.ahead = start();
            restarted.isIdle = false;
            if (!mayLag) restarted.watermark = Math.max(restarted.watermark, watermark);
            restarted.ahead.operator.onWatermark(restarted.watermark);
          }
          behind.advance(watermark);
          expected.advance(watermark);
        }
        assert.equal(behind.take(true).sort(), expected.take(true).sort(), `seed ${seed}, step ${step}`);
      }
      for (const line of lines) moveTo(line, maxWatermark);
      assert.equal(behind.take(true).sort(), expected.take(true).sort(), `seed ${seed}, at the end`);
      assert.ok(
        behind.lateCount <= expected.lateCount && (mayLag || behind.lateCount === expected.lateCount),
        `seed ${seed}, late records`,
      );
      assert.is(behind.stateSize, 0);
      late += behind.lateCount;
    }
    assert.ok(late > 100, `${late} records were late`);
  });

  test(`${name}: what a window without the step kept goes on with it, and the other way round`, async () => {
    const plan = planOf(tumbling(10), folding);
    let isAhead = false;
    const room = new WindowRoom(() => windowOperator(isAhead ? behindOf(plan) : plan));
    const ahead = new Ahead(plan, { send: (value, timestamp) => void room.accept(value, timestamp) });
    room.add('a', 1, 1).add('a', 2, 2);
    isAhead = true;
    await room.restart();
    ahead.take({ key: 'a', n: 4 }, 3);
    ahead.operator.prepareSnapshot();
    isAhead = false;
    await room.restart();
    room.add('a', 8, 4).advance(9);
    const expected = new WindowRoom(() => windowOperator(plan));
    for (const n of [1, 2, 4, 8]) expected.add('a', n, 1);
    assert.equal(room.take(), expected.advance(9).take());
  });
}

test('records of a key and slice leave as one, with the last time of the slice, before its watermark; before a barrier and at the end all leave (PA1, PA4)', () => {
  const ahead = new Ahead(planOf(tumbling(10), foldings['reduce'] as never));
  const shown = (): string[] =>
    ahead.sent.splice(0).map(({ value, timestamp }) => `${String(value.key)} ${(value.contents as Item).n} @ ${timestamp}`);
  ahead.take({ key: 'a', n: 1 }, 3);
  ahead.take({ key: 'a', n: 2 }, 9);
  ahead.take({ key: 'b', n: 4 }, 5);
  ahead.take({ key: 'a', n: 8 }, 12);
  ahead.operator.onWatermark(8);
  assert.equal(shown(), []);
  ahead.operator.onWatermark(9);
  assert.equal(shown(), ['a 3 @ 9', 'b 4 @ 9']);
  ahead.operator.prepareSnapshot();
  assert.equal(shown(), ['a 8 @ 19']);
  ahead.take({ key: 'a', n: 16 }, 12);
  ahead.operator.finish();
  assert.equal(shown(), ['a 16 @ 19']);
  ahead.take({ key: 'c', n: 32 }, 4);
  assert.equal(shown(), ['c 32 @ 9'], 'the slice has ended: it leaves at once (PA2)');
});

test('at most so many keys are held (PA3), and they leave as there is room for them', async () => {
  const ahead = new Ahead(planOf(tumbling(10), foldings['reduce'] as never));
  for (let n = 1; n < limits.preAggregatedKeysMax; n += 1) ahead.take({ key: `k${n}`, n }, n % 20);
  assert.is(ahead.sent.length, 0);
  ahead.isOutputAvailable = false;
  ahead.take({ key: 'one more', n: 0 }, 0);
  assert.is(ahead.sent.length, 1, 'one was on its way when there was no room');
  assert.ok(ahead.bench.isParked);
  ahead.isOutputAvailable = true;
  await ahead.bench.settle();
  assert.is(ahead.sent.length, limits.preAggregatedKeysMax);
  assert.is(new Set(ahead.sent.map(({ value }) => value.key)).size, limits.preAggregatedKeysMax);
});

test('a record without a timestamp, and a function that throws, are told with the operator', () => {
  const failing = {
    kind: 'reduce',
    reduce: (): never => {
      throw new Error('no sum');
    },
  } as never;
  const ahead = new Ahead(planOf(tumbling(10), failing));
  assert.throws(
    () => ahead.take({ key: 'a', n: 1 }, noTimestamp),
    (error: { code: string; where: string }) => error.code === 'WINDOW_TIMESTAMP_MISSING' && error.where === 'operator under test',
  );
  ahead.take({ key: 'a', n: 1 }, 1);
  assert.throws(
    () => ahead.take({ key: 'a', n: 1 }, 1),
    (error: { code: string; where: string; message: string }) =>
      error.code === 'USER_FUNCTION_FAILED' && error.where === 'operator under test' && error.message.includes('no sum'),
  );
  assert.throws(() => ahead.take({ key: undefined as never, n: 1 }, 1), /undefined/);
});

test('idle is said after all that was held has left, and then nothing is held (PA1, PA2)', () => {
  const ahead = new Ahead(planOf(tumbling(10), foldings['reduce'] as never));
  ahead.take({ key: 'a', n: 1 }, 1);
  ahead.operator.onIdle(true);
  ahead.take({ key: 'a', n: 2 }, 2);
  ahead.take({ key: 'a', n: 4 }, 3);
  assert.is(ahead.sent.length, 3);
  ahead.operator.onIdle(false);
  ahead.take({ key: 'a', n: 8 }, 4);
  assert.is(ahead.sent.length, 3);
});

test('before the first watermark nothing has ended', () => {
  const ahead = new Ahead(planOf(tumbling(10), foldings['reduce'] as never));
  ahead.operator.onWatermark(minWatermark);
  ahead.take({ key: 'a', n: 1 }, -1_000_000);
  assert.is(ahead.sent.length, 0);
});

test.run();
