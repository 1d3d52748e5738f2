/** From which watermarks the subtasks of a job go on. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { OperatorId, VertexId } from '../../core/ids.js';
import { executionVertexId } from '../../graph/execution-graph.js';
import { restoredWatermarks } from '../../graph/restored-watermarks.js';
import type { JobGraph } from '../../graph/types.js';

const test = suite('restored watermarks');
const id = 'window' as OperatorId;
const vertexId = 'v' as VertexId;

/** What a former subtask had come to: a watermark, nothing yet, or its end. */
type Former = number | undefined | 'finished';

/** What the subtasks of `parallelism` go on from, after those of `former`. */
function restored(former: readonly Former[], parallelism: number): readonly (number | undefined)[] {
  const tasks = former.map((time, subtaskIndex) => ({
    vertexId,
    subtaskIndex,
    operators: [{ operatorId: id, keyed: [], operatorState: null, ...(typeof time === 'number' ? { watermark: time } : {}) }],
    isFinished: time === 'finished',
    stateBytes: 0,
  }));
  const jobGraph = { vertices: [{ id: vertexId, parallelism, operators: [{ id }] }] } as unknown as JobGraph;
  const watermarks = restoredWatermarks({ jobGraph, tasks, vertices: [{ vertexId, parallelism: former.length, maxParallelism: 128 }] });
  return Array.from({ length: parallelism }, (_, subtask) => watermarks.get(executionVertexId(vertexId, subtask))?.[id]);
}

const cases: readonly (readonly [what: string, former: readonly Former[], to: number, expected: readonly (number | undefined)[]])[] = [
  ['the same parallelism: its own', [10, 20], 2, [10, 20]],
  ['the same parallelism: one that had come nowhere, or to its end, begins', [undefined, 20, 'finished'], 3, [undefined, 20, undefined]],
  ['more subtasks: the lowest, also for those without state', [10, 20], 3, [10, 10, 10]],
  ['fewer subtasks: the lowest', [30, 10, 20], 2, [10, 10]],
  ['a subtask at its end says nothing of the others', ['finished', 20, 30], 2, [20, 20]],
  ['one that had come nowhere holds all', [undefined, 20], 3, [undefined, undefined, undefined]],
  ['all at their end: nothing', ['finished', 'finished'], 3, [undefined, undefined, undefined]],
  ['a checkpoint that knows of no watermarks: nothing', [undefined, undefined], 3, [undefined, undefined, undefined]],
  ['before 1970, and 0, are times', [0, -5], 1, [-5]],
];

for (const [what, former, to, expected] of cases) {
  test(`${what} (RW1, RW2)`, () => assert.equal(restored(former, to), expected));
}

test('operators are told apart, whatever vertex they were in', () => {
  const operators = ['a', 'b'].map((name) => ({ id: name as OperatorId }));
  const jobGraph = { vertices: [{ id: vertexId, parallelism: 1, operators }] } as unknown as JobGraph;
  const taskOf = (of: string, operatorId: string, watermark: number) => ({
    vertexId: of as VertexId,
    subtaskIndex: 0,
    operators: [{ operatorId: operatorId as OperatorId, keyed: [], operatorState: null, watermark }],
    isFinished: false,
    stateBytes: 0,
  });
  const vertices = ['x', 'y'].map((of) => ({ vertexId: of as VertexId, parallelism: 1, maxParallelism: 128 }));
  const tasks = [taskOf('x', 'a', 1), taskOf('y', 'b', 2), taskOf('y', 'gone', 3)];
  assert.equal(restoredWatermarks({ jobGraph, tasks, vertices }).get(executionVertexId(vertexId, 0)), { a: 1, b: 2 });
});

test.run();
