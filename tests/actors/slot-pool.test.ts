import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { allocationId, sessionId, taskManagerId } from '../../core/ids.js';
import { executionVertexId } from '../../graph/execution-graph.js';
import { sharedSlotsOf } from '../../graph/slot-sharing.js';
import { vertexId } from '../../core/ids.js';
import { SlotPool, type PooledSlot } from '../../actors/scheduler/slot-pool.js';
import { testGraph } from '../support/job-graphs.js';

const test = suite('slot pool');
const slot = (name: string, on = 'tm-1'): PooledSlot => ({
  allocationId: allocationId(name),
  taskManagerId: taskManagerId(on),
  sessionId: sessionId(`${on}-s`),
  slot: 0,
});
const pool = (parallelism = 2): SlotPool => new SlotPool(sharedSlotsOf(testGraph({ parallelism })));
const subtask = (vertex: string, index: number) => executionVertexId(vertexId(vertex), index);

test('a job needs as many slots as its largest parallelism, and takes no more (SP1)', () => {
  const slots = pool();
  assert.is(slots.required, 2);
  assert.equal(slots.offer([slot('a'), slot('b'), slot('c')]), ['a', 'b']);
  assert.is(slots.held, 2);
});

test('an offer that was accepted is accepted again and takes no second place (SP1)', () => {
  const slots = pool();
  slots.offer([slot('a')]);
  assert.equal(slots.offer([slot('a')]), ['a']);
  assert.is(slots.held, 1);
});

test('subtask i of every vertex is in the same slot', () => {
  const slots = pool();
  slots.offer([slot('a'), slot('b')]);
  assert.is(slots.slotOf(subtask('numbers', 1)), slots.slotOf(subtask('count', 1)));
  assert.is.not(slots.slotOf(subtask('numbers', 0)), slots.slotOf(subtask('numbers', 1)));
});

test('losing slots names the subtasks of their places, and the others keep theirs (SP2)', () => {
  const slots = pool();
  slots.offer([slot('a'), slot('b', 'tm-2')]);
  assert.equal(
    slots.lose(({ allocationId: id }) => id === 'b'),
    [subtask('numbers', 1), subtask('count', 1)],
  );
  assert.is(slots.slotOf(subtask('count', 0))?.allocationId, 'a');
  assert.not(slots.hasSlotsFor([subtask('count', 1)]));
  assert.ok(slots.hasSlotsFor([subtask('count', 0)]));
});

test('a place takes a slot of the TaskManager it was on before one of another (SP2)', () => {
  const slots = pool();
  slots.offer([slot('a', 'tm-1'), slot('b', 'tm-2')]);
  slots.lose(() => true);
  slots.offer([slot('c', 'tm-2'), slot('d', 'tm-3')]);
  assert.is(slots.slotOf(subtask('count', 1))?.allocationId, 'c');
  assert.is(slots.slotOf(subtask('count', 0))?.allocationId, 'd');
});

test.run();
