import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { jobId, taskManagerId } from '../../core/ids.js';
import { matchSlots } from '../../actors/resource-manager/slot-matching.js';

const test = suite('slot matching');
const [a, b] = [jobId('a'), jobId('b')];
const manager = (name: string, free: number[], total = free.length) => ({ taskManagerId: taskManagerId(name), free, total });

function given(matches: readonly { jobId: string; taskManagerId: string; slot: number }[]): string[] {
  return matches.map((match) => `${match.jobId} ${match.taskManagerId}/${match.slot}`);
}

test('slots are spread evenly over TaskManagers (SM2)', () => {
  const { matches } = matchSlots([{ jobId: a, required: 4, held: 0 }], [manager('one', [0, 1, 2, 3]), manager('two', [0, 1, 2, 3])]);
  assert.equal(given(matches), ['a one/0', 'a two/0', 'a one/1', 'a two/1']);
});

test('a TaskManager with more slots takes more, by its share in use (SM2)', () => {
  const { matches } = matchSlots([{ jobId: a, required: 3, held: 0 }], [manager('small', [0, 1]), manager('big', [0, 1, 2, 3])]);
  assert.equal(given(matches), ['a small/0', 'a big/0', 'a big/1']);
});

test('the fuller TaskManager is spared (SM2)', () => {
  const { matches } = matchSlots([{ jobId: a, required: 1, held: 0 }], [manager('busy', [3], 4), manager('idle', [0, 1], 2)]);
  assert.equal(given(matches), ['a idle/0']);
});

test('jobs are served in order, none gets more than it requires, and what is short is told (SM1)', () => {
  const { matches, shortages } = matchSlots(
    [
      { jobId: a, required: 3, held: 2 },
      { jobId: b, required: 4, held: 1 },
    ],
    [manager('one', [0, 1])],
  );
  assert.equal(given(matches), ['a one/0', 'b one/1']);
  assert.equal(shortages, [{ jobId: b, required: 4, available: 2 }]);
});

test.run();
