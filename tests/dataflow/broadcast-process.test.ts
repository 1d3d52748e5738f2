/** Functions on a stream and a broadcast one, one operator at a time. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MillraceError } from '../../core/errors.js';
import { mapStateDescriptor, type KeyedBroadcastProcessSetup } from '../../dataflow/broadcast-functions.js';
import { outputTag } from '../../dataflow/functions.js';
import { broadcastProcessOperator, keyedBroadcastProcessOperator } from '../../dataflow/operators/broadcast-process.js';
import type { ValueState } from '../../index.js';
import { TwoInputBench } from '../support/two-input-bench.js';

const test = suite('functions on broadcast streams');

const rules = mapStateDescriptor<string, number>('rules');
const unknownFlags = outputTag<string>('unknown');

interface Rule {
  readonly name: string;
  readonly factor: number | null;
}

/** `name:n` becomes n times the factor of the rule of that name. */
const applying = () =>
  broadcastProcessOperator<string, Rule, number>({
    stateNames: ['rules'],
    setup: {
      processElement(text, context, out) {
        const [name = '', n] = text.split(':');
        const factor = context.broadcastState(rules).get(name);
        if (factor === undefined) context.output(unknownFlags, text);
        else out.collect(Number(n) * factor);
      },
      processBroadcastElement({ name, factor }, context) {
        const state = context.broadcastState(rules);
        if (factor === null) state.remove(name);
        else state.put(name, factor);
      },
      finish: () => [-1],
    },
  });

test('records go by the rules that were broadcast before them; rules outlive a restart', async () => {
  let bench = await TwoInputBench.open({ create: applying });
  bench.first('a:1', 1);
  bench.second({ name: 'a', factor: 10 });
  bench.first('a:2', 2);
  assert.equal(bench.emitted, [[20, 2]]);
  assert.equal(bench.sideOutputs.get('unknown'), [['a:1', 1]]);
  bench = await bench.restarted();
  bench.first('a:3');
  bench.second({ name: 'a', factor: null });
  bench.first('a:4');
  bench.finish();
  assert.equal(bench.take(), [30, -1]);
  assert.equal(bench.side('unknown'), ['a:4']);
});

test('the side of the records cannot change broadcast state, not even without types', async () => {
  const bench = await TwoInputBench.open({
    create: () =>
      broadcastProcessOperator<string, string, string>({
        stateNames: ['rules'],
        setup: {
          processElement: (text, context) =>
            (context.broadcastState(rules) as unknown as Map<string, string> & { put(a: string, b: number): void }).put(text, 1),
          processBroadcastElement: () => [],
        },
      }),
  });
  assert.throws(() => bench.first('a'), /put is not a function/);
});

const failureOf = (call: () => void): MillraceError => {
  try {
    call();
  } catch (error) {
    assert.instance(error, MillraceError, String(error));
    return error as MillraceError;
  }
  return assert.unreachable('nothing was thrown') as never;
};

test('a state that was not declared with the broadcast stream is refused on both sides, naming operator and state', async () => {
  const other = mapStateDescriptor<string, number>('other');
  const bench = await TwoInputBench.open({
    create: () =>
      broadcastProcessOperator<string, string, string>({
        stateNames: ['rules'],
        setup: {
          processElement: (_text, context) => void context.broadcastState(other).get('a'),
          processBroadcastElement: (_text, context) => context.broadcastState(other).clear(),
        },
      }),
  });
  for (const call of [() => bench.first('a'), () => bench.second('a')]) {
    const { code, where, message } = failureOf(call);
    assert.equal([code, where], ['BROADCAST_STATE_UNDECLARED', 'under test']);
    assert.match(message, /"other"/);
  }
});

interface Visit {
  readonly user: string;
}
type Command = 'double' | 'forget' | 'read';

const counting: KeyedBroadcastProcessSetup<string, Visit, Command, string> = (runtime) => {
  const count = runtime.valueState<number>('count');
  const names = runtime.listState<string>('names');
  return {
    processElement(_visit, context, out) {
      count.update((count.value() ?? 0) + 1);
      if (context.currentKey() === 'b') names.add('b');
      context.time.registerEventTimeTimer(100);
      out.collect(`${context.currentKey()} ${count.value()} ${context.broadcastState(rules).get('seen') ?? 0}`);
    },
    processBroadcastElement(command, context, out) {
      const state = context.broadcastState(rules);
      state.put('seen', (state.get('seen') ?? 0) + 1);
      if (command === 'read') out.collect(`${count.value()}`);
      else
        context.applyToKeyedState(count, (key, each) => {
          if (command === 'forget' && key === 'a') each.clear();
          else each.update((each.value() ?? 0) * 2);
        });
    },
    onTimer: (time, context) => [
      `${context.currentKey()} has ${count.value() ?? 'nothing'} at ${time} after ${context.broadcastState(rules).get('seen') ?? 0}`,
    ],
  };
};

const keyedOptions = {
  isKeyed: true,
  create: () =>
    keyedBroadcastProcessOperator<string, Visit, Command, string>({ stateNames: ['rules'], setup: counting, keyOf: ({ user }) => user }),
};

test('the broadcast side applies a change to the state of every key that holds some', async () => {
  let bench = await TwoInputBench.open(keyedOptions);
  for (const user of ['a', 'b', 'b', 'c']) bench.first({ user });
  assert.equal(bench.take(), ['a 1 0', 'b 1 0', 'b 2 0', 'c 1 0']);
  bench.second('double');
  bench.second('forget');
  bench.first({ user: 'a' });
  bench.first({ user: 'b' });
  assert.equal(bench.take(), ['a 1 2', 'b 9 2']);
  bench = await bench.restarted();
  bench.second('double');
  bench.watermark(100);
  assert.equal([...bench.take()].sort(), ['a has 2 at 100 after 3', 'b has 18 at 100 after 3', 'c has 8 at 100 after 3']);
});

test('on the broadcast side no key is current: state of the key that came last is refused (TP4)', async () => {
  const bench = await TwoInputBench.open(keyedOptions);
  bench.first({ user: 'a' });
  bench.take();
  assert.equal(
    [failureOf(() => bench.second('read')).code, failureOf(() => bench.second('read')).where],
    ['STATE_WITHOUT_KEY', 'under test'],
  );
  bench.second('double');
  assert.is(failureOf(() => bench.second('read')).code, 'STATE_WITHOUT_KEY', 'nor is that of the last one a change was applied to');
  bench.first({ user: 'a' });
  assert.equal(bench.take(), ['a 3 4']);
});

test('a change applied to a state that the function did not declare, or that throws, names the operator', async () => {
  const foreign = { value: () => undefined, update: () => undefined, clear: () => undefined } as unknown as ValueState<number>;
  const create = (setup: KeyedBroadcastProcessSetup<string, Visit, Command, string>) => () =>
    keyedBroadcastProcessOperator<string, Visit, Command, string>({ stateNames: [], setup, keyOf: ({ user }) => user });
  const refusing = await TwoInputBench.open({
    isKeyed: true,
    create: create({
      processElement: () => [],
      processBroadcastElement: (_command, context) => context.applyToKeyedState(foreign, () => undefined),
    }),
  });
  const refused = failureOf(() => refusing.second('double'));
  assert.equal([refused.code, refused.where], ['STATE_FOREIGN', 'under test']);
  const throwing = await TwoInputBench.open({
    isKeyed: true,
    create: create((runtime) => {
      const state = runtime.valueState<number>('count');
      return {
        processElement: () => state.update(1),
        processBroadcastElement: (_command, context) =>
          context.applyToKeyedState(state, () => {
            throw new Error('poison');
          }),
      };
    }),
  });
  throwing.first({ user: 'a' });
  const thrown = failureOf(() => throwing.second('double'));
  assert.equal([thrown.code, thrown.where], ['USER_FUNCTION_FAILED', 'under test']);
});

test('every kind of state can be applied a change to', async () => {
  const sumOf = {
    createAccumulator: () => 0,
    add: (n: number, sum: number) => sum + n,
    getResult: (sum: number) => sum,
    merge: (a: number, b: number) => a + b,
  };
  const bench = await TwoInputBench.open({
    isKeyed: true,
    create: () =>
      keyedBroadcastProcessOperator<string, Visit, Command, string>({
        stateNames: [],
        keyOf: ({ user }) => user,
        setup: (runtime) => {
          const states = [
            runtime.valueState<number>('value'),
            runtime.listState<number>('list'),
            runtime.mapState<string, number>('map'),
            runtime.reducingState<number>('reducing', (sum, n) => sum + n),
            runtime.aggregatingState('aggregating', sumOf),
          ] as const;
          const [value, list, map, reducing, aggregating] = states;
          return {
            processElement() {
              value.update(1);
              list.add(1);
              map.put('a', 1);
              reducing.add(1);
              aggregating.add(1);
            },
            *processBroadcastElement(_command, context) {
              for (const state of states) {
                const keys: string[] = [];
                context.applyToKeyedState(state, (key, each) => {
                  keys.push(key);
                  each.clear();
                });
                yield keys.sort().join();
              }
            },
          };
        },
      }),
  });
  bench.first({ user: 'a' });
  bench.first({ user: 'b' });
  bench.second('forget');
  bench.second('forget');
  assert.equal(bench.take(), ['a,b', 'a,b', 'a,b', 'a,b', 'a,b', '', '', '', '', '']);
  assert.is(bench.keyed?.size(), 0);
});

test('results of the broadcast side that have no room wait, and go on under no key', async () => {
  const bench = await TwoInputBench.open({
    isKeyed: true,
    create: () =>
      keyedBroadcastProcessOperator<string, Visit, Command, number>({
        stateNames: ['rules'],
        keyOf: ({ user }) => user,
        setup: {
          processElement: () => [0],
          *processBroadcastElement() {
            yield* [1, 2, 3];
          },
        },
      }),
  });
  bench.first({ user: 'a' });
  bench.room = 1;
  bench.second('read');
  assert.ok(bench.isParked);
  bench.giveRoom(Infinity);
  assert.equal(bench.take(), [0, 1, 2, 3]);
});

test.run();
