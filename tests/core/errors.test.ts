import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { explainError, fromErrorRecord, MillraceError, toErrorRecord } from '../../core/errors.js';

const test = suite('errors');

const refused = new Error('connect ECONNREFUSED 127.0.0.1:4222');
refused.stack = 'Error: connect ECONNREFUSED 127.0.0.1:4222\n    at TCPConnectWrap.afterConnect (node:net:1637:16)';
const error = new MillraceError('BUS_UNREACHABLE', 'no NATS server answers', {
  domain: 'external',
  recovery: 'retry',
  where: 'nats://127.0.0.1:4222',
  hint: 'Start one, or name another with --nats.',
  cause: refused,
});

test('an error survives the bus: code, domain, recovery, place, hint and cause are the same on the other side', () => {
  const record = toErrorRecord(error);
  const copy = fromErrorRecord(JSON.parse(JSON.stringify(record)) as typeof record);
  assert.equal(toErrorRecord(copy), record);
});

test('the explanation names place, message, code, next step and cause, and no stack', () => {
  assert.is(
    explainError(toErrorRecord(error)),
    'nats://127.0.0.1:4222: no NATS server answers [BUS_UNREACHABLE] Start one, or name another with --nats.' +
      ' Caused by: Error: connect ECONNREFUSED 127.0.0.1:4222',
  );
});

test('nothing is said twice: a place or a cause that the message names is left out', () => {
  const cause = new Error('no space left');
  cause.stack = 'Error: no space left\n    at async open (node:internal/fs/promises:740:8)\n    at run (file:///home/me/job.ts:3:4)';
  const full = new MillraceError('DISK_FULL', '/data/x cannot be written: no space left', { where: '/data/x', cause });
  assert.is(
    explainError(toErrorRecord(full)),
    '/data/x cannot be written: no space left [DISK_FULL] It was thrown at /home/me/job.ts:3:4.',
  );
});

test('an error that is not ours is explained with the line of user code, not of Node, packages or Millrace', () => {
  const thrown = new TypeError('x is not a function');
  const ours = new URL('../../dataflow/task.js', import.meta.url).href;
  thrown.stack = `TypeError: x is not a function\n    at ${ours}:1:1\n    at f (/a/node_modules/b/c.js:2:2)\n    at async /home/me/job.ts:7:9`;
  assert.is(explainError(toErrorRecord(thrown)), 'TypeError: x is not a function (at /home/me/job.ts:7:9)');
});

test('any thrown value becomes a record, also one that refers to itself', () => {
  const loop: Record<string, unknown> = {};
  loop['self'] = loop;
  for (const thrown of [undefined, null, 1n, 'text', Symbol('s'), loop]) assert.is(toErrorRecord(thrown).code, 'UNCAUGHT');
});

test('a chain of causes that never ends is cut', () => {
  const endless = new Error('endless');
  endless.cause = endless;
  let depth = 0;
  for (let record = toErrorRecord(endless); record.cause !== undefined; record = record.cause) depth += 1;
  assert.is(depth, 5);
});

test.run();
