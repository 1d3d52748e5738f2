import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AllocationId, AttemptId, SessionId } from '../../core/ids.js';
import type { TaskState } from '../../bus/protocol/schemas.js';
import { Reconciliation, type Beliefs } from '../../actors/scheduler/reconciliation.js';

const test = suite('reconciliation');
const a = 'a' as AttemptId;
const b = 'b' as AttemptId;
const slot = 'slot' as AllocationId;
const beliefs = (attempts: readonly { id: AttemptId; sinceBeat: number }[], allocations: Beliefs['allocations'] = []): Beliefs => ({
  attempts,
  allocations,
  known: new Set(attempts.map(({ id }) => id)),
});
const answer = (attempts: Record<string, TaskState>, allocations: readonly AllocationId[] = []) => ({
  sessionId: 's' as SessionId,
  allocations: [...allocations],
  attempts: Object.entries(attempts).map(([attemptId, state]) => ({ attemptId: attemptId as AttemptId, state })),
});

test('what is missing is believed on the second answer in a row, not on the first (RC2)', () => {
  const reconciliation = new Reconciliation();
  const expected = beliefs([{ id: a, sinceBeat: 0 }], [{ id: slot, sinceBeat: 0 }]);
  assert.equal(reconciliation.compare(0, expected, answer({}))?.missingAttempts, []);
  const second = reconciliation.compare(1, expected, answer({}));
  assert.equal(second?.missingAttempts, [a]);
  assert.equal(second?.lostAllocations, [slot]);
});

test('what was there in between is not missing twice in a row (RC2)', () => {
  const reconciliation = new Reconciliation();
  const expected = beliefs([{ id: a, sinceBeat: 0 }]);
  reconciliation.compare(0, expected, answer({}));
  reconciliation.compare(1, expected, answer({ a: 'RUNNING' }));
  assert.equal(reconciliation.compare(2, expected, answer({}))?.missingAttempts, []);
});

test('an answer proves nothing about what was accepted after its heartbeat was sent (RC1)', () => {
  const reconciliation = new Reconciliation();
  const expected = beliefs([{ id: a, sinceBeat: 2 }]);
  for (const beat of [0, 1, 2]) assert.equal(reconciliation.compare(beat, expected, answer({}))?.missingAttempts, []);
  assert.equal(reconciliation.compare(3, expected, answer({}))?.missingAttempts, [a]);
});

test('an answer that was overtaken is ignored (RC4)', () => {
  const reconciliation = new Reconciliation();
  reconciliation.compare(5, beliefs([]), answer({}));
  assert.is(reconciliation.compare(4, beliefs([]), answer({ b: 'RUNNING' })), undefined);
});

test('what is there but not known is found at once, unless it has ended', () => {
  const found = new Reconciliation().compare(0, beliefs([]), answer({ a: 'RUNNING', b: 'FAILED' }));
  assert.equal(found?.unknownAttempts, [a]);
});

test('progress is believed at once, an end on the second answer (RC3)', () => {
  const reconciliation = new Reconciliation();
  const expected = beliefs([
    { id: a, sinceBeat: 0 },
    { id: b, sinceBeat: 0 },
  ]);
  assert.equal(reconciliation.compare(0, expected, answer({ a: 'RUNNING', b: 'FAILED' }))?.states, [{ attemptId: a, state: 'RUNNING' }]);
  assert.equal(reconciliation.compare(1, expected, answer({ a: 'RUNNING', b: 'FAILED' }))?.states.length, 2);
});

test('FINISHED is never taken from an answer (RC3)', () => {
  const reconciliation = new Reconciliation();
  for (let beat = 0; beat < 5; beat += 1) {
    assert.equal(reconciliation.compare(beat, beliefs([{ id: a, sinceBeat: 0 }]), answer({ a: 'FINISHED' }))?.states, []);
  }
});

test.run();
