/** The contract of {@link KeyedStateBackend}: states, timers and the ownership of values. */
import assert from 'node:assert/strict';
import type { Key } from '../../storage/state/contracts.js';
import type { Contract } from './contract.js';
import { all, drain, type KeyedStateFixture, throwsWith, use } from './keyed-state-fixture.js';
import { keyedStateNamespaceCases } from './keyed-state-namespaces.js';
import { keyedStateTimerCases } from './keyed-state-timers.js';
import { keyedStateTtlCases } from './keyed-state-ttl.js';
import { keyedStateVersionCases } from './keyed-state-versions.js';
import { keyedStateSnapshotCases } from './keyed-state-snapshots.js';

export type { KeyedStateFixture } from './keyed-state-fixture.js';

class Account {
  readonly balance = 1;
}

class Register extends Map<string, number> {}

const stateCases: Contract<KeyedStateFixture> = [
  {
    name: 'each key has its own value, list and map; keys are compared by content',
    async run({ make }) {
      const backend = make(all);
      const value = backend.valueState<number>('value');
      const list = backend.listState<number>('list');
      const map = backend.mapState<Key, string>('map');
      const keys: readonly Key[] = ['a', 'b', 1, '1', 1n, null, true, ['a', 1], ['a', '1'], { x: 1, y: 2 }, [], {}];
      keys.forEach((key, index) => {
        use(backend, key);
        assert.equal(value.value(), undefined);
        value.update(index);
        list.addAll([index, index]);
        map.put(['field', index], `text ${index}`);
      });
      assert.equal(backend.size(), 3 * keys.length);
      keys.forEach((key, index) => {
        use(backend, structuredClone(key));
        assert.deepEqual(backend.currentKey(), key);
        assert.equal(value.value(), index);
        assert.deepEqual(list.get(), [index, index]);
        assert.deepEqual([...map.entries()], [[['field', index], `text ${index}`]]);
      });
      use(backend, { y: 2, x: 1 });
      assert.equal(value.value(), 9);
      use(backend, -0);
      value.update(7);
      use(backend, 0);
      assert.equal(value.value(), 7);
    },
  },
  {
    name: 'a value is undefined before it is put and after it is cleared; null is a value',
    async run({ make }) {
      const backend = make(all);
      const value = backend.valueState<number | null | undefined>('value');
      use(backend, 'a');
      value.clear();
      assert.equal(value.value(), undefined);
      value.update(null);
      assert.equal(value.value(), null);
      assert.equal(backend.size(), 1);
      value.update(undefined);
      assert.equal(value.value(), undefined);
      value.update(0);
      value.clear();
      value.clear();
      assert.equal(backend.size(), 0);
      value.update(5);
      assert.equal(value.value(), 5);
    },
  },
  {
    name: 'a list that was handed out does not change when the state does',
    async run({ make }) {
      const backend = make(all);
      const list = backend.listState<string>('list');
      use(backend, 'a');
      assert.deepEqual(list.get(), []);
      list.add('one');
      const first = list.get();
      list.add('two');
      const second = list.get();
      list.addAll(['three', 'four']);
      list.addAll([]);
      assert.deepEqual([first, second, list.get()], [['one'], ['one', 'two'], ['one', 'two', 'three', 'four']]);
      list.update(new Set(['x']));
      assert.deepEqual(list.get(), ['x']);
      list.update([]);
      assert.deepEqual(list.get(), []);
      assert.equal(backend.size(), 0);
    },
  },
  {
    name: 'a map is read, changed and iterated by content of its keys',
    async run({ make }) {
      const backend = make(all);
      const map = backend.mapState<Key, number>('map');
      use(backend, 'a');
      assert.equal(map.isEmpty(), true);
      assert.deepEqual([...map.entries()], []);
      map.put('x', 1);
      map.put(['x'], 2);
      map.put(['x'], 3);
      map.put({ q: 'z' }, 4);
      assert.equal(map.get(['x']), 3);
      assert.equal(map.has({ q: 'z' }), true);
      assert.equal(map.has('y'), false);
      assert.deepEqual([...map.keys()], ['x', ['x'], { q: 'z' }]);
      assert.deepEqual([...map.values()], [1, 3, 4]);
      const entries = map.entries();
      use(backend, 'b');
      assert.deepEqual([...map.entries()], []);
      assert.equal([...entries].length, 3);
      use(backend, 'a');
      map.remove('x');
      map.remove('x');
      assert.equal(backend.size(), 2);
      map.clear();
      assert.equal(map.isEmpty(), true);
      assert.equal(backend.size(), 0);
    },
  },
  {
    name: 'asking for a state again gives the same state; as another kind it is refused, naming operator and state',
    async run({ make }) {
      const backend = make(all);
      use(backend, 'a');
      backend.valueState<number>('count').update(1);
      assert.equal(backend.valueState<number>('count').value(), 1);
      const error = throwsWith('STATE_KIND_CLASH', () => backend.mapState('count'));
      assert.ok(error.message.includes('count') && error.where?.includes('operator'));
    },
  },
  {
    name: 'state without a key, and keys of foreign groups, are refused, naming the operator',
    async run({ make }) {
      const backend = make({ start: 0, end: 3 });
      const value = backend.valueState<number>('value');
      const calls = [
        () => value.value(),
        () => value.update(1),
        () => value.clear(),
        () => backend.listState('l').get(),
        () => backend.mapState('m').get('x'),
        () => backend.registerTimer('event', 1),
        () => backend.currentKey(),
      ];
      for (const call of calls) assert.ok(throwsWith('STATE_WITHOUT_KEY', call).where?.includes('operator'));
      for (const keyHash of [4, -1, 100])
        assert.ok(throwsWith('KEY_GROUP_FOREIGN', () => backend.setCurrentKey('a', keyHash)).where?.includes('operator'));
    },
  },
  {
    name: 'timers fire in order of time, then of registration; the same timer is one; deleted ones do not fire',
    async run({ make }) {
      const backend = make(all);
      const register = (key: Key, time: number) => {
        use(backend, key);
        backend.registerTimer('event', time);
      };
      for (const [key, time] of [
        ['c', 30],
        ['a', 10],
        ['b', 10],
        ['a', 10],
        ['a', 20],
        ['d', -5],
      ] as const)
        register(key, time);
      use(backend, 'b');
      backend.registerTimer('processing', 1);
      backend.deleteTimer('event', 99);
      use(backend, 'a');
      backend.deleteTimer('event', 20);
      assert.equal(backend.nextTimer('event'), -5);
      assert.equal(backend.nextTimer('processing'), 1);
      assert.deepEqual(drain(backend, 'event', -6), []);
      assert.deepEqual(
        drain(backend, 'event', 29).map(({ key, time }) => [key, time]),
        [
          ['d', -5],
          ['a', 10],
          ['b', 10],
        ],
      );
      assert.deepEqual(drain(backend, 'event', 30), [{ key: 'c', domain: 'event', time: 30, namespace: 0 }]);
      assert.equal(backend.nextTimer('event'), undefined);
      assert.equal(drain(backend, 'processing', 1).length, 1);
    },
  },
  {
    name: 'a timer sets its key; one registered while firing, due at once, fires in the same sweep',
    async run({ make }) {
      const backend = make(all);
      const value = backend.valueState<string>('value');
      use(backend, 'a');
      value.update('of a');
      backend.registerTimer('event', 5);
      use(backend, 'b');
      assert.ok(backend.pollTimer('event', 5));
      assert.equal(backend.currentKey(), 'a');
      assert.equal(value.value(), 'of a');
      backend.registerTimer('event', 5);
      backend.registerTimer('event', 3);
      assert.deepEqual(
        drain(backend, 'event', 5).map(({ time }) => time),
        [3, 5],
      );
      use(backend, 'x');
      backend.registerTimer('event', 1);
      assert.ok(backend.pollTimer('event', 1));
      value.update('kept');
      use(backend, 'x');
      assert.equal(value.value(), 'kept');
    },
  },
  {
    name: 'many timers, registered and deleted over and over, cost what is left of them',
    async run({ make }) {
      const backend = make(all);
      use(backend, 'a');
      for (let time = 0; time < 50_000; time += 1) {
        backend.registerTimer('event', time);
        backend.deleteTimer('event', time);
      }
      backend.registerTimer('event', 7);
      assert.equal(backend.nextTimer('event'), 7);
      for (let index = 0; index < 5_000; index += 1) {
        use(backend, index);
        backend.registerTimer('event', 100);
      }
      assert.equal(drain(backend, 'event', 100).length, 5_001);
      for (const time of [Number.NaN, Infinity]) throwsWith('TIMER_TIME_INVALID', () => backend.registerTimer('event', time));
    },
  },
  {
    name: 'the keys of a state are those for which it holds something now',
    async run({ make }) {
      const backend = make(all);
      assert.deepEqual(backend.keysOf('value'), []);
      const value = backend.valueState<number>('value');
      const list = backend.listState<number>('list');
      const map = backend.mapState<string, number>('map');
      const keysOf = (name: string): readonly string[] =>
        backend
          .keysOf(name)
          .map((key) => JSON.stringify(key))
          .sort();
      for (const key of ['a', 7, ['t', 1], null] as const) {
        use(backend, key);
        backend.registerTimer('event', 1);
        if (key !== 'a') value.update(1);
        if (key !== 7) list.add(1);
        map.put('x', 1);
        if (key === null) map.remove('x');
      }
      assert.deepEqual(keysOf('value'), ['7', '["t",1]', 'null']);
      assert.deepEqual(keysOf('list'), ['"a"', '["t",1]', 'null']);
      assert.deepEqual(keysOf('map'), ['"a"', '7', '["t",1]']);
      use(backend, 7);
      value.clear();
      assert.deepEqual(keysOf('value'), ['["t",1]', 'null']);
      assert.equal(backend.currentKey(), 7);
    },
  },
  {
    name: 'once a key is left, its state is refused until there is a key again',
    async run({ make }) {
      const backend = make(all);
      const value = backend.valueState<number>('value');
      backend.leaveKey();
      use(backend, 'a');
      value.update(1);
      backend.leaveKey();
      for (const misuse of [
        () => value.value(),
        () => value.update(2),
        () => backend.currentKey(),
        () => backend.registerTimer('event', 1),
        () => backend.setCurrentNamespace(1),
      ])
        throwsWith('STATE_WITHOUT_KEY', misuse);
      use(backend, 'a');
      assert.equal(value.value(), 1);
    },
  },
  {
    name: 'what is put is copied: changing it afterwards, or putting it elsewhere too, changes nothing',
    async run({ make }) {
      const backend = make(all);
      const value = backend.valueState<{ n: number; inner: number[] }>('value');
      const other = backend.valueState<{ n: number; inner: number[] }>('other');
      const list = backend.listState<{ n: number }>('list');
      const map = backend.mapState<string, { n: number }>('map');
      const put = { n: 1, inner: [1] };
      use(backend, 'a');
      value.update(put);
      other.update(put);
      list.add(put);
      list.addAll([put]);
      map.put('x', put);
      put.n = 2;
      put.inner.push(2);
      assert.deepEqual(value.value(), { n: 1, inner: [1] });
      const read = value.value();
      assert.ok(read !== undefined);
      read.n = 3;
      value.update(read);
      read.n = 4;
      assert.equal(value.value()?.n, 3);
      assert.deepEqual(other.value(), { n: 1, inner: [1] });
      assert.deepEqual(
        list.get().map((each) => each.n),
        [1, 1],
      );
      assert.equal(map.get('x')?.n, 1);
    },
  },
  {
    name: 'values that could not be restored are refused when they are put, naming operator and state',
    async run({ make }) {
      const backend = make(all);
      const value = backend.valueState<unknown>('account');
      use(backend, 'a');
      const cyclic: { self?: unknown } = {};
      cyclic.self = cyclic;
      const bad = [
        new Account(),
        { deep: [new Account()] },
        new Map([['x', new Account()]]),
        () => 1,
        { call: () => 1 },
        Symbol('x'),
        Promise.resolve(),
        new WeakMap(),
        new Register(),
        /x/,
        cyclic,
      ];
      for (const each of bad) {
        const error = throwsWith('STATE_VALUE_UNSUPPORTED', () => value.update(each));
        assert.ok(error.where?.includes('operator') && error.where.includes('account'), error.where);
      }
      assert.ok(throwsWith('STATE_VALUE_UNSUPPORTED', () => value.update(new Account())).message.includes('Account'));
      throwsWith('STATE_VALUE_UNSUPPORTED', () => backend.listState('list').add(new Account()));
      throwsWith('STATE_VALUE_UNSUPPORTED', () => backend.mapState('map').put('x', new Account()));
      assert.equal(backend.size(), 0);
    },
  },
];

export const keyedStateContract: Contract<KeyedStateFixture> = [
  ...stateCases,
  ...keyedStateNamespaceCases,
  ...keyedStateTimerCases,
  ...keyedStateTtlCases,
  ...keyedStateVersionCases,
  ...keyedStateSnapshotCases,
];
