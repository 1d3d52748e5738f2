/** Windows with triggers and evictors of any kind, states of window functions, and what is said of mistakes (GW1 to GW4). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MillraceError } from '../../../core/errors.js';
import { maxWatermark } from '../../../dataflow/contracts.js';
import { CountEvictor } from '../../../dataflow/windows/evictors/count-evictor.js';
import { timeEvictor } from '../../../dataflow/windows/evictors/time-evictor.js';
import { continuousEventTimeTrigger } from '../../../dataflow/windows/triggers/continuous-trigger.js';
import { CountTrigger } from '../../../dataflow/windows/triggers/count-trigger.js';
import { DeltaTrigger } from '../../../dataflow/windows/triggers/delta-trigger.js';
import { EventTimeTrigger } from '../../../dataflow/windows/triggers/event-time-trigger.js';
import { PurgingTrigger } from '../../../dataflow/windows/triggers/purging-trigger.js';
import type { Trigger, TriggerResult } from '../../../dataflow/windows/triggers/trigger.js';
import type { WindowContext } from '../../../dataflow/windows/window-function.js';
import { windowOperator } from '../../../dataflow/windows/window-operator.js';
import type { WindowPlan } from '../../../dataflow/windows/window-plan.js';
import type { TimeWindow, Window } from '../../../dataflow/windows/window.js';
import { listPlan, sessions, sliding, tumbling, WindowRoom, type Item } from './window-room.js';

const roomOf = (overrides: Partial<WindowPlan<Item>>): WindowRoom => new WindowRoom(() => windowOperator(listPlan(overrides)));
const test = suite('windows with triggers and evictors');

/** Answers by the number of the record; 0 to 3. */
const told: Trigger<Item, Window> = {
  onElement: ({ n }) => (['CONTINUE', 'FIRE', 'PURGE', 'FIRE_AND_PURGE'] as const)[n % 4] as TriggerResult,
  onEventTime: () => 'CONTINUE',
  onProcessingTime: () => 'CONTINUE',
  clear: () => undefined,
};

test('FIRE keeps the contents, PURGE drops them, and a window without contents does not fire (GW4)', () => {
  const room = roomOf({ trigger: told });
  room.add('a', 0).add('a', 1);
  assert.equal(room.take(), ['a: 0 1']);
  room.add('a', 4).add('a', 3);
  assert.equal(room.take(), ['a: 0 1 4 3']);
  room.add('a', 8).add('a', 2).add('a', 5);
  assert.equal(room.take(), ['a: 5'], 'what came before the purge is gone');
  const timed = roomOf({
    assigner: tumbling(10),
    trigger: {
      ...EventTimeTrigger.create(),
      onElement: (_value, _at, window, context) => (context.registerEventTimeTimer(window.maxTimestamp()), 'PURGE'),
    },
  });
  timed.add('a', 1, 5).advance(100);
  assert.equal(timed.take(), []);
  assert.is(timed.stateSize, 0);
});

test('windows of a count: each is full; with a slide, the last of them after every so many', () => {
  const full = roomOf({ trigger: PurgingTrigger.of(CountTrigger.of(3)) });
  for (let n = 1; n <= 7; n += 1) full.add('a', n);
  full.add('b', 8);
  assert.equal(full.take(), ['a: 1 2 3', 'a: 4 5 6']);
  const slid = roomOf({ evictor: CountEvictor.of(3), trigger: CountTrigger.of(2) });
  for (let n = 1; n <= 7; n += 1) slid.add('a', n);
  assert.equal(slid.take(), ['a: 1 2', 'a: 2 3 4', 'a: 4 5 6']);
});

test('a count that began before a restart goes on', async () => {
  const room = roomOf({ trigger: PurgingTrigger.of(CountTrigger.of(3)) });
  room.add('a', 1).add('a', 2);
  await room.restart();
  room.add('a', 3);
  assert.equal(room.take(), ['a: 1 2 3']);
});

test('everything in one window fires once, at the end of input', () => {
  const room = roomOf({ assigner: { kind: 'global', firesAtEnd: true } });
  room
    .add('a', 1, 5)
    .add('b', 2)
    .advance(maxWatermark - 1);
  assert.equal(room.take(), []);
  room.advance(maxWatermark);
  assert.equal(room.take(true), [`a: 1 @ ${maxWatermark}`, `b: 2 @ ${maxWatermark}`]);
  assert.is(room.stateSize, 0);
  assert.equal(roomOf({}).add('a', 1, 1).advance(maxWatermark).take(), [], 'without a trigger: never');
});

test('a window fires early, again and again, and at its end; its state goes', () => {
  const room = roomOf({ assigner: tumbling(100), trigger: continuousEventTimeTrigger(30) });
  room.add('a', 1, 10).advance(30);
  assert.equal(room.take(), ['a 0-100: 1']);
  room.add('a', 2, 40).advance(89);
  assert.equal(room.take(), ['a 0-100: 1 2']);
  room.advance(99);
  assert.equal(room.take(true), ['a 0-100: 1 2 @ 99', 'a 0-100: 1 2 @ 99']);
  assert.is(room.stateSize, 0);
});

test('sessions with a trigger of their own: counts add up when they merge, and begin anew when they fired', () => {
  const room = roomOf({ assigner: sessions(10), trigger: CountTrigger.of(3) });
  room.add('a', 1, 0).add('a', 2, 20).add('a', 3, 10);
  assert.equal(room.take(true), ['a 0-30: 1 2 3 @ 29']);
  room.add('a', 4, 12).add('a', 5, 12).advance(28);
  assert.equal(room.take(), []);
  room.add('a', 6, 13);
  assert.equal(room.take(), ['a 0-30: 1 2 3 4 5 6']);
  room.advance(29);
  assert.is(room.stateSize, 0);
});

test('sessions that merged leave no timer of what they were', () => {
  const room = roomOf({ assigner: sessions(10), trigger: CountTrigger.of(99) });
  room.add('a', 1, 0).add('a', 2, 20);
  assert.is(room.nextTimer, 9);
  room.add('a', 3, 10);
  assert.is(room.nextTimer, 29);
});

test('an evictor before the function: what it takes is gone for good', () => {
  const room = roomOf({ assigner: tumbling(100), evictor: CountEvictor.of(2), trigger: CountTrigger.of(3) });
  for (let n = 1; n <= 6; n += 1) room.add('a', n, n);
  assert.equal(room.take(), ['a 0-100: 2 3', 'a 0-100: 5 6']);
});

test('an evictor after the function: the function still sees what it takes', () => {
  const room = roomOf({ assigner: tumbling(100), evictor: timeEvictor(3, { evictsAfter: true }), trigger: CountTrigger.of(2) });
  room.add('a', 1, 1).add('a', 2, 5).add('a', 3, 7).add('a', 4, 20);
  assert.equal(room.take(), ['a 0-100: 1 2', 'a 0-100: 2 3 4']);
  room.add('a', 5, 20).add('a', 6, 20);
  assert.equal(room.take(), ['a 0-100: 4 5 6']);
});

test('an evictor that leaves nothing: the function is not called, and the next firing sees only what is new', () => {
  const none = { evictBefore: () => [] };
  const room = roomOf({ assigner: tumbling(100), evictor: none, trigger: CountTrigger.of(1) });
  room.add('a', 1, 1).add('a', 2, 2).advance(99);
  assert.equal(room.take(), []);
  assert.is(room.stateSize, 0);
});

test('with an evictor, values are folded of what it left', () => {
  const sum = {
    createAccumulator: () => 0,
    add: ({ n }: Item, total: number) => total + n,
    getResult: (total: number) => total,
    merge: (left: number, right: number) => left + right,
  };
  const common = { assigner: sliding(10, 5), evictor: CountEvictor.of(2), run: undefined };
  const aggregated = roomOf({ ...common, folding: { kind: 'aggregate', aggregate: sum as never } });
  const reduced = roomOf({ ...common, folding: { kind: 'reduce', reduce: (one, other) => ({ key: one.key, n: one.n + other.n }) } });
  for (const room of [aggregated, reduced]) room.add('a', 1, 1).add('a', 2, 2).add('a', 3, 6).advance(maxWatermark);
  assert.equal(aggregated.take(), [3, 5, 3]);
  assert.equal(
    (reduced.take() as Item[]).map(({ n }) => n),
    [3, 5, 3],
  );
});

test('state of a window goes with it, state of the key stays; both survive a restart', async () => {
  const cleared: string[] = [];
  const run = {
    process: (key: unknown, context: WindowContext<TimeWindow>, items: readonly Item[]) => {
      const ofWindow = context.windowState().valueState<number>('count');
      const ofKey = context.globalState().valueState<number>('count');
      ofWindow.update((ofWindow.value() ?? 0) + 1);
      ofKey.update((ofKey.value() ?? 0) + 1);
      return [
        `${String(key)} ${context.window.start}: ${items.length} records, firing ${ofWindow.value()} of the window, ${ofKey.value()} of the key`,
      ];
    },
    clear: (key: unknown, { window, windowState }: WindowContext<TimeWindow>) =>
      void cleared.push(`${String(key)} ${window.start} ${windowState().valueState<number>('count').value()}`),
  };
  for (const assigner of [tumbling(10), sliding(20, 10)]) {
    for (const trigger of [undefined, PurgingTrigger.of(EventTimeTrigger.create())]) {
      cleared.length = 0;
      const room = roomOf({ assigner, trigger, allowedLatenessMs: 5, run: run as never });
      room.add('a', 1, 10).advance(19);
      await room.restart();
      room.advance(19).add('a', 2, 11);
      const firings = room.take();
      assert.match(String(firings.at(-1)), /firing 2 of the window, [234] of the key/, String(firings));
      room.add('a', 3, 50).advance(1_000);
      const starts = assigner.sizeMs === 10 ? [10, 50] : [0, 10, 40, 50];
      assert.equal(
        cleared.map((line) => Number(line.split(' ')[1])),
        starts,
      );
      assert.ok(
        cleared.every((line) => !line.endsWith('undefined')),
        'the state is there in clear()',
      );
      assert.is(room.stateSize, 1, 'the state of the key');
    }
  }
});

test('state of a window goes with it, also when its function is not called again after a restart', async () => {
  const run = { process: (_key: unknown, context: WindowContext<TimeWindow>) => context.windowState().listState<number>('seen').add(1) };
  for (const trigger of [undefined, PurgingTrigger.of(EventTimeTrigger.create())]) {
    const room = roomOf({ assigner: tumbling(10), trigger, allowedLatenessMs: 5, run: run as never });
    room.add('a', 1, 1).advance(9);
    await room.restart();
    room.advance(14);
    assert.is(room.stateSize, 0);
  }
});

test('state of a window is refused in sessions, with a way out', () => {
  const run = { process: (_key: unknown, context: WindowContext<TimeWindow>) => [context.windowState().valueState('count').value()] };
  for (const trigger of [undefined, CountTrigger.of(1)])
    fails(
      () =>
        roomOf({ assigner: sessions(10), trigger, run: run as never })
          .add('a', 1, 1)
          .advance(100),
      'WINDOW_STATE_OF_SESSION',
      /globalState/,
    );
});

test('results that wait for room keep their order and their timestamps', () => {
  const run = {
    *process(_key: unknown, { window }: WindowContext<TimeWindow>, items: readonly Item[]) {
      for (const { n } of items) yield `${window.start}/${n}`;
    },
  };
  for (const trigger of [undefined, PurgingTrigger.of(EventTimeTrigger.create())]) {
    const room = roomOf({ assigner: tumbling(10), trigger, run: run as never });
    room.add('a', 1, 1).add('a', 2, 2).add('a', 3, 12);
    room.isOutputAvailable = false;
    room.advance(9);
    assert.equal(room.take(), []);
    room.isOutputAvailable = true;
    room.advance(19);
    assert.equal(room.take(true).sort(), ['0/1 @ 9', '0/2 @ 9', '10/3 @ 19']);
  }
});

test('side outputs of a window function', () => {
  const run = {
    process: (_key: unknown, context: WindowContext<TimeWindow>, items: readonly Item[]) => context.output({ id: 'many' }, items.length),
  };
  const room = roomOf({ assigner: tumbling(10), run: run as never });
  room.add('a', 1, 1).add('a', 2, 2).advance(9);
  assert.equal(room.late, [2]);
});

function fails(act: () => unknown, code: string, message: RegExp): void {
  try {
    act();
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

const explode = (): never => {
  throw new RangeError('boom');
};

for (const [title, plan, code, message] of [
  ['a record without a timestamp, tumbling', { assigner: tumbling(10) }, 'WINDOW_TIMESTAMP_MISSING', /watermark strategy/],
  ['a record without a timestamp, sessions', { assigner: sessions(10) }, 'WINDOW_TIMESTAMP_MISSING', /watermark strategy/],
  [
    'a record without a timestamp, with a trigger',
    { assigner: tumbling(10), trigger: CountTrigger.of(1) },
    'WINDOW_TIMESTAMP_MISSING',
    /watermark strategy/,
  ],
  ['a trigger that throws', { trigger: { ...told, onElement: explode } }, 'TRIGGER_FAILED', /RangeError: boom/],
  ['a trigger that answers nothing', { trigger: { ...told, onElement: () => undefined as never } }, 'TRIGGER_RESULT_UNKNOWN', /'CONTINUE'/],
  [
    'an evictor that throws',
    { trigger: CountTrigger.of(1), evictor: { evictBefore: explode } },
    'USER_FUNCTION_FAILED',
    /RangeError: boom/,
  ],
  ['a window function that throws', { trigger: CountTrigger.of(1), run: { process: explode } }, 'USER_FUNCTION_FAILED', /RangeError: boom/],
  ['a gap of nothing', { assigner: { ...sessions(() => 0), time: 'processing' } }, 'WINDOW_GAP_INVALID', /0 ms/],
  [
    'a gap that is no number',
    { assigner: { ...sessions(() => NaN), time: 'processing' }, trigger: CountTrigger.of(1) },
    'WINDOW_GAP_INVALID',
    /NaN ms/,
  ],
  [
    'an accumulator that is an instance',
    {
      assigner: { ...tumbling(10), time: 'processing' },
      folding: {
        kind: 'aggregate',
        aggregate: {
          createAccumulator: () => new URL('a:b'),
          add: (_: unknown, url: URL) => url,
          getResult: () => 0,
          merge: (url: URL) => url,
        },
      },
    },
    'STATE_VALUE_UNSUPPORTED',
    /URL/,
  ],
  ['a key that throws', { keyOf: explode }, 'USER_FUNCTION_FAILED', /RangeError: boom/],
] as const) {
  test(`${title} is an error that names the operator`, () => fails(() => roomOf(plan as never).add('a', 1), code, message));
}

test('a delta between records, and a trigger that throws at a timer', () => {
  const room = roomOf({ trigger: PurgingTrigger.of(DeltaTrigger.of<Item>(5, (from, to) => to.n - from.n)) });
  for (const n of [1, 4, 6, 7, 12]) room.add('a', n);
  assert.equal(room.take(), ['a: 1 4 6 7']);
  const failing = roomOf({ assigner: tumbling(10), trigger: { ...EventTimeTrigger.create(), onEventTime: explode } });
  failing.add('a', 1, 1);
  fails(() => failing.advance(9), 'TRIGGER_FAILED', /boom/);
});

test('state of a window leaves with it, also when it was restored and no function asked for it again', async () => {
  const run = {
    process: (_key: unknown, context: WindowContext<TimeWindow>) => {
      context.windowState().valueState<number>('fired').update(1);
      context.windowState().listState<number>('times').add(1);
      context.windowState().mapState<string, number>('by name').put('a', 1);
      return [];
    },
  };
  const room = roomOf({ assigner: tumbling(10), allowedLatenessMs: 5, run } as unknown as Partial<WindowPlan<Item>>);
  room.add('a', 1, 5).advance(9);
  const held = room.stateSize;
  await room.restart();
  assert.is(room.stateSize, held);
  room.advance(20);
  assert.is(room.stateSize, 0);
});

test.run();
