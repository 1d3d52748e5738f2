/** What the tasks of a job wait for is told with how the job stands. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unsettledCallsOf } from '../../actors/scheduler/unsettled-calls.js';
import { noTaskMetrics } from '../../bus/protocol/messages/tasks.js';
import { limits } from '../../core/limits.js';

const test = suite('unsettled calls');

const execution = (name: string, forMs: number | undefined, isTerminal = false) => ({
  name,
  isTerminal,
  metrics: forMs === undefined ? noTaskMetrics : { ...noTaskMetrics, unsettled: { operator: 'lookup', call: 'open', forMs } },
});

test('the oldest come first, of attempts that live; of many, as many as are shown', () => {
  assert.equal(unsettledCallsOf([execution('a', undefined), execution('b', 20_000, true)]), {});
  const told = unsettledCallsOf([execution('a', 11_000), execution('b', undefined), execution('c', 12_000), execution('d', 99_000, true)]);
  assert.equal(told, {
    unsettled: [
      { task: 'c', operator: 'lookup', call: 'open', forMs: 12_000 },
      { task: 'a', operator: 'lookup', call: 'open', forMs: 11_000 },
    ],
  });
  const many = Array.from({ length: 100 }, (_, index) => execution(`task ${index}`, 10_000 + index));
  const { unsettled = [] } = unsettledCallsOf(many);
  assert.is(unsettled.length, limits.unsettledShown);
  assert.is(unsettled[0]?.task, 'task 99');
});

test.run();
