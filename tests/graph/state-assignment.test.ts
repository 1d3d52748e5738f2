import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { KeyGroupRange, OperatorId, VertexId } from '../../core/ids.js';
import { executionVertexId } from '../../graph/execution-graph.js';
import { planJob } from '../../graph/job-plan.js';
import { keyGroupRange } from '../../graph/key-groups.js';
import type { FormerTask, FormerVertex } from '../../graph/former-state.js';
import { assignState } from '../../graph/state-assignment.js';
import type { JobGraph } from '../../graph/types.js';
import { present } from '../support/present.js';
import { hash, sketch } from '../support/stream-graphs.js';

const test = suite('state assignment');

interface Handle {
  readonly keyGroups: KeyGroupRange;
  readonly of: string;
}

const jobOf = (
  parallelism: number,
  options: { readonly maxParallelism?: number; readonly uid?: string; readonly isSinkApart?: boolean } = {},
): JobGraph =>
  planJob(
    sketch(
      [
        { name: 'source', uid: 'source', parallelism: 2 },
        { name: 'count', uid: options.uid ?? 'count', parallelism, maxParallelism: options.maxParallelism, isKeyed: true },
        { name: 'sink', uid: 'sink', parallelism, chaining: options.isSinkApart === true ? 'HEAD' : 'ALWAYS' },
      ],
      [
        ['source', 'count', hash],
        ['count', 'sink'],
      ],
    ),
  ).jobGraph;

/** What every subtask of `graph` would leave in a checkpoint. */
function checkpointOf(graph: JobGraph): { readonly tasks: readonly FormerTask<Handle>[]; readonly vertices: readonly FormerVertex[] } {
  const tasks = graph.vertices.flatMap((vertex) =>
    Array.from({ length: vertex.parallelism }, (_, subtaskIndex): FormerTask<Handle> => ({
      vertexId: vertex.id,
      subtaskIndex,
      isFinished: false,
      stateBytes: 1,
      operators: vertex.operators.map((operator) => ({
        operatorId: operator.id,
        keyed: operator.isKeyed
          ? [{ keyGroups: keyGroupRange(subtaskIndex, vertex.parallelism, vertex.maxParallelism), of: `${operator.name}${subtaskIndex}` }]
          : [],
        operatorState: operator.isKeyed ? null : new Uint8Array([subtaskIndex]),
      })),
    })),
  );
  return { tasks, vertices: graph.vertices.map(({ id, parallelism, maxParallelism }) => ({ vertexId: id, parallelism, maxParallelism })) };
}

const operator = (graph: JobGraph, name: string): OperatorId =>
  present(graph.vertices.flatMap((vertex) => vertex.operators).find((candidate) => candidate.name === name)).id;
const vertexOf = (graph: JobGraph, name: string): VertexId =>
  present(graph.vertices.find((vertex) => vertex.operators.some((candidate) => candidate.name === name))).id;

/** For every new subtask of the operator: the keyed handles and operator states it gets. */
function sharesOf(
  graph: JobGraph,
  assigned: ReturnType<typeof assignState<Handle>>,
  name: string,
): readonly { readonly keyed: readonly string[]; readonly states: readonly number[] }[] {
  const vertex = present(graph.vertices.find(({ id }) => id === vertexOf(graph, name)));
  return Array.from({ length: vertex.parallelism }, (_, subtaskIndex) => {
    const parts = (assigned.get(executionVertexId(vertex.id, subtaskIndex)) ?? [])
      .flatMap((task) => task.operators)
      .filter((part) => part.operatorId === operator(graph, name));
    return {
      keyed: parts.flatMap((part) => part.keyed.map((handle) => handle.of)),
      states: parts.flatMap((part) => (part.operatorState === null ? [] : [...part.operatorState])),
    };
  });
}

test('with the same parallelism every subtask gets its own state back (SA2, SA3)', () => {
  const graph = jobOf(3);
  const assigned = assignState({ jobGraph: graph, ...checkpointOf(graph) });
  assert.equal(
    sharesOf(graph, assigned, 'count').map(({ keyed }) => keyed),
    [['count0'], ['count1'], ['count2']],
  );
  assert.equal(
    sharesOf(graph, assigned, 'sink').map(({ states }) => states),
    [[0], [1], [2]],
  );
  assert.equal(
    sharesOf(graph, assigned, 'source').map(({ states }) => states),
    [[0], [1]],
  );
});

test('operator state in chunks is shared out as other operator state is (SA3)', () => {
  const former = checkpointOf(jobOf(3));
  const chunked = (subtaskIndex: number) => [{ name: `sink-${subtaskIndex}`, bytes: 1, sha256: '' }];
  const tasks = former.tasks.map((task) => ({
    ...task,
    operators: task.operators.map((each) => ({ ...each, operatorState: null, operatorStateChunks: chunked(task.subtaskIndex) })),
  }));
  const graph = jobOf(2);
  const assigned = assignState({ jobGraph: graph, ...former, tasks });
  const chunksOf = (subtaskIndex: number): readonly string[] =>
    (assigned.get(executionVertexId(vertexOf(graph, 'sink'), subtaskIndex)) ?? [])
      .flatMap((task) => task.operators)
      .filter(({ operatorId }) => operatorId === operator(graph, 'sink'))
      .flatMap(({ operatorStateChunks = [] }) => operatorStateChunks.map(({ name }) => name));
  assert.equal([chunksOf(0), chunksOf(1)], [['sink-0', 'sink-2'], ['sink-1']]);
});

test('with another parallelism keyed state follows the key groups, operator state is shared out once (SA2, SA3)', () => {
  for (const [from, to] of [
    [2, 3],
    [3, 2],
    [4, 1],
    [1, 4],
    [3, 7],
    [128, 5],
  ] as const) {
    const graph = jobOf(to);
    const assigned = assignState({ jobGraph: graph, ...checkpointOf(jobOf(from, { maxParallelism: 128 })) });
    const shares = sharesOf(graph, assigned, 'count');
    for (let group = 0; group < 128; group += 1) {
      const owner = Math.floor((group * to) / 128);
      assert.ok(present(shares[owner]).keyed.includes(`count${Math.floor((group * from) / 128)}`), `group ${group} from ${from} to ${to}`);
    }
    for (const [index, { keyed }] of shares.entries()) {
      const range = keyGroupRange(index, to, 128);
      for (const name of keyed) {
        const former = keyGroupRange(Number(name.slice(5)), from, 128);
        assert.ok(former.start <= range.end && range.start <= former.end, `${name} is wanted by subtask ${index}`);
      }
    }
    const states = sharesOf(graph, assigned, 'sink').flatMap((share) => share.states);
    assert.equal(
      [...states].sort((left, right) => left - right),
      Array.from({ length: from }, (_, index) => index),
    );
  }
});

test('state follows its operator into another chain (SA1)', () => {
  const graph = jobOf(2, { isSinkApart: true });
  const assigned = assignState({ jobGraph: graph, ...checkpointOf(jobOf(2)) });
  assert.is.not(vertexOf(graph, 'sink'), vertexOf(graph, 'count'));
  assert.equal(
    sharesOf(graph, assigned, 'count').map(({ keyed }) => keyed),
    [['count0'], ['count1']],
  );
  assert.equal(
    sharesOf(graph, assigned, 'sink').map(({ states }) => states),
    [[0], [1]],
  );
  for (const parts of assigned.values()) for (const part of parts) assert.is(part.operators.length, 1);
});

test('a subtask learns that its former self had finished', () => {
  const graph = jobOf(2);
  const { tasks, vertices } = checkpointOf(graph);
  const assigned = assignState({
    jobGraph: graph,
    vertices,
    tasks: tasks.map((task) => ({ ...task, isFinished: task.subtaskIndex === 1 })),
  });
  assert.equal(
    assigned.get(executionVertexId(vertexOf(graph, 'count'), 0))?.map((part) => part.isFinished),
    [false],
  );
  assert.equal(
    assigned.get(executionVertexId(vertexOf(graph, 'count'), 1))?.map((part) => part.isFinished),
    [true],
  );
});

test('an operator that is new starts empty', () => {
  const graph = jobOf(2, { uid: 'brand new' });
  const { tasks, vertices } = checkpointOf(jobOf(2));
  const assigned = assignState({ jobGraph: graph, tasks, vertices, isNonRestoredAllowed: true });
  assert.equal(
    sharesOf(graph, assigned, 'count').map(({ keyed }) => keyed),
    [[], []],
  );
});

test('state that nobody wants is refused by the id of its operator, unless leaving it was allowed (SA4)', () => {
  const former = checkpointOf(jobOf(2));
  const graph = jobOf(2, { uid: 'renamed' });
  assert.throws(
    () => assignState({ jobGraph: graph, ...former }),
    (error: { code: string; message: string }) => error.code === 'STATE_UNMAPPED' && error.message.includes(operator(jobOf(2), 'count')),
  );
  assignState({ jobGraph: graph, ...former, isNonRestoredAllowed: true });
});

test('an operator that left no state may go (SA4)', () => {
  const former = checkpointOf(jobOf(2));
  const tasks = former.tasks.map((task) => ({ ...task, operators: task.operators.map((part) => ({ ...part, keyed: [] })) }));
  assignState({ jobGraph: jobOf(2, { uid: 'renamed' }), vertices: former.vertices, tasks });
});

test('keyed state of another maximum parallelism is refused', () => {
  assert.throws(
    () => assignState({ jobGraph: jobOf(2, { maxParallelism: 64 }), ...checkpointOf(jobOf(2)) }),
    (error: { code: string; hint: string }) => error.code === 'MAX_PARALLELISM_CHANGED' && /setMaxParallelism\(128\)/.test(error.hint),
  );
});

test.run();
