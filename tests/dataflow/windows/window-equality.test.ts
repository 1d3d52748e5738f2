/** On random input the operators of slices and sessions answer as the general operator does (SW1, SO1), also over restarts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { maxWatermark } from '../../../dataflow/contracts.js';
import { GeneralWindowOperator } from '../../../dataflow/windows/general-window-operator.js';
import type { Windowing } from '../../../dataflow/windows/window-assigner.js';
import { windowOperator } from '../../../dataflow/windows/window-operator.js';
import type { Folding } from '../../../dataflow/windows/window-plan.js';
import { SeededRandom } from '../../../testing/simulator/seeded-random.js';
import { byClock, listPlan, sessions, sliding, tumbling, WindowRoom, type Item } from './window-room.js';

interface Moments {
  count: number;
  readonly parts: number[];
}

/** Changes accumulators in place, and takes both sides of a merge apart. */
const inPlace: Folding<Item, Moments, string> = {
  kind: 'aggregate',
  aggregate: {
    createAccumulator: () => ({ count: 0, parts: [] }),
    add: ({ n }, accumulator) => {
      accumulator.count += 1;
      accumulator.parts.push(n);
      return accumulator;
    },
    getResult: ({ count, parts }) => `${count}: ${[...parts].sort((left, right) => left - right).join(' ')}`,
    merge: (left, right) => {
      left.count += right.count;
      while (right.parts.length > 0) left.parts.push(right.parts.pop() as number);
      right.count = -1;
      return left;
    },
  },
};
const summed: Folding<Item, number, number> = {
  kind: 'aggregate',
  aggregate: { createAccumulator: () => 0, add: ({ n }, sum) => sum + n, getResult: (sum) => sum, merge: (left, right) => left + right },
};
const reduced: Folding<Item, Item, Item> = { kind: 'reduce', reduce: (one, other) => ({ key: one.key, n: one.n + other.n }) };
const largest: Folding<Item, Item, Item> = { kind: 'reduce', reduce: (one, other) => (other.n > one.n ? other : one) };

const foldings: Readonly<Record<string, Folding<Item, never, never>>> = {
  inPlace,
  summed,
  reduced,
  largest,
  list: { kind: 'list' },
} as never;

const shown = {
  process: (key: unknown, { window }: { window: { start: number; end: number } }, values: readonly unknown[]) => [
    // The order in a list is that of slices in one, that of arrival in the other.
    `${String(key)} ${window.start}-${window.end}: ${values
      .map((value) => JSON.stringify(value))
      .sort()
      .join(' ')}`,
  ],
};

interface Case {
  readonly assigner: Windowing<Item>;
  readonly lateness: number;
}

function anyCase(random: SeededRandom): Case {
  const slide = random.between(1, 12);
  const size = random.chance(0.3) ? slide : random.between(1, 40);
  const offset = random.between(1 - slide, slide - 1);
  const assigner = random.chance(0.3) ? sessions(random.between(1, 12)) : sliding(size, slide, offset);
  return {
    assigner: random.chance(0.15) ? byClock(assigner) : random.chance(0.1) ? tumbling(10) : assigner,
    lateness: random.chance(0.5) ? 0 : random.between(1, 30),
  };
}

const test = suite('windows of slices and sessions');

for (const [name, folding] of Object.entries(foldings)) {
  test(`${name}: random streams, watermarks and restarts`, async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const random = new SeededRandom(seed);
      const { assigner, lateness } = anyCase(random);
      const plan = listPlan({ assigner, folding, allowedLatenessMs: lateness, lateTag: 'late', run: shown } as never);
      const isObjectReuse = random.chance(0.2);
      const rooms = [
        new WindowRoom(() => windowOperator(plan), { isObjectReuse }),
        new WindowRoom(() => new GeneralWindowOperator(plan), { isObjectReuse }),
      ] as const;
      const each = (act: (room: WindowRoom) => unknown): unknown[] => rooms.map(act);
      let time = random.between(-50, 50);
      let watermark = time - 20;
      let now = 0;
      for (let step = 0; step < 150; step += 1) {
        time += random.chance(0.05) ? random.between(0, 60) : random.between(0, 3);
        const key = `k${random.between(0, 2)}`;
        const n = random.between(0, 99);
        const timestamp = time - (random.chance(0.3) ? random.between(0, 40) : random.between(0, 4));
        each((room) => room.add(key, n, timestamp));
        if (random.chance(0.3)) {
          watermark = Math.max(watermark, time - random.between(0, 15));
          now += random.between(0, 4);
          each((room) => room.advance(watermark).tick(now));
        }
        if (random.chance(0.03)) {
          for (const room of rooms) await room.restart();
          each((room) => room.advance(watermark));
        }
        const [got, expected] = each((room) => room.take(true).sort());
        assert.equal(got, expected, `seed ${seed}, step ${step}`);
      }
      each((room) => room.advance(maxWatermark).tick(now + 1_000));
      const [got, expected] = each((room) => room.take(true).sort());
      assert.equal(got, expected, `seed ${seed}, at the end`);
      assert.equal(rooms[0].late, rooms[1].late, `seed ${seed}, late records`);
      assert.equal(
        rooms.map((room) => room.stateSize),
        [0, 0],
        `seed ${seed}, state`,
      );
    }
  });
}

test.run();
