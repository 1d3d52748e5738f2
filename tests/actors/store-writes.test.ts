/** Writes that are repeated, against a store that refuses them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { StoreWrites } from '../../actors/job-manager/store-writes.js';
import { MillraceError } from '../../core/errors.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { silentLogger } from '../support/silent-logger.js';

const test = suite('store writes');

function writesUnderTest() {
  const clock = new ManualClock();
  let fenced = 0;
  const writes = new StoreWrites({ clock, logger: silentLogger, onFenced: () => (fenced += 1) });
  return { clock, writes, fenced: () => fenced };
}

/** Refuses the first tries. */
function refusing(times: number, error: Error = new Error('the store is silent')) {
  let tries = 0;
  const write = async (): Promise<void> => {
    tries += 1;
    if (tries <= times) throw error;
  };
  return { write, tries: () => tries };
}

test('a write is repeated until the store takes it', async () => {
  const { clock, writes } = writesUnderTest();
  const { write, tries } = refusing(2);
  const done = writes.persist('write it', write);
  for (let retry = 0; retry < 2; retry += 1) {
    await settle();
    clock.advance(500);
  }
  await done;
  assert.is(tries(), 3);
});

test('nothing is tried again after the stop, and nothing that was put off happens (SW1)', async () => {
  const { clock, writes } = writesUnderTest();
  const { write, tries } = refusing(1);
  let happened = false;
  writes.later(100, () => (happened = true));
  const done = writes.persist('write it', write);
  await settle();
  writes.stop();
  await done;
  clock.advance(10_000);
  await settle();
  assert.is(tries(), 1);
  assert.not(happened);
  await writes.persist('write something else', () => Promise.reject(new Error('was tried')));
});

test('a fenced write is not repeated, and the process is told to step down (SW2)', async () => {
  const { writes, fenced } = writesUnderTest();
  const { write, tries } = refusing(5, new MillraceError('FENCED', 'a later leader exists'));
  await writes.persist('write it', write);
  assert.is(tries(), 1);
  assert.is(fenced(), 1);
  assert.not(writes.noteFenced(new Error('something else')));
  assert.is(fenced(), 1);
});

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test.run();
