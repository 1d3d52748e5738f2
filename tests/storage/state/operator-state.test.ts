/** Named operator states: what they hold, and who gets what of them after a restart (SA4). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../../core/errors.js';
import type { Key } from '../../../core/keys.js';
import { executionVertexId } from '../../../graph/execution-graph.js';
import { planJob } from '../../../graph/job-plan.js';
import type { FormerTask } from '../../../graph/former-state.js';
import { assignState } from '../../../graph/state-assignment.js';
import type { JobGraph } from '../../../graph/types.js';
import type { KeyedStateHandle } from '../../../storage/contracts.js';
import { HeapOperatorState } from '../../../storage/state/operator/heap-operator-state.js';
import { ChunkShelf } from '../../support/chunk-shelf.js';
import { present } from '../../support/present.js';
import { rebalance, sketch } from '../../support/stream-graphs.js';

const test = suite('operator state');
const make = (isObjectReuse = false) => new HeapOperatorState({ operatorName: 'buffer', isObjectReuse });

function failsWith(code: string, call: () => unknown): void {
  assert.throws(call, (error: unknown) => {
    const { code: found, where, hint } = error as MillraceError;
    assert.is(found, code);
    assert.ok(where?.startsWith('buffer'), `${where} names the operator`);
    return hint !== undefined || code === 'STATE_VALUE_UNSUPPORTED';
  });
}

const jobOf = (parallelism: number): JobGraph =>
  planJob(
    sketch(
      [
        { name: 'source', uid: 'source' },
        { name: 'buffer', uid: 'buffer', parallelism, chaining: 'HEAD' },
      ],
      [['source', 'buffer', rebalance]],
    ),
  ).jobGraph;

/** Snapshots the states of every subtask, and restores them with another parallelism. */
async function redeploy(former: readonly HeapOperatorState[], parallelism: number): Promise<HeapOperatorState[]> {
  const shelf = new ChunkShelf();
  const formerGraph = jobOf(former.length);
  const vertex = present(formerGraph.vertices[1]);
  const operatorId = present(vertex.operators[0]).id;
  const tasks: FormerTask<KeyedStateHandle>[] = [];
  for (const [subtaskIndex, state] of former.entries()) {
    const operators = [{ operatorId, keyed: [], operatorState: null, states: await state.snapshot(shelf.write) }];
    tasks.push({ vertexId: vertex.id, subtaskIndex, operators, isFinished: false, stateBytes: 0 });
  }
  const vertices = formerGraph.vertices.map(({ id, parallelism: width, maxParallelism }) => ({
    vertexId: id,
    parallelism: width,
    maxParallelism,
  }));
  const jobGraph = jobOf(parallelism);
  const assigned = assignState({ jobGraph, tasks, vertices });
  const restored = Array.from({ length: parallelism }, () => make());
  for (const [subtaskIndex, state] of restored.entries()) {
    const parts = assigned.get(executionVertexId(present(jobGraph.vertices[1]).id, subtaskIndex)) ?? [];
    await state.restore(
      parts.flatMap((part) => part.operators.flatMap((operator) => operator.states ?? [])),
      shelf.read,
    );
  }
  return restored;
}

const lists = (states: readonly HeapOperatorState[], of: 'listState' | 'unionListState') =>
  states.map((state) => state[of]<string>('items').get());

const cases: readonly {
  readonly name: string;
  readonly held: readonly (readonly string[])[];
  readonly parallelism: number;
  readonly split: readonly (readonly string[])[];
}[] = [
  { name: 'the same parallelism', held: [['a', 'b', 'c'], [], ['d']], parallelism: 3, split: [['a', 'b', 'c'], [], ['d']] },
  {
    name: 'fewer subtasks',
    held: [['a', 'b', 'c'], ['d'], ['e']],
    parallelism: 2,
    split: [
      ['a', 'c', 'e'],
      ['b', 'd'],
    ],
  },
  { name: 'one subtask', held: [['a', 'b'], ['c'], ['d']], parallelism: 1, split: [['a', 'b', 'c', 'd']] },
  { name: 'more subtasks', held: [['a', 'b', 'c'], ['d']], parallelism: 3, split: [['a', 'd'], ['b'], ['c']] },
  { name: 'more subtasks than elements', held: [['a']], parallelism: 3, split: [['a'], [], []] },
  { name: 'a former subtask without any', held: [[], ['a', 'b'], []], parallelism: 2, split: [['a'], ['b']] },
];
for (const { name, held, parallelism, split } of cases) {
  test(`${name}: the elements of a list go round robin, each to one subtask; a union list goes to all (SA4, OS3)`, async () => {
    const former = held.map((items) => {
      const state = make();
      state.listState<string>('items').addAll(items);
      return state;
    });
    assert.equal(lists(await redeploy(former, parallelism), 'listState'), split);
    const unions = held.map((items) => {
      const state = make();
      state.unionListState<string>('items').addAll(items);
      return state;
    });
    const all = held.flat();
    assert.equal(
      lists(await redeploy(unions, parallelism), 'unionListState'),
      Array.from({ length: parallelism }, () => all),
    );
  });
}

test('each new subtask gets one copy of a broadcast state, its own where it had one (SA4)', async () => {
  const former = [0, 1].map((subtask) => {
    const state = make();
    const map = state.broadcastState<Key, unknown>('rules');
    map.put(['a', 1], { limit: 1 });
    map.put('subtask', subtask);
    return state;
  });
  for (const [parallelism, from] of [
    [2, [0, 1]],
    [1, [0]],
    [5, [0, 1, 0, 1, 0]],
  ] as const) {
    const restored = await redeploy(former, parallelism);
    assert.equal(
      restored.map((state) => state.broadcastState('rules').get('subtask')),
      [...from],
    );
    for (const state of restored) assert.equal(state.broadcastState('rules').get(['a', 1]), { limit: 1 });
  }
});

test('ten thousand elements survive scaling in and out, each exactly once, in more chunks than one', async () => {
  const former = [make(), make(), make()];
  for (let index = 0; index < 10_000; index += 1) {
    present(former[index % 3])
      .listState<{ n: number; text: string }>('items')
      .add({ n: index, text: 'x'.repeat(200) });
  }
  let states = former;
  for (const parallelism of [2, 7, 1]) states = await redeploy(states, parallelism);
  const numbers = present(states[0])
    .listState<{ n: number }>('items')
    .get()
    .map(({ n }) => n);
  assert.equal(
    numbers.toSorted((left, right) => left - right),
    Array.from({ length: 10_000 }, (_, index) => index),
  );
});

test('a snapshot holds what was there when it was asked for (OS1)', async () => {
  const shelf = new ChunkShelf();
  const state = make();
  const list = state.listState<{ n: number }>('items');
  const map = state.broadcastState<string, { n: number }>('rules');
  list.add({ n: 1 });
  map.put('a', { n: 1 });
  const snapshot = state.snapshot(shelf.write);
  list.add({ n: 2 });
  for (const item of list.get()) item.n = 5;
  map.put('a', { n: 2 });
  map.put('b', { n: 3 });
  const restored = make();
  await restored.restore(await snapshot, shelf.read);
  assert.equal(restored.listState('items').get(), [{ n: 1 }]);
  assert.equal([...restored.broadcastState('rules').entries()], [['a', { n: 1 }]]);
});

test('what was restored and not asked for is in the next snapshot (OS2); an empty state is not', async () => {
  const shelf = new ChunkShelf();
  const state = make();
  state.listState<number>('kept').add(1);
  state.listState<number>('empty');
  const handles = await state.snapshot(shelf.write);
  assert.equal(
    handles.map(({ name, mode, items }) => [name, mode, items]),
    [['kept', 'split', 1]],
  );
  const next = make();
  await next.restore(handles, shelf.read);
  const last = make();
  await last.restore(await next.snapshot(shelf.write), shelf.read);
  assert.equal(last.listState('kept').get(), [1]);
});

test('an array that was handed out does not change; what is put is copied, unless objects are reused', () => {
  const state = make();
  const list = state.listState<{ n: number }>('items');
  const put = { n: 1 };
  list.add(put);
  const first = list.get();
  list.addAll([put, put]);
  put.n = 2;
  assert.equal(first, [{ n: 1 }]);
  assert.equal(list.get(), [{ n: 1 }, { n: 1 }, { n: 1 }]);
  list.update(new Set([put]));
  assert.equal(list.get(), [{ n: 2 }]);
  list.clear();
  assert.equal(list.get(), []);
  const reused = make(true).listState<{ n: number }>('items');
  reused.add(put);
  assert.is(reused.get()[0], put);
});

test('a broadcast state is a map by content of its keys', () => {
  const map = make().broadcastState<Key, number>('rules');
  assert.ok(map.isEmpty());
  map.put('x', 1);
  map.put(['x'], 2);
  map.put(['x'], 3);
  assert.equal(
    [...map.entries()],
    [
      ['x', 1],
      [['x'], 3],
    ],
  );
  assert.equal(
    [[...map.keys()], [...map.values()]],
    [
      ['x', ['x']],
      [1, 3],
    ],
  );
  map.remove('x');
  assert.not(map.has('x'));
  assert.ok(map.has(['x']));
  map.put(['x'], undefined as never);
  assert.ok(map.isEmpty());
  map.put('y', 1);
  map.clear();
  assert.is(map.get('y'), undefined);
});

test('one name is one kind of state, and values must be plain; errors name operator and state', () => {
  const state = make();
  state.listState('items');
  failsWith('STATE_KIND_CLASH', () => state.unionListState('items'));
  failsWith('STATE_KIND_CLASH', () => state.broadcastState('items'));
  failsWith('STATE_VALUE_UNSUPPORTED', () => state.listState('items').add(() => 1));
  failsWith('STATE_VALUE_UNSUPPORTED', () => state.broadcastState('rules').put('a', () => 1));
  const reused = make(true);
  reused.listState('items').add(() => 1);
  failsWith('STATE_VALUE_UNSUPPORTED', () => void reused.snapshot(new ChunkShelf().write));
});

test('a chunk of another format is refused by name', async () => {
  const shelf = new ChunkShelf();
  const chunks = [await shelf.write(Uint8Array.of(0x81, 0x81, 0x07))];
  let code: string | undefined;
  await make()
    .restore([{ name: 'items', mode: 'split', items: 1, chunks }], shelf.read)
    .catch((error: MillraceError) => void (code = error.code));
  assert.is(code, 'STATE_UNREADABLE');
});

test.run();
