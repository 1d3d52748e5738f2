import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RememberedMessages } from '../../bus/remembered-messages.js';
import { limits } from '../../core/limits.js';

const test = suite('remembered messages');

const answer = Uint8Array.of(1);

test('an id is new once (R1)', () => {
  const remembered = new RememberedMessages();
  assert.is(remembered.admit('a', undefined), true);
  assert.is(remembered.admit('a', undefined), false);
  assert.is(remembered.admit('b', undefined), true);
});

test('the oldest ids are forgotten, and then count as new (R1)', () => {
  const remembered = new RememberedMessages();
  for (let index = 0; index < limits.deduplicationIdsMax; index += 1) remembered.admit(`id-${index}`, undefined);
  assert.is(remembered.admit('id-0', undefined), false);
  remembered.admit('one more', undefined);
  assert.is(remembered.admit('id-1', undefined), false);
  assert.is(remembered.admit('id-0', undefined), true);
});

test('large answers push out the oldest (R1)', () => {
  const remembered = new RememberedMessages();
  const large = new Uint8Array(limits.rememberedAnswersBytesMax / 4);
  for (let index = 0; index < 6; index += 1) {
    remembered.admit(`id-${index}`, () => undefined);
    remembered.settle(`id-${index}`, large);
  }
  assert.equal(
    [5, 4, 3, 2].map((index) => remembered.admit(`id-${index}`, () => undefined)),
    [false, false, false, false],
  );
  assert.is(
    remembered.admit('id-1', () => undefined),
    true,
  );
});

test('repeats of an ask under way wait for its answer, later ones get it at once (R2)', () => {
  const remembered = new RememberedMessages();
  const got: string[] = [];
  const respond = (name: string) => (payload: Uint8Array) => void got.push(`${name} ${payload[0]}`);
  remembered.admit('a', respond('first'));
  remembered.admit('a', respond('second'));
  assert.equal(got, []);
  for (const waiter of remembered.settle('a', answer) ?? []) waiter(answer);
  remembered.admit('a', respond('third'));
  assert.equal(got, ['first 1', 'second 1', 'third 1']);
});

test('a flood of repeats does not pile up', () => {
  const remembered = new RememberedMessages();
  for (let index = 0; index < 1_000; index += 1) remembered.admit('a', () => undefined);
  assert.ok((remembered.settle('a', answer)?.length ?? 0) <= 16);
});

test('an answer to what was forgotten meanwhile is not kept', () => {
  const remembered = new RememberedMessages();
  remembered.admit('a', () => undefined);
  for (let index = 0; index < limits.deduplicationIdsMax; index += 1) remembered.admit(`id-${index}`, undefined);
  assert.is(remembered.settle('a', answer), undefined);
});

test.run();
