/** Windows of assigners that users write: which there are, when they end, what merges, and what is refused (CW1, CW2, WP1 to WP3). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MillraceError } from '../../../core/errors.js';
import { maxWatermark } from '../../../dataflow/contracts.js';
import type { WindowAssigner, WindowSpan } from '../../../dataflow/windows/custom-windows.js';
import { GeneralWindowOperator } from '../../../dataflow/windows/general-window-operator.js';
import { CountTrigger } from '../../../dataflow/windows/triggers/count-trigger.js';
import type { CustomWindows, Windowing } from '../../../dataflow/windows/window-assigner.js';
import type { WindowContext } from '../../../dataflow/windows/window-function.js';
import { windowOperator } from '../../../dataflow/windows/window-operator.js';
import type { TimeWindow } from '../../../dataflow/windows/window.js';
import { SeededRandom } from '../../../testing/simulator/seeded-random.js';
import { listPlan, sessions, sliding, tumbling, WindowRoom, type Item, type ItemPlan } from './window-room.js';
import { assertNothingLeft, takeSteps, type Step } from './window-steps.js';

function custom(assign: (value: Item, timestamp: number) => unknown, rest: Partial<WindowAssigner<Item>> = {}): CustomWindows<Item> {
  const { isEventTime = true, isMerging = false } = rest;
  const assignWindows = assign as WindowAssigner<Item>['assignWindows'];
  return { kind: 'custom', time: isEventTime ? 'event' : 'processing', isMerging, assigner: { isEventTime, ...rest, assignWindows } };
}

const roomOf = (assigner: CustomWindows<Item>, overrides: Partial<ItemPlan> = {}): WindowRoom =>
  new WindowRoom(() => windowOperator(listPlan({ assigner, lateTag: 'late', ...overrides } as never)));

/** `n` says which windows there are: from the timestamp on, of that length and a longer one. */
const twoLengths = custom(({ n }, at) => [
  { start: at, end: at + n },
  { start: at, end: at + n + 10 },
]);
const ofTen = (_item: Item, at: number): WindowSpan[] => [{ start: at, end: at + 10 }];

const rules: readonly {
  readonly title: string;
  readonly assigner: CustomWindows<Item>;
  readonly plan?: Partial<ItemPlan>;
  readonly steps: readonly Step[];
}[] = [
  {
    title: 'a record is in each window that is named, and windows of one start and two ends are two',
    assigner: twoLengths,
    steps: [
      [5, 0],
      [5, 0],
      { watermark: 3 },
      { gives: [] },
      { watermark: 4 },
      { gives: ['a 0-5: 5 5 @ 4'] },
      { watermark: 14 },
      { gives: ['a 0-15: 5 5 @ 14'] },
    ],
  },
  {
    title: 'a window that is named twice has the record once (CW2)',
    assigner: custom(() => [
      { start: 0, end: 9 },
      { start: 0, end: 9 },
      { start: 0, end: 8 },
    ]),
    steps: [[1, 0], { watermark: maxWatermark }, { gives: ['a 0-8: 1 @ 7', 'a 0-9: 1 @ 8'] }],
  },
  {
    title: 'a record in no window is dropped, and is late only when it is behind the watermark',
    assigner: custom(() => []),
    steps: [[1, 5], { watermark: 5 }, [2, 6], { late: [] }, [3, 5], { late: [3] }, { gives: [] }],
  },
  {
    title: 'a window need not hold the time of its record; one that has ended takes none, its others do',
    assigner: custom(({ n }) => [
      { start: 0, end: n },
      { start: 0, end: 100 },
    ]),
    steps: [
      { watermark: 9 },
      [10, 50],
      [11, 50],
      { late: [] },
      { watermark: 10 },
      { gives: ['a 0-11: 11 @ 10'] },
      { watermark: 99 },
      { gives: ['a 0-100: 10 11 @ 99'] },
      [10, 99],
      { late: [10] },
    ],
  },
  {
    title: 'lateness that is allowed lets an ended window fire again, until it is over',
    assigner: custom((_item, at) => [{ start: at - (at % 7), end: at - (at % 7) + 7 }]),
    plan: { allowedLatenessMs: 5 },
    steps: [
      [1, 1],
      { watermark: 6 },
      { gives: ['a 0-7: 1 @ 6'] },
      [2, 2],
      { gives: ['a 0-7: 1 2 @ 6'] },
      { watermark: 10 },
      [3, 3],
      { gives: ['a 0-7: 1 2 3 @ 6'] },
      { watermark: 11 },
      [4, 6],
      { late: [4] },
    ],
  },
  {
    title: 'windows that merge: those that overlap or touch become one, others do not',
    assigner: custom(ofTen, { isMerging: true }),
    steps: [
      [1, 0],
      [2, 10],
      [3, 21],
      { watermark: 19 },
      { gives: ['a 0-20: 1 2 @ 19'] },
      { watermark: 30 },
      { gives: ['a 21-31: 3 @ 30'] },
    ],
  },
  {
    title: 'windows that merge: those of one record are one where they meet; apart, each has the record, also when they merge later (CW2)',
    assigner: custom(
      (_item, at) => [
        { start: at + 20, end: at + 30 },
        { start: at, end: at + 10 },
        { start: at + 5, end: at + 12 },
      ],
      { isMerging: true },
    ),
    steps: [[1, 0], [2, 11], { watermark: maxWatermark }, { gives: ['a 0-30: 1 1 2 @ 29', 'a 31-41: 2 @ 40'] }],
  },
  {
    title: 'windows that merge: two of one record that another joins are one, and the record is in it once (CW2)',
    assigner: custom(
      ({ n }) =>
        n === 1
          ? [{ start: 5, end: 25 }]
          : [
              { start: 0, end: 10 },
              { start: 20, end: 30 },
            ],
      { isMerging: true },
    ),
    steps: [[1, 0], [2, 0], { watermark: maxWatermark }, { gives: ['a 0-30: 1 2 @ 29'] }],
  },
  {
    title: 'windows that merge: a late one joins one that is open',
    assigner: custom(ofTen, { isMerging: true }),
    steps: [[1, 12], { watermark: 15 }, [2, 3], { late: [] }, [3, -10], { late: [3] }, { watermark: 21 }, { gives: ['a 3-22: 1 2 @ 21'] }],
  },
  {
    title: 'by the clock: the assigner gets its time, and windows end when their last millisecond is over',
    assigner: custom(ofTen, { isEventTime: false }),
    steps: [
      { clock: 5 },
      [1, 999],
      { clock: 14 },
      { gives: [] },
      { clock: 15 },
      { gives: ['a 5-15: 1 @ 14'] },
      { watermark: maxWatermark },
      { gives: [] },
    ],
  },
  {
    title: 'the default trigger of an assigner is the one of its windows',
    assigner: custom(() => [{ start: 0, end: 10 }], { defaultTrigger: CountTrigger.of(2) }),
    steps: [[1, 0], [2, 0], [3, 0], { gives: ['a 0-10: 1 2 @ 9'] }, { watermark: 9 }, { gives: [] }],
  },
  {
    title: 'a trigger that is set takes the place of the default one',
    assigner: custom(() => [{ start: 0, end: 10 }], { defaultTrigger: CountTrigger.of(2) }),
    plan: { trigger: CountTrigger.of(3) },
    steps: [[1, 0], [2, 0], [3, 0], { gives: ['a 0-10: 1 2 3 @ 9'] }],
  },
  {
    title: 'a window without an end ends with the input',
    assigner: custom((_item, at) => [{ start: at, end: Number.MAX_SAFE_INTEGER }]),
    steps: [
      [1, 0],
      { watermark: 1e15 },
      { gives: [] },
      { watermark: maxWatermark },
      { gives: [`a 0-${Number.MAX_SAFE_INTEGER}: 1 @ ${Number.MAX_SAFE_INTEGER - 1}`] },
    ],
  },
];

const test = suite('windows of own assigners');

for (const { title, assigner, plan, steps } of rules) {
  for (const restarts of [false, true]) {
    test(`${title}${restarts ? ', with a restart after every step' : ''}`, async () => {
      const room = roomOf(assigner, plan);
      await takeSteps(room, steps, restarts);
      assertNothingLeft(room);
    });
  }
}

test('each key has windows of its own', () => {
  const room = roomOf(custom(ofTen, { isMerging: true }));
  room.add('a', 1, 0).add('b', 2, 5).add('a', 3, 8).advance(maxWatermark);
  assert.equal(room.take().sort(), ['a 0-18: 1 3', 'b 5-15: 2']);
});

/** The windows that come with Millrace, as somebody would write them. */
const twins: Readonly<Record<string, readonly [own: CustomWindows<Item>, builtIn: Windowing<Item>]>> = {
  tumbling: [custom((_item, at) => [spanAt(at, 7, 7)]), tumbling(7)],
  sliding: [
    custom((_item, at) => [0, 1, 2, 3, 4].map((back) => spanAt(at - 3 * back, 15, 3)).filter(({ start, end }) => start <= at && at < end)),
    sliding(15, 3),
  ],
  sessions: [custom((_item, at) => [{ start: at, end: at + 6 }], { isMerging: true }), sessions(6)],
};

function spanAt(time: number, size: number, slide: number): WindowSpan {
  const start = Math.floor(time / slide) * slide;
  return { start, end: start + size };
}

for (const [name, [own, builtIn]] of Object.entries(twins)) {
  test(`${name}, written as an own assigner: the same results and late records, over restarts`, async () => {
    for (let seed = 1; seed <= 15; seed += 1) {
      const random = new SeededRandom(seed);
      const allowedLatenessMs = random.chance(0.5) ? 0 : random.between(1, 9);
      const rooms = [own, builtIn].map(
        (assigner) => new WindowRoom(() => new GeneralWindowOperator(listPlan({ assigner, allowedLatenessMs, lateTag: 'late' }))),
      );
      let time = 0;
      for (let step = 0; step < 120; step += 1) {
        time += random.between(0, 5);
        const [n, at, watermark] = [random.between(0, 99), time - random.between(0, 12), time - random.between(0, 9)];
        for (const room of rooms) room.add(`k${n % 3}`, n, at).advance(Math.max(room.watermark, watermark));
        if (random.chance(0.05)) for (const room of rooms) await room.restart();
      }
      for (const room of rooms) room.advance(maxWatermark);
      const [got, expected] = rooms.map((room) => [room.take(true).sort(), room.late]);
      assert.equal(got, expected, `seed ${seed}`);
      assert.equal(
        rooms.map((room) => room.stateSize),
        [0, 0],
      );
    }
  });
}

test('windows that do not merge have states, and those that do have none', () => {
  const run = {
    process: (_key: unknown, { windowState, window }: WindowContext<TimeWindow>) => {
      const fired = windowState().valueState<number>('fired');
      fired.update((fired.value() ?? 0) + 1);
      return [`${window.start}-${window.end} ${fired.value()}`];
    },
  } as never;
  const room = roomOf(twoLengths, { run, trigger: CountTrigger.of(1) });
  room.add('a', 5, 0).add('a', 5, 0).add('a', 3, 0);
  assert.equal(room.take(), ['0-5 1', '0-15 1', '0-5 2', '0-15 2', '0-3 1', '0-13 1']);
  room.advance(maxWatermark);
  assert.is(room.stateSize, 0);
  fails(custom(ofTen, { isMerging: true }), 'WINDOW_STATE_OF_SESSION', /merge/, { run, trigger: CountTrigger.of(1) });
});

function fails(assigner: CustomWindows<Item>, code: string, message: RegExp, plan: Partial<ItemPlan> = {}, at = 0): void {
  try {
    roomOf(assigner, plan).add('a', 1, at);
  } catch (error) {
    assert.instance(error, MillraceError, String(error));
    const { where, hint, message: text } = error as MillraceError;
    assert.is((error as MillraceError).code, code, text);
    assert.match(String(where), /^operator under test/);
    assert.match(`${text} ${hint}`, message);
    return;
  }
  assert.unreachable(`${code} was not thrown`);
}

for (const [title, answer, message] of [
  ['nothing', undefined, /answered undefined/],
  ['null', null, /answered null/],
  ['text', 'soon', /answered "soon"/],
  ['a single window', { start: 0, end: 5 }, /answered \{ start: 0, end: 5 \}/],
  ['a promise', Promise.resolve([]), /answered a promise/],
  ['a window that is no object', [5], /with 5 as window 1/],
  ['a window without an end', [{ start: 0, end: 1 }, { start: 0 }], /\{ start: 0, end: undefined \} as window 2/],
  ['an empty window', [{ start: 5, end: 5 }], /start before its end/],
  ['a window that ends before it begins', [{ start: 5, end: 4 }], /\{ start: 5, end: 4 \}/],
  ['half a millisecond', [{ start: 0.5, end: 4 }], /whole milliseconds/],
  ['no number', [{ start: 0, end: NaN }], /end: NaN/],
  ['a window without bounds', [{ start: 0, end: Infinity }], /end: Infinity/],
] as const) {
  test(`an assigner that answers ${title} is an error that names the operator (CW1)`, () => {
    fails(
      custom(() => answer),
      'WINDOWS_INVALID',
      message,
    );
  });
}

test('an assigner that throws, one without end, and a record without a timestamp are errors that name the operator', () => {
  fails(
    custom(() => {
      throw new RangeError('boom');
    }),
    'USER_FUNCTION_FAILED',
    /RangeError: boom/,
  );
  fails(
    custom(function* () {
      for (let start = 0; ; start += 1) yield { start, end: start + 1 };
    }),
    'WINDOWS_INVALID',
    /more than 1024 windows/,
  );
  fails(custom(ofTen), 'WINDOW_TIMESTAMP_MISSING', /watermark strategy/, {}, Number.MIN_SAFE_INTEGER);
});

test.run();
