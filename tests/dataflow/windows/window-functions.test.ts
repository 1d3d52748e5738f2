/** Window functions that are objects: what `open` gives them, states of key and window, and the end of windows (WF3, FI2, WN1, WN2). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../../core/errors.js';
import { maxWatermark } from '../../../dataflow/contracts.js';
import type { AggregateFunction, KeyedRuntimeContext } from '../../../dataflow/functions.js';
import { EventTimeTrigger } from '../../../dataflow/windows/triggers/event-time-trigger.js';
import { PurgingTrigger } from '../../../dataflow/windows/triggers/purging-trigger.js';
import type { Trigger } from '../../../dataflow/windows/triggers/trigger.js';
import type { Windowing } from '../../../dataflow/windows/window-assigner.js';
import type { ProcessWindowFunction, WindowContext } from '../../../dataflow/windows/window-function.js';
import { windowOperator } from '../../../dataflow/windows/window-operator.js';
import type { WindowPlan } from '../../../dataflow/windows/window-plan.js';
import type { TimeWindow, Window } from '../../../dataflow/windows/window.js';
import type { ReducingState, ValueState } from '../../../storage/state/contracts.js';
import { listPlan, sessions, sliding, tumbling, WindowRoom, type Item } from './window-room.js';

type Run = ProcessWindowFunction<Item, unknown, string, TimeWindow>;
const roomOf = (make: () => Run, overrides: Partial<WindowPlan<Item>>): WindowRoom =>
  new WindowRoom(() => windowOperator(listPlan({ ...overrides, run: make() as never })));
const add = (left: number, right: number): number => left + right;
const hasCode = (code: string, place: RegExp) => (error: Error & { readonly code?: string; readonly where?: string }) =>
  error.code === code && place.test(error.where ?? '');

/** How each operator of windows is come by. */
const operators: readonly (readonly [name: string, assigner: Windowing<Item>, trigger: Trigger<Item, Window> | undefined])[] = [
  ['slices', tumbling(10), undefined],
  ['sliding slices', sliding(20, 10), undefined],
  ['sessions', sessions(10), undefined],
  ['the general one', tumbling(10), PurgingTrigger.of(EventTimeTrigger.create())],
  ['the general one, sessions', sessions(10), PurgingTrigger.of(EventTimeTrigger.create())],
];

const test = suite('window functions');

/** Counts the firings and sums the records of a key in states it asked for when it opened. */
function counting(): Run {
  let firings: ValueState<number>;
  let total: ReducingState<number>;
  return {
    open: (context: KeyedRuntimeContext) => {
      firings = context.valueState('firings');
      total = context.reducingState('total', add);
    },
    process: (key, { globalState }, items) => {
      firings.update((firings.value() ?? 0) + 1);
      total.add(items.reduce((sum, { n }) => sum + n, 0));
      const asked = globalState();
      return [`${key} ${asked.valueState<number>('firings').value()} ${asked.reducingState('total', add).get()}`];
    },
  };
}

for (const [name, assigner, trigger] of operators) {
  test(`${name}: states asked for in open belong to the key, are those of globalState, and survive a restart (WF3)`, async () => {
    const room = roomOf(counting, { assigner, trigger });
    room.add('a', 1, 0).add('b', 2, 0).advance(40);
    const step = assigner.kind === 'fixed' && assigner.sizeMs === 20 ? 2 : 1;
    assert.is(room.take().at(-1), `b ${step} ${2 * step}`);
    await room.restart();
    room.advance(40).add('a', 4, 50).advance(maxWatermark);
    assert.is(room.take().at(-1), `a ${2 * step} ${5 * step}`);
    assert.is(room.stateSize, 4, 'two states of two keys');
  });

  test(`${name}: clear is called once for a window that ends, before its states go and with those of the key`, () => {
    const cleared: string[] = [];
    const make = (): Run => ({
      process: (_key, { globalState }, items) =>
        globalState()
          .listState<number>('all')
          .addAll(items.map(({ n }) => n)),
      clear: (key, { window, globalState, currentWatermark }) => {
        const all = globalState().listState<number>('all');
        cleared.push(`${key} ${window.end} at ${currentWatermark()}: ${all.get().join(' ')}`);
        all.clear();
      },
    });
    const room = roomOf(make, { assigner, trigger, allowedLatenessMs: 5 });
    room.add('a', 1, 0).add('b', 2, 3).advance(100);
    const ends =
      assigner.kind === 'session' ? ['a 10', 'b 13'] : name === 'sliding slices' ? ['a 10', 'b 10', 'a 20', 'b 20'] : ['a 10', 'b 10'];
    assert.equal(cleared.map((line) => line.split(' at ')[0]).sort(), ends.sort());
    assert.is(cleared[0], `${ends.sort()[0]} at 100: 1`);
    assert.is(room.stateSize, 0);
  });
}

const spread: AggregateFunction<number, { least: number; most: number }, number> = {
  createAccumulator: () => ({ least: Infinity, most: -Infinity }),
  add: (n, { least, most }) => ({ least: Math.min(least, n), most: Math.max(most, n) }),
  getResult: ({ least, most }) => most - least,
  merge: (left, right) => ({ least: Math.min(left.least, right.least), most: Math.max(left.most, right.most) }),
};

/** Fills a state of every kind. */
const everyKind = (): Run => ({
  process: (_key, { windowState }, items) => {
    const states = windowState();
    const total = states.reducingState('total', add);
    const range = states.aggregatingState('range', spread);
    for (const { n } of items) {
      total.add(n);
      range.add(n);
    }
    states.valueState<number>('value').update(1);
    states.listState<number>('list').add(1);
    states.mapState<string, number>('map').put('a', 1);
    return [`${total.get()} ${range.get()}`];
  },
});

for (const [name, assigner, trigger] of operators.filter(([, { kind }]) => kind === 'fixed')) {
  test(`${name}: states of a window, of every kind, add up over its firings and go with it, also when nobody asks again (WN1)`, async () => {
    const room = roomOf(everyKind, { assigner, trigger, allowedLatenessMs: 5 });
    room.add('a', 1, 0).advance(9).add('a', 5, 1);
    assert.match(String(room.take().at(-1)), trigger === undefined ? /^7 4$/ : /^6 4$/, 'all records again, or those that were not purged');
    room.add('a', 9, 40);
    await room.restart();
    room.advance(maxWatermark);
    assert.is(room.stateSize, 0);
  });
}

test('a state of the key may have a time to live', () => {
  const make = (): Run => {
    let seen: ValueState<number>;
    return {
      open: (context) => void (seen = context.valueState('seen', { ttl: { timeToLive: 100 } })),
      process: () => {
        const before = seen.value();
        seen.update(1);
        return [before === undefined ? 'new' : 'seen'];
      },
    };
  };
  const room = roomOf(make, { assigner: tumbling(10) });
  room.add('a', 1, 0).advance(10).tick(99).add('a', 1, 10).advance(20).tick(199).add('a', 1, 20).advance(30);
  assert.equal(room.take(), ['new', 'seen', 'new']);
});

test('a state of a key and one of a window may have the name of one another, and of what the operator keeps (WN2)', () => {
  const make = (): Run => ({
    process: (_key, { windowState, globalState }) => {
      for (const states of [windowState(), globalState()]) {
        for (const name of ['contents', 'slices', 'sessions']) states.valueState<string>(name).update(name);
      }
      return [windowState().valueState<string>('slices').value()];
    },
  });
  for (const [, assigner, trigger] of operators.filter(([, { kind }]) => kind === 'fixed')) {
    const room = roomOf(make, { assigner, trigger });
    room.add('a', 1, 0).add('a', 1, 15).advance(maxWatermark);
    assert.ok(room.take().every((value) => value === 'slices'));
  }
});

for (const [title, run, code] of [
  ['a clear that nobody would wait for', { clear: () => Promise.resolve() as unknown as void }, 'FUNCTION_ASYNC'],
  [
    'a state that is used before there is a key',
    { open: (context: KeyedRuntimeContext) => context.valueState('early').update(1) },
    'STATE_WITHOUT_KEY',
  ],
  ['a state without a name', { open: (context: KeyedRuntimeContext) => void context.valueState('') }, 'STATE_NAME_INVALID'],
  [
    'a state of a window without a name',
    { process: (_key: string, { windowState }: WindowContext<TimeWindow>) => void windowState().valueState(undefined as never) },
    'STATE_NAME_INVALID',
  ],
  [
    'a state of two kinds',
    {
      open: (context: KeyedRuntimeContext) => void context.valueState('twice'),
      process: (_key: string, { globalState }: WindowContext<TimeWindow>) => void globalState().listState('twice'),
    },
    'STATE_KIND_CLASH',
  ],
  [
    'a state of a window of two kinds',
    {
      process: (_key: string, { windowState }: WindowContext<TimeWindow>) => {
        windowState().valueState('twice');
        windowState().listState('twice');
      },
    },
    'STATE_KIND_CLASH',
  ],
] as const) {
  test(`${title} is an error that names the operator`, () => {
    assert.throws(
      () =>
        roomOf(() => ({ process: () => [], ...run }) as Run, { assigner: tumbling(10) })
          .add('a', 1, 0)
          .advance(9),
      hasCode(code, /operator under test/),
    );
  });
}

test('a state of two kinds is named as the function named it', () => {
  const messages: string[] = [];
  for (const asks of ['windowState', 'globalState'] as const) {
    const process = (_key: string, context: WindowContext<TimeWindow>): readonly never[] => {
      const states = context[asks]();
      states.aggregatingState('twice', {
        createAccumulator: () => 0,
        add: (_: number, sum) => sum,
        getResult: (sum) => sum,
        merge: (sum) => sum,
      });
      states.listState('twice');
      return [];
    };
    try {
      roomOf(() => ({ process }) as Run, { assigner: tumbling(10) })
        .add('a', 1, 0)
        .advance(9);
    } catch (error) {
      messages.push((error as MillraceError).message);
    }
  }
  assert.equal(messages, [
    'State "twice" is an aggregating state of a window and cannot be used as a list state of a window.',
    'State "twice" is an aggregating state and cannot be used as a list state.',
  ]);
});

test.run();
