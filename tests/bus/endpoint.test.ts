import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decode, encode } from '../../bus/codec/cbor.js';
import { createEndpoint } from '../../bus/endpoint.js';
import type { Envelope } from '../../bus/endpoint-contract.js';
import { systemClock, systemRandom } from '../../cluster/adapters/system-clock.js';
import { MillraceError } from '../../core/errors.js';
import type { LeaderEpoch } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import { codeOf, describe, envelope, failureOf, jobManager, outcome, subjects, world } from '../support/endpoints.js';
import { silentLogger } from '../support/silent-logger.js';
import { deferred, eventually } from '../support/within.js';

const test = suite('endpoint');

test('a message to an address served here goes past the bus, later, through the same checks, as a copy (E2)', async () => {
  const { raw, endpoint } = world();
  const overheard: string[] = [];
  raw.subscribe('>', (message) => void overheard.push(message.subject));
  const both = endpoint('both');
  const received = deferred<{ reason: string; slots?: number[] }>();
  const steps: string[] = [];
  both.serve(
    { kind: 'resource-manager' },
    {
      handlers: {
        'task-manager.disconnected': (body) => {
          steps.push('handled');
          received.resolve(body);
        },
      },
      fence: (message) => (message.leaderEpoch < 2 ? 'old' : undefined),
    },
  );
  const body = { taskManagerId: 'tm' as never, sessionId: 's' as never, reason: 'gone' };
  both.tell({ kind: 'resource-manager' }, 'task-manager.disconnected', body, { leaderEpoch: 1 as LeaderEpoch });
  both.tell({ kind: 'resource-manager' }, 'task-manager.disconnected', body, { leaderEpoch: 2 as LeaderEpoch });
  steps.push('told');
  const got = await received.promise;
  assert.equal(steps, ['told', 'handled']);
  assert.equal(got, body);
  assert.is.not(got, body);
  assert.is(both.deadLetters().counts['fenced'], 1);
  await raw.flush();
  assert.equal(overheard, []);
});

test('a broadcast reaches those who listen here and elsewhere, each once', async () => {
  const { raw, endpoint } = world();
  const seen: string[] = [];
  const endpoints = ['a', 'b', 'c'].map((name) => {
    const each = endpoint(name);
    each.serve({ kind: 'leader-events' }, { handlers: { 'leader.announced': (body) => void seen.push(`${name} ${body.holder}`) } });
    return each;
  });
  endpoints[0]?.tell({ kind: 'leader-events' }, 'leader.announced', { holder: 'x' });
  await raw.flush();
  assert.equal(seen.sort(), ['a x', 'b x', 'c x']);
});

test('two services that hear the same broadcast do not share its body', async () => {
  const { raw, endpoint } = world();
  const both = endpoint('both');
  const bodies: object[] = [];
  for (let index = 0; index < 2; index += 1) {
    both.serve({ kind: 'leader-events' }, { handlers: { 'leader.announced': (body) => void bodies.push(body) } });
  }
  both.tell({ kind: 'leader-events' }, 'leader.announced', { holder: 'x' });
  await raw.flush();
  assert.equal(bodies, [{ holder: 'x' }, { holder: 'x' }]);
  assert.is.not(bodies[0], bodies[1]);
});

test('two services of one address each get their own messages; the address is free when both have stopped', async () => {
  const { endpoint } = world();
  const served = endpoint('served');
  const asker = endpoint('asker');
  const first = served.serve(jobManager, { handlers: { 'job.list': () => ({ jobs: [] }) } });
  const second = served.serve(jobManager, { handlers: { 'job.describe': () => ({ kind: 'unknown' }) } });
  assert.equal(await asker.ask(jobManager, 'job.list', {}), { jobs: [] });
  assert.equal(await asker.ask(jobManager, 'job.describe', describe), { kind: 'unknown' });
  first.stop();
  first.stop();
  assert.is(codeOf(await outcome(asker.ask(jobManager, 'job.list', {}))), 'MESSAGE_NOT_ADDRESSED');
  assert.equal(await asker.ask(jobManager, 'job.describe', describe), { kind: 'unknown' });
  second.stop();
  assert.is(failureOf(await outcome(asker.ask(jobManager, 'job.describe', describe))), 'no-responders');
  assert.is(failureOf(await outcome(served.ask(jobManager, 'job.describe', describe))), 'no-responders');
});

for (const where of ['elsewhere', 'here'] as const) {
  test(`an ask tried again reaches the handler once and gets its answer, served ${where} (E3)`, async () => {
    const { endpoint } = world();
    const served = endpoint('served');
    const asker = where === 'here' ? served : endpoint('asker');
    const release = deferred();
    const ids: string[] = [];
    served.serve(jobManager, {
      handlers: {
        'job.describe': async (_, message) => {
          ids.push(message.id);
          await release.promise;
          return { kind: 'unknown' };
        },
      },
    });
    const answer = asker.ask(jobManager, 'job.describe', describe, { timeoutMs: 40, attempts: 5, retryDelayMs: 1 });
    await eventually(5_000, () => served.deadLetters().counts['duplicate'], 'a second try');
    release.resolve();
    assert.equal(await answer, { kind: 'unknown' });
    assert.is(ids.length, 1);
  });
}

test('a duplicate of an answered ask gets the remembered answer; of a tell, nothing happens (E3)', async () => {
  const { raw, endpoint } = world();
  const served = endpoint('served');
  let calls = 0;
  const heard: string[] = [];
  served.serve(jobManager, { handlers: { 'job.list': () => ((calls += 1), { jobs: [] }) } });
  served.serve({ kind: 'leader-events' }, { handlers: { 'leader.announced': (body) => void heard.push(body.holder) } });
  const ask = encode(envelope({ type: 'job.list', body: {} }));
  const answers = [];
  for (let index = 0; index < 3; index += 1) answers.push(await raw.request(subjects.of(jobManager), ask, { timeoutMs: 5_000 }));
  assert.equal(answers[1], answers[0]);
  assert.equal(answers[2], answers[0]);
  assert.is(calls, 1);
  const tell = encode(envelope({ type: 'leader.announced', to: 'leader', body: { holder: 'x' } }));
  raw.publish(subjects.of({ kind: 'leader-events' }), tell);
  raw.publish(subjects.of({ kind: 'leader-events' }), tell);
  await raw.flush();
  assert.equal(heard, ['x']);
  assert.is(served.deadLetters().counts['duplicate'], 3);
});

test('a fenced message is not remembered: once the receiver has caught up, the same message passes (I2)', async () => {
  const { raw, endpoint } = world();
  const served = endpoint('served');
  let epoch = 5;
  served.serve(jobManager, {
    handlers: { 'job.list': () => ({ jobs: [] }) },
    fence: (message) => (message.leaderEpoch > epoch ? 'from the future' : undefined),
  });
  const payload = encode(envelope({ type: 'job.list', body: {}, leaderEpoch: 6 }));
  const ask = async (): Promise<boolean> =>
    (decode(await raw.request(subjects.of(jobManager), payload, { timeoutMs: 5_000 })) as { ok: boolean }).ok;
  assert.is(await ask(), false);
  epoch = 6;
  assert.is(await ask(), true);
});

test('a fence that throws fences', async () => {
  const { endpoint } = world();
  endpoint('served').serve(jobManager, {
    handlers: { 'job.list': () => ({ jobs: [] }) },
    fence: () => {
      throw new Error('broken');
    },
  });
  assert.is(codeOf(await outcome(endpoint('asker').ask(jobManager, 'job.list', {}))), 'MESSAGE_FENCED');
});

test('a MillraceError of a handler is the answer; anything else is UNCAUGHT and counted; both with the cause', async () => {
  const { endpoint } = world();
  const served = endpoint('served');
  const asker = endpoint('asker');
  served.serve(jobManager, {
    handlers: {
      'job.list': () => {
        throw new MillraceError('DISK_FULL', 'no room', {
          domain: 'external',
          recovery: 'fail-job',
          hint: 'make room',
          where: '/data',
          cause: new Error('ENOSPC'),
        });
      },
      'job.describe': () => Promise.reject(new TypeError('a defect')),
    },
  });
  const told = (await outcome(asker.ask(jobManager, 'job.list', {}))) as MillraceError;
  assert.equal([told.code, told.domain, told.recovery, told.hint, told.where], ['DISK_FULL', 'external', 'fail-job', 'make room', '/data']);
  assert.match((told.cause as Error).message, 'ENOSPC');
  assert.is(served.deadLetters().counts['handler-failed'], undefined);
  const defect = (await outcome(asker.ask(jobManager, 'job.describe', describe))) as MillraceError;
  assert.is(defect.code, 'UNCAUGHT');
  assert.match(defect.message, 'a defect');
  assert.is(served.deadLetters().counts['handler-failed'], 1);
});

test('an answer that does not match, cannot be encoded or is too large arrives as an error', async () => {
  const { endpoint } = world();
  const served = endpoint('served');
  const asker = endpoint('asker');
  let answer: unknown;
  // A handler outside the type system, as a defect would make it.
  served.serve(jobManager, { handlers: { 'blob.fetch-chunk': () => answer as never } });
  const ask = (): Promise<unknown> => outcome(asker.ask(jobManager, 'blob.fetch-chunk', { sha256: '0'.repeat(64), index: 0 }));
  answer = { kind: 'chunk', bytes: 'text', count: 1 };
  assert.is(codeOf(await ask()), 'INVALID_REPLY');
  assert.is(served.deadLetters().counts['handler-failed'], 1);
  answer = { kind: 'unknown', more: () => 1 };
  assert.is(codeOf(await ask()), 'UNSENDABLE_REPLY');
  answer = { kind: 'chunk', bytes: new Uint8Array(limits.controlMessageBytesMax), count: 1 };
  assert.is(codeOf(await ask()), 'UNSENDABLE_REPLY');
  answer = { kind: 'chunk', bytes: new Uint8Array(limits.blobChunkBytes), count: 1 };
  assert.is(((await ask()) as { bytes: Uint8Array }).bytes.length, limits.blobChunkBytes);
});

test('an answer that is none rejects with INVALID_REPLY', async () => {
  const { raw, endpoint } = world();
  const payloads = [
    Uint8Array.of(0xff),
    encode('yes'),
    encode({ ok: true, body: 1 }),
    encode({ ok: false, error: 'no' }),
    encode({ ok: false, error: { code: 'A', domain: 'user', recovery: 'retry', message: 'm', cause: 'x' } }),
  ];
  let next = 0;
  raw.subscribe(subjects.of(jobManager), (message) => message.respond?.(payloads[next++] as Uint8Array));
  const asker = endpoint('asker');
  for (const _ of payloads) assert.is(codeOf(await outcome(asker.ask(jobManager, 'job.list', {}))), 'INVALID_REPLY');
});

test('a tell whose handler throws or rejects is counted', async () => {
  const { endpoint } = world();
  const served = endpoint('served');
  let isAsync = false;
  served.serve(
    { kind: 'leader-events' },
    {
      handlers: {
        'leader.announced': () => {
          if (isAsync) return Promise.reject(new Error('later')) as never;
          throw new Error('now');
        },
      },
    },
  );
  const sender = endpoint('sender');
  sender.tell({ kind: 'leader-events' }, 'leader.announced', { holder: 'x' });
  await eventually(5_000, () => served.deadLetters().counts['handler-failed'] === 1, 'the first failure');
  isAsync = true;
  sender.tell({ kind: 'leader-events' }, 'leader.announced', { holder: 'x' });
  await eventually(5_000, () => served.deadLetters().counts['handler-failed'] === 2, 'the second failure');
});

test('a body that does not match its declaration is the defect of the sender (N1)', async () => {
  const { endpoint } = world();
  const sender = endpoint('sender');
  assert.throws(
    () => sender.tell({ kind: 'leader-events' }, 'leader.announced', { holder: 1 } as never),
    (error: unknown) => codeOf(error) === 'INVALID_MESSAGE' && (error as Error).message.includes('/holder'),
  );
  assert.is(codeOf(await outcome(sender.ask(jobManager, 'job.describe', { jobId: 'a.b' } as never))), 'INVALID_MESSAGE');
  const large = { sha256: '0'.repeat(64), index: 0, count: 1, bytes: new Uint8Array(limits.controlMessageBytesMax) };
  assert.is(failureOf(await outcome(sender.ask(jobManager, 'blob.upload-chunk', large))), 'too-large');
});

test('asks settle whatever happens: nobody there, silence, closing (N3)', async () => {
  const { endpoint } = world();
  const served = endpoint('served');
  const asker = endpoint('asker');
  assert.is(failureOf(await outcome(asker.ask(jobManager, 'job.list', {}, { attempts: 3, retryDelayMs: 1 }))), 'no-responders');
  served.serve(jobManager, { handlers: { 'job.list': () => new Promise(() => undefined) } });
  assert.is(failureOf(await outcome(asker.ask(jobManager, 'job.list', {}, { timeoutMs: 20 }))), 'timeout');
  assert.is(failureOf(await outcome(served.ask(jobManager, 'job.list', {}, { timeoutMs: 20 }))), 'timeout');
  const [far, near] = [outcome(asker.ask(jobManager, 'job.list', {})), outcome(served.ask(jobManager, 'job.list', {}))];
  asker.close();
  served.close();
  assert.is(failureOf(await far), 'closed');
  assert.is(failureOf(await near), 'closed');
  assert.is(failureOf(await outcome(asker.ask(jobManager, 'job.list', {}))), 'closed');
});

test('a tell that cannot be delivered is counted, not thrown (N2)', async () => {
  const { hub } = world();
  const bus = hub.connect('sender');
  const sender = createEndpoint({ name: 'sender', bus, subjects, clock: systemClock, random: systemRandom, logger: silentLogger });
  await bus.close();
  sender.tell({ kind: 'leader-events' }, 'leader.announced', { holder: 'x' });
  assert.is(sender.deadLetters().counts['undelivered'], 1);
  sender.close();
  sender.tell({ kind: 'leader-events' }, 'leader.announced', { holder: 'x' });
  assert.is(sender.deadLetters().counts['undelivered'], 2);
});

test('the envelope says who, to whom, when and on whose behalf', async () => {
  const { endpoint } = world();
  const seen = deferred<Envelope>();
  endpoint('served').serve(jobManager, {
    handlers: {
      'job.describe': (_, message) => {
        seen.resolve(message);
        return { kind: 'unknown' };
      },
    },
  });
  await endpoint('client.c1').ask(jobManager, 'job.describe', describe, {
    leaderEpoch: 4 as LeaderEpoch,
    attempt: 'v_0_4_1',
    causationId: 'cause',
    correlationId: 'thread',
  });
  const { id, sentAt, ...rest } = await seen.promise;
  assert.equal(rest, {
    version: 1,
    type: 'job.describe',
    from: 'client.c1',
    to: 'job-manager',
    leaderEpoch: 4,
    attempt: 'v_0_4_1',
    causationId: 'cause',
    correlationId: 'thread',
    body: describe,
  });
  assert.match(id, /^[0-9a-f]{16}-1$/);
  assert.ok(Math.abs(sentAt - Date.now()) < 60_000);
});

test.run();
