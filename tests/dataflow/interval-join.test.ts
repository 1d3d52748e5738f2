/** The interval join, one operator at a time: Flink's IntervalJoinOperatorTest as tables, and against a naive join. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../core/errors.js';
import { minWatermark } from '../../dataflow/contracts.js';
import { outputTag } from '../../dataflow/functions.js';
import type { ProcessJoinSetup } from '../../dataflow/join-functions.js';
import { intervalJoinOperator } from '../../dataflow/operators/interval-join.js';
import { boundTests } from '../support/bounds.js';
import { TwoInputBench } from '../support/two-input-bench.js';

boundTests({ testMs: 60_000 });
const test = suite('interval join');

interface Item {
  readonly key: string;
  readonly t: number;
  readonly n?: number;
}
type Join = ProcessJoinSetup<string, Item, Item, string>;

const pairs: Join = { processElement: (left, right) => [`${left.t},${right.t}`] };

interface BenchOptions {
  readonly lower: number;
  readonly upper: number;
  readonly setup?: Join;
  readonly hasLateTags?: boolean;
}

const open = ({ lower, upper, setup = pairs, hasLateTags = false }: BenchOptions): Promise<TwoInputBench> =>
  TwoInputBench.open({
    isKeyed: true,
    create: () =>
      intervalJoinOperator<string, Item, Item, string>({
        keyOf: { first: ({ key }) => key, second: ({ key }) => key },
        lower,
        upper,
        lateLeft: hasLateTags ? 'late left' : undefined,
        lateRight: hasLateTags ? 'late right' : undefined,
        setup,
      }),
  });

const left = (bench: TwoInputBench, t: number, key = 'k'): void => bench.first({ key, t }, t);
const right = (bench: TwoInputBench, t: number, key = 'k'): void => bench.second({ key, t }, t);

/** Left and right records at 1, 2, 3 and 4; which pairs come of it. */
const bounds: readonly (readonly [what: string, lower: number, upper: number, pairs: readonly string[]])[] = [
  ['both bounds negative', -2, -1, ['2,1', '3,1', '3,2', '4,2', '4,3']],
  ['one negative, one positive', -1, 1, ['1,1', '1,2', '2,1', '2,2', '2,3', '3,2', '3,3', '3,4', '4,3', '4,4']],
  ['both positive', 1, 2, ['1,2', '1,3', '2,3', '2,4', '3,4']],
  ['the same time only', 0, 0, ['1,1', '2,2', '3,3', '4,4']],
  ['one exact distance', -2, -2, ['3,1', '4,2']],
  ['up to the same time', -1, 0, ['1,1', '2,1', '2,2', '3,2', '3,3', '4,3', '4,4']],
  ['from the same time on', 0, 1, ['1,1', '1,2', '2,2', '2,3', '3,3', '3,4', '4,4']],
  ['further than any two are', 4, 9, []],
];
const orders: Readonly<Record<string, readonly (readonly ['left' | 'right', number])[]>> = {
  'left first': [...[1, 2, 3, 4].map((t) => ['left', t] as const), ...[1, 2, 3, 4].map((t) => ['right', t] as const)],
  'right first': [...[1, 2, 3, 4].map((t) => ['right', t] as const), ...[1, 2, 3, 4].map((t) => ['left', t] as const)],
  'in turn': [1, 2, 3, 4].flatMap((t) => [['left', t] as const, ['right', t] as const]),
  'backwards, in turn': [4, 3, 2, 1].flatMap((t) => [['right', t] as const, ['left', t] as const]),
};

for (const [what, lower, upper, expected] of bounds) {
  test(`${what} (${lower} to ${upper}): each pair once, whatever comes first (IJ1)`, async () => {
    for (const [order, records] of Object.entries(orders)) {
      let bench = await open({ lower, upper });
      const got: unknown[] = [];
      for (const [index, [side, t]] of records.entries()) {
        (side === 'left' ? left : right)(bench, t);
        got.push(...bench.take());
        if (index === 3) bench = await bench.restarted();
      }
      assert.equal(got.sort(), expected, order);
      await bench.close();
    }
  });
}

test('records of other keys are no pairs, several of one time are each', async () => {
  const bench = await open({ lower: -5, upper: 5, setup: { processElement: (a, b, { currentKey }) => [`${a.n}${b.n}${currentKey()}`] } });
  for (let n = 0; n < 3; n += 1) bench.first({ key: 'k', t: 10, n }, 10);
  bench.first({ key: 'other', t: 10, n: 9 }, 10);
  bench.second({ key: 'k', t: 10, n: 7 }, 10);
  bench.second({ key: 'k', t: 10, n: 8 }, 10);
  assert.equal([...bench.take()].sort(), ['07k', '08k', '17k', '18k', '27k', '28k']);
  bench.watermark(15);
  assert.is(bench.keyed?.size(), 3, 'a slice of each side, and of the other key');
  bench.watermark(16);
  assert.is(bench.keyed?.size(), 0, 'they leave together');
});

test('results carry the later time of the pair, and the context tells all three', async () => {
  const bench = await open({
    lower: -10,
    upper: 10,
    setup: {
      processElement: (_left, _right, context, out) => {
        out.collect(`${context.leftTimestamp()} ${context.rightTimestamp()} ${context.timestamp()}`);
        context.output(outputTag<string>('side'), 'seen');
      },
    },
  });
  left(bench, 5);
  right(bench, 8);
  right(bench, 2);
  assert.equal(bench.emitted, [
    ['5 8 8', 8],
    ['5 2 5', 5],
  ]);
  assert.equal(bench.sideOutputs.get('side'), [
    ['seen', 8],
    ['seen', 5],
  ]);
});

/** Watermark 4 has passed; what becomes of a record, and with which of those at 3, 4 and 5 on the other side it is a pair. */
const lateness: readonly (readonly [time: number, isLate: boolean, partners: readonly number[]])[] = [
  [3, true, []],
  [4, false, [3, 4, 5]],
  [5, false, [4, 5]],
];

for (const side of ['left', 'right'] as const) {
  test(`a ${side} record before the watermark is late, one at the watermark is not (IJ2)`, async () => {
    for (const [time, isLate, partners] of lateness) {
      for (const hasLateTags of [false, true]) {
        const bench = await open({
          lower: -1,
          upper: 1,
          hasLateTags,
          setup: { processElement: (a, b) => [`${side === 'left' ? b.t : a.t}`] },
        });
        for (const t of [3, 4, 5]) (side === 'left' ? right : left)(bench, t);
        bench.watermark(4);
        (side === 'left' ? left : right)(bench, time);
        assert.equal(bench.take(), partners.map(String), `at ${time}`);
        assert.equal(bench.side(`late ${side}`), isLate && hasLateTags ? [{ key: 'k', t: time }] : []);
        assert.is(bench.counters.get('numLateRecordsDropped') ?? 0, isLate && !hasLateTags ? 1 : 0);
      }
    }
  });
}

test('a record at the watermark is in all its pairs, with whatever is as far away as can be', async () => {
  for (const [lower, upper] of [
    [-3, 2],
    [1, 4],
    [-5, -2],
    [0, 0],
  ] as const) {
    for (let t = -6; t <= 6; t += 1) {
      for (const distance of [lower, upper]) {
        const later = await open({ lower, upper });
        left(later, t);
        later.watermark(Math.max(t, t + distance));
        right(later, t + distance);
        assert.is(later.take().length, distance >= 0 ? 1 : 0, `right, ${lower} to ${upper} at ${t}`);
        const earlier = await open({ lower, upper });
        right(earlier, t + distance);
        earlier.watermark(Math.max(t, t + distance));
        left(earlier, t);
        assert.is(earlier.take().length, distance <= 0 ? 1 : 0, `left, ${lower} to ${upper} at ${t}`);
      }
    }
  }
});

test('before the first watermark nothing is late', async () => {
  const bench = await open({ lower: 0, upper: 0 });
  left(bench, minWatermark + 1);
  right(bench, minWatermark + 1);
  assert.is(bench.take().length, 1);
});

/** Records at 1 to 5 on both sides; which of them are kept after each watermark. A slice is as long as the interval. */
const cleanups: readonly (readonly [lower: number, upper: number, watermark: number, left: readonly number[], right: readonly number[]])[] =
  [
    // Slices 0–1, 2–3, 4–5. Left ones leave once they are over, right ones one later.
    [-1, 0, 1, [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]],
    [-1, 0, 2, [2, 3, 4, 5], [1, 2, 3, 4, 5]],
    [-1, 0, 3, [2, 3, 4, 5], [2, 3, 4, 5]],
    [-1, 0, 4, [4, 5], [2, 3, 4, 5]],
    [-1, 0, 6, [], [4, 5]],
    [-1, 0, 7, [], []],
    // Slices 0–2, 3–5. Left ones wait two longer, right ones leave once they are over.
    [0, 2, 2, [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]],
    [0, 2, 3, [1, 2, 3, 4, 5], [3, 4, 5]],
    [0, 2, 4, [1, 2, 3, 4, 5], [3, 4, 5]],
    [0, 2, 5, [3, 4, 5], [3, 4, 5]],
    [0, 2, 7, [3, 4, 5], []],
    [0, 2, 8, [], []],
    // Both bounds negative: what is left comes later than what is right, which waits for it.
    [-3, -1, 2, [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]],
    [-3, -1, 3, [3, 4, 5], [1, 2, 3, 4, 5]],
    [-3, -1, 6, [], [3, 4, 5]],
    [-3, -1, 9, [], []],
    // Both positive.
    [1, 3, 3, [1, 2, 3, 4, 5], [3, 4, 5]],
    [1, 3, 6, [3, 4, 5], []],
    [1, 3, 9, [], []],
    // Slices 0–4, 5–9; both sides leave by one and the same timer.
    [-2, 2, 6, [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]],
    [-2, 2, 7, [5], [5]],
    [-2, 2, 11, [5], [5]],
    [-2, 2, 12, [], []],
    // The same time only: every time is a slice.
    [0, 0, 3, [3, 4, 5], [3, 4, 5]],
  ];

for (const [lower, upper, watermark, keptLeft, keptRight] of cleanups) {
  test(`between ${lower} and ${upper}, watermark ${watermark} keeps ${keptLeft.join()} and ${keptRight.join()} (IJ3)`, async () => {
    for (const isRestarted of [false, true]) {
      let bench = await open({ lower, upper });
      for (const t of [1, 2, 3, 4, 5]) {
        left(bench, t);
        right(bench, t);
      }
      if (isRestarted) bench = await bench.restarted();
      bench.watermark(watermark);
      assert.equal([keptBy(bench, 'left'), keptBy(bench, 'right')], [keptLeft, keptRight]);
    }
  });
}

function keptBy(bench: TwoInputBench, side: string): readonly number[] {
  const keyed = bench.at('k');
  const records = keyed.listState<readonly [number, Item]>(`interval-join/${side}`, { isNamespaced: true });
  const times: number[] = [];
  for (let slice = 0; slice <= 5; slice += 1) {
    keyed.setCurrentNamespace(slice + 0.5);
    times.push(...records.get().map(([t]) => t));
  }
  return times;
}

test('a record without a timestamp is refused on either side, naming the operator', async () => {
  const bench = await open({ lower: 0, upper: 0 });
  const refused = (call: () => void, side: string): void => {
    try {
      call();
    } catch (error) {
      const { code, where, message } = error as MillraceError;
      assert.equal([code, where], ['JOIN_TIMESTAMP_MISSING', 'under test']);
      assert.match(message, new RegExp(`${side} stream`));
      return;
    }
    assert.unreachable();
  };
  refused(() => bench.first({ key: 'k', t: 1 }), 'left');
  refused(() => bench.second({ key: 'k', t: 1 }), 'right');
});

test('pairs of one record that have no room wait, with their times, and go on under their key (IJ4)', async () => {
  let most = 0;
  const bench = await open({
    lower: -100,
    upper: 100,
    setup: {
      *processElement(a, b, { currentKey, timestamp }) {
        most += 1;
        yield `${a.t} ${b.t} ${timestamp()} ${currentKey()}`;
        yield 'again';
      },
    },
  });
  for (let t = 1; t <= 5; t += 1) left(bench, t);
  bench.room = 3;
  right(bench, 3);
  assert.is(bench.emitted.length, 3);
  assert.is(most, 2, 'the function is not called before there is room');
  assert.ok(bench.isParked);
  bench.at('another key');
  bench.giveRoom(2);
  assert.is(bench.emitted.length, 5);
  bench.giveRoom(Infinity);
  assert.not(bench.isParked);
  assert.equal(
    bench.emitted.filter(([value]) => value !== 'again'),
    [1, 2, 3, 4, 5].map((t) => [`${t} 3 ${Math.max(t, 3)} k`, Math.max(t, 3)]),
  );
  assert.equal(
    bench.emitted.filter(([value]) => value === 'again').map(([, timestamp]) => timestamp),
    [3, 3, 3, 4, 5],
  );
});

test('what the function throws, or a promise or a number it returns, is an error that names the operator', async () => {
  const cases: readonly (readonly [Join, string])[] = [
    [
      {
        processElement: () => {
          throw new Error('poison');
        },
      },
      'USER_FUNCTION_FAILED',
    ],
    [{ processElement: (async () => []) as never }, 'FUNCTION_ASYNC'],
    [{ processElement: () => [Promise.resolve('x')] as never }, 'FUNCTION_ASYNC'],
    [{ processElement: () => 5 as never }, 'RESULT_NOT_ITERABLE'],
  ];
  for (const [setup, code] of cases) {
    const bench = await open({ lower: 0, upper: 0, setup });
    left(bench, 1);
    assert.throws(
      () => right(bench, 1),
      (error: MillraceError) => error.code === code && error.where === 'under test',
    );
  }
});

interface Step {
  readonly side: 'left' | 'right' | 'watermark' | 'restart';
  readonly key: string;
  readonly t: number;
}

const steps = fc.array(
  fc.record<Step>({
    side: fc.constantFrom('left', 'right', 'left', 'right', 'left', 'right', 'watermark', 'restart'),
    key: fc.constantFrom('a', 'b'),
    t: fc.integer({ min: -20, max: 20 }),
  }),
  { maxLength: 60 },
);

test('any records, watermarks and restarts: the pairs are those of a naive join, and what is kept is no more than could still meet', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: -12, max: 12 }), fc.nat({ max: 12 }), async (program, lower, width) => {
      const upper = lower + width;
      let bench = await open({ lower, upper, hasLateTags: true, setup: { processElement: (a, b) => [`${a.n}-${b.n}`] } });
      const got: unknown[] = [];
      const accepted: { readonly side: string; readonly key: string; readonly t: number; readonly n: number }[] = [];
      let watermark = -21;
      for (const [n, { side, key, t }] of program.entries()) {
        if (side === 'watermark') {
          watermark = Math.max(watermark, t);
          bench.watermark(watermark);
        } else if (side === 'restart') {
          bench = await bench.restarted();
        } else {
          if (t >= watermark) accepted.push({ side, key, t, n });
          (side === 'left' ? bench.first : bench.second).call(bench, { key, t, n }, t);
        }
        got.push(...bench.take());
      }
      const expected = accepted
        .filter(({ side }) => side === 'left')
        .flatMap((a) =>
          accepted
            .filter((b) => b.side === 'right' && b.key === a.key && b.t >= a.t + lower && b.t <= a.t + upper)
            .map((b) => `${a.n}-${b.n}`),
        );
      assert.equal(got.sort(), expected.sort());
      bench.watermark(1_000);
      assert.equal([bench.keyed?.size(), bench.keyed?.nextTimer('event')], [0, undefined]);
      await bench.close();
    }),
    { numRuns: 300 },
  );
});

test.run();
