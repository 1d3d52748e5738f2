import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalKey, keyHashOf, type Key } from '../../../core/keys.js';
import { keyGroupOf, keyGroupRange } from '../../../graph/key-groups.js';
import type { KeyedStateHandle } from '../../../storage/contracts.js';
import type { StateSnapshot } from '../../../storage/state/contracts.js';
import { HeapKeyedStateBackend } from '../../../storage/state/heap/heap-keyed-state-backend.js';
import { ChunkShelf } from '../../support/chunk-shelf.js';

const test = suite('heap state against a naive model');
const maxParallelism = 8;

/** The same operations on plain data, copied whole when a snapshot is cut. */
interface Model {
  value: Map<unknown, { key: Key; value: unknown }>;
  list: Map<unknown, { key: Key; items: unknown[] }>;
  map: Map<unknown, { key: Key; cells: Map<unknown, unknown> }>;
  inNamespace: Map<string, number[]>;
  timers: Map<string, { key: Key; domain: 'event' | 'processing'; time: number; namespace: number }>;
}

type Step =
  | {
      readonly op: 'update' | 'mutate' | 'clear' | 'add' | 'list-get' | 'list-clear' | 'map-clear' | 'map-iterate';
      readonly key: Key;
      readonly n: number;
    }
  | { readonly op: 'map-put' | 'map-get' | 'map-remove'; readonly key: Key; readonly n: number; readonly field: Key }
  | {
      readonly op: 'timer' | 'timer-delete';
      readonly key: Key;
      readonly n: number;
      readonly domain: 'event' | 'processing';
      readonly namespace: number;
    }
  | { readonly op: 'in-namespace' | 'clear-namespace'; readonly key: Key; readonly n: number; readonly namespace: number }
  | { readonly op: 'poll'; readonly n: number; readonly domain: 'event' | 'processing' }
  | { readonly op: 'snapshot' }
  | { readonly op: 'advance'; readonly n: number };

const keys: fc.Arbitrary<Key> = fc.constantFrom<Key[]>(
  'a',
  'b',
  'c',
  '\u0000x',
  '\ud800',
  1,
  2,
  -7,
  1n,
  null,
  true,
  ['a', 1],
  { x: 1, y: 'z' },
  { '\udc00': 'q' },
);
const n = fc.nat({ max: 5 });
const namespace = fc.constantFrom(0, 7, 2 ** 40);
const domain = fc.constantFrom('event' as const, 'processing' as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constantFrom('update' as const, 'mutate' as const, 'clear' as const), key: keys, n }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constantFrom('add' as const, 'list-get' as const, 'list-clear' as const), key: keys, n }) },
  {
    weight: 8,
    arbitrary: fc.record({ op: fc.constantFrom('map-put' as const, 'map-get' as const, 'map-remove' as const), key: keys, n, field: keys }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom('map-clear' as const, 'map-iterate' as const), key: keys, n }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constantFrom('timer' as const, 'timer-delete' as const), key: keys, n, domain, namespace }) },
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constantFrom('in-namespace' as const, 'clear-namespace' as const), key: keys, n, namespace }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('poll' as const), n, domain }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('snapshot' as const) }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('advance' as const), n }) },
);

class Subject {
  readonly backend: HeapKeyedStateBackend;
  readonly value;
  readonly list;
  readonly map;
  readonly inNamespace;
  readonly model: Model = { value: new Map(), list: new Map(), map: new Map(), inNamespace: new Map(), timers: new Map() };

  constructor(range = { start: 0, end: maxParallelism - 1 }) {
    this.backend = new HeapKeyedStateBackend({ keyGroups: range, maxParallelism, operatorName: 'op', isStrict: true });
    this.value = this.backend.valueState<{ n: number[] }>('value');
    this.list = this.backend.listState<{ n: number }>('list');
    this.map = this.backend.mapState<Key, { n: number }>('map');
    this.inNamespace = this.backend.valueState<number[]>('in namespace', { isNamespaced: true });
  }

  apply(step: Exclude<Step, { op: 'snapshot' | 'advance' }>): void {
    const { model } = this;
    if (step.op === 'poll') {
      const timer = this.backend.pollTimer(step.domain, step.n);
      const due = [...model.timers.values()].filter((known) => known.domain === step.domain && known.time <= step.n);
      const earliest = Math.min(...due.map((known) => known.time));
      const next = due.filter((known) => known.time === earliest);
      assert.equal(timer, next.find((known) => known.namespace === 0) ?? next[0]);
      if (timer === undefined) return;
      model.timers.delete(timerId(timer));
      assert.equal(this.backend.currentKey(), timer.key);
      assert.equal(this.inNamespace.value(), model.inNamespace.get(idIn(timer.key, timer.namespace)));
      return;
    }
    const { key } = step;
    const id = canonicalKey(key);
    this.backend.setCurrentKey(key, keyHashOf(key));
    switch (step.op) {
      case 'update':
        this.value.update({ n: [step.n] });
        model.value.set(id, { key, value: { n: [step.n] } });
        return;
      case 'mutate': {
        const value = this.value.value();
        assert.equal(value, model.value.get(id)?.value);
        if (value === undefined) return;
        value.n.push(step.n);
        this.value.update(value);
        value.n.push(-1);
        (model.value.get(id)?.value as { n: number[] }).n.push(step.n);
        return;
      }
      case 'clear':
        this.value.clear();
        model.value.delete(id);
        return;
      case 'add': {
        this.list.add({ n: step.n });
        const known = model.list.get(id) ?? { key, items: [] };
        known.items.push({ n: step.n });
        model.list.set(id, known);
        return;
      }
      case 'list-get':
        assert.equal(this.list.get(), model.list.get(id)?.items ?? []);
        return;
      case 'list-clear':
        this.list.clear();
        model.list.delete(id);
        return;
      case 'map-put': {
        this.map.put(step.field, { n: step.n });
        const known = model.map.get(id) ?? { key, cells: new Map() };
        known.cells.set(canonicalKey(step.field), { n: step.n });
        model.map.set(id, known);
        return;
      }
      case 'map-get': {
        const value = this.map.get(step.field);
        const cells = model.map.get(id)?.cells;
        assert.equal(value, cells?.get(canonicalKey(step.field)));
        if (value === undefined) return;
        value.n += 10;
        this.map.put(step.field, value);
        (cells?.get(canonicalKey(step.field)) as { n: number }).n += 10;
        return;
      }
      case 'map-remove': {
        this.map.remove(step.field);
        const known = model.map.get(id);
        known?.cells.delete(canonicalKey(step.field));
        if (known?.cells.size === 0) model.map.delete(id);
        return;
      }
      case 'map-clear':
        this.map.clear();
        model.map.delete(id);
        return;
      case 'map-iterate':
        assert.equal(
          [...this.map.entries()].map(([field, value]) => [canonicalKey(field), value]),
          [...(model.map.get(id)?.cells ?? [])],
        );
        return;
      case 'timer':
      case 'timer-delete': {
        const timer = { key, domain: step.domain, time: step.n, namespace: step.namespace };
        if (step.op === 'timer') {
          this.backend.registerTimer(step.domain, step.n, step.namespace);
          if (!model.timers.has(timerId(timer))) model.timers.set(timerId(timer), timer);
        } else {
          this.backend.deleteTimer(step.domain, step.n, step.namespace);
          model.timers.delete(timerId(timer));
        }
        return;
      }
      case 'in-namespace': {
        this.backend.setCurrentNamespace(step.namespace);
        const numbers = this.inNamespace.value() ?? [];
        assert.equal(numbers, model.inNamespace.get(idIn(key, step.namespace)) ?? []);
        numbers.push(step.n);
        this.inNamespace.update(numbers);
        model.inNamespace.set(idIn(key, step.namespace), [...numbers]);
        return;
      }
      case 'clear-namespace':
        this.backend.setCurrentNamespace(step.namespace);
        this.inNamespace.clear();
        model.inNamespace.delete(idIn(key, step.namespace));
        return;
      default:
        step satisfies never;
    }
  }

  /** Compares everything the backend holds with a model, for the keys of its groups. */
  expect(model: Model): void {
    const owned = (key: Key) => {
      const group = keyGroupOf(key, maxParallelism);
      return group >= this.backend.keyGroups.start && group <= this.backend.keyGroups.end;
    };
    let size = 0;
    for (const key of universe) {
      if (!owned(key)) continue;
      this.backend.setCurrentKey(key, keyHashOf(key));
      const id = canonicalKey(key);
      assert.equal(this.value.value(), model.value.get(id)?.value);
      assert.equal(this.list.get(), model.list.get(id)?.items ?? []);
      const cells = [...this.map.entries()].map(([field, value]) => [canonicalKey(field), value] as const);
      assert.equal(new Map(cells), model.map.get(id)?.cells ?? new Map());
      for (const each of [0, 7, 2 ** 40]) {
        this.backend.setCurrentNamespace(each);
        assert.equal(this.inNamespace.value(), model.inNamespace.get(idIn(key, each)));
        size += model.inNamespace.has(idIn(key, each)) ? 1 : 0;
      }
      size += (model.value.has(id) ? 1 : 0) + (model.list.has(id) ? 1 : 0) + (model.map.get(id)?.cells.size ?? 0);
    }
    assert.is(this.backend.size(), size);
    for (const each of ['event', 'processing'] as const) {
      const found: string[] = [];
      for (let timer = this.backend.pollTimer(each, 100); timer !== undefined; timer = this.backend.pollTimer(each, 100)) {
        found.push(timerId(timer));
      }
      const expected = [...model.timers.values()].filter((timer) => timer.domain === each && owned(timer.key));
      assert.equal(found.sort(), expected.map(timerId).sort());
    }
  }
}

const universe: readonly Key[] = [
  'a',
  'b',
  'c',
  '\u0000x',
  '\ud800',
  1,
  2,
  -7,
  1n,
  null,
  true,
  ['a', 1],
  { x: 1, y: 'z' },
  { '\udc00': 'q' },
];
const idIn = (key: Key, of: number) => `${typeof key} ${String(canonicalKey(key))} in ${of}`;
const timerId = (timer: { readonly key: Key; readonly domain: string; readonly time: number; readonly namespace: number }) =>
  `${idIn(timer.key, timer.namespace)} ${timer.domain} ${timer.time}`;

test('a snapshot holds the state at its cut, whatever is done while it is written (HS1, HB2)', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 150 }), fc.constantFrom(1, 2, 3), async (steps, parallelism) => {
      const subject = new Subject();
      const shelf = new ChunkShelf();
      const taken: { snapshot: StateSnapshot; model: Model; handles?: readonly KeyedStateHandle[] }[] = [];
      let running: StateSnapshot | undefined;
      for (const each of steps) {
        if (each.op === 'snapshot') {
          if (running !== undefined) continue;
          running = subject.backend.snapshot(shelf.write);
          taken.push({ snapshot: running, model: structuredClone(subject.model) });
        } else if (each.op === 'advance') {
          if (running !== undefined && !running.advance(each.n)) running = undefined;
        } else {
          subject.apply(each);
        }
      }
      while (running?.advance(3) === true);
      for (const { snapshot, model } of taken) {
        const handles = await snapshot.finish();
        for (let subtask = 0; subtask < parallelism; subtask += 1) {
          const restored = new Subject(keyGroupRange(subtask, parallelism, maxParallelism));
          await restored.backend.restore(handles, shelf.read);
          restored.expect(model);
        }
        compared += 1;
      }
      subject.expect(subject.model);
    }),
    { numRuns: 300, seed: 20 },
  );
  assert.ok(compared > 100, `only ${compared} snapshots were compared`);
});

test.run();
