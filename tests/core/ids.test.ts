import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { attemptNumber, formatAttemptId, isSubjectToken, jobId, leaderEpoch, parseAttemptId, vertexId } from '../../core/ids.js';

const test = suite('ids');

test('no id can widen a subscription or add a token to a subject', () => {
  for (const text of ['', '*', '>', 'a.b', 'a b', 'a\n', 'ä', 'x'.repeat(129)]) {
    assert.not(isSubjectToken(text), JSON.stringify(text));
    assert.throws(() => jobId(text), /is not a job id/);
  }
  assert.is(jobId('0f-A_z'), '0f-A_z');
});

test('an attempt id gives back its parts, also when the vertex id itself looks like one', () => {
  for (const vertex of ['a', 'a_1_2_3', '0']) {
    const parts = { vertexId: vertexId(vertex), subtaskIndex: 12, leaderEpoch: leaderEpoch(3), attemptNumber: attemptNumber(0) };
    assert.equal(parseAttemptId(formatAttemptId(parts)), parts);
  }
  assert.throws(() => parseAttemptId('a_1_2'), /is not an attempt id/);
});

test('numbers that count refuse fractions, negatives and what is no number', () => {
  for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53]) assert.throws(() => leaderEpoch(value), /is not a leader epoch/);
});

test.run();
