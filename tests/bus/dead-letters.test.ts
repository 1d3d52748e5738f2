import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decode, encode } from '../../bus/codec/cbor.js';
import { createEndpoint } from '../../bus/endpoint.js';
import type { DeadLetter } from '../../bus/endpoint-contract.js';
import { systemClock, systemRandom } from '../../cluster/adapters/system-clock.js';
import { limits } from '../../core/limits.js';
import { describe, envelope, jobManager, subjects, world } from '../support/endpoints.js';
import { recordingLogger, silentLogger } from '../support/silent-logger.js';

const test = suite('dead letters');

/** What must not reach a handler, and the letter it becomes. */
const unhandled: readonly (readonly [string, DeadLetter['reason'], () => Uint8Array])[] = [
  ['bytes that are no CBOR', 'malformed', () => Uint8Array.of(0xff, 0x00, 0x13)],
  ['an empty payload', 'malformed', () => new Uint8Array(0)],
  ['CBOR that is no envelope', 'malformed', () => encode([1, 2, 3])],
  ['a Map instead of an object', 'malformed', () => encode(new Map(Object.entries(envelope())))],
  ['an envelope without an id', 'malformed', () => encode(envelope({ id: undefined }))],
  ['an envelope with an endless id', 'malformed', () => encode(envelope({ id: 'x'.repeat(10_000) }))],
  ['an envelope with an epoch that is no number', 'malformed', () => encode(envelope({ leaderEpoch: 'high' }))],
  ['an envelope of a later version', 'unknown-version', () => encode(envelope({ version: 2 }))],
  ['an unknown type', 'unknown-type', () => encode(envelope({ type: 'job.explode' }))],
  ['a type from the prototype of objects', 'unknown-type', () => encode(envelope({ type: 'toString' }))],
  ['a body with a wrong field', 'invalid-body', () => encode(envelope({ body: { jobId: 'not a job id!' } }))],
  ['a body that is missing', 'invalid-body', () => encode(envelope({ body: undefined }))],
  ['another address', 'not-addressed', () => encode(envelope({ to: 'resource-manager' }))],
  ['a message nobody here handles', 'not-addressed', () => encode(envelope({ type: 'job.cancel' }))],
  ['a message of an old leader', 'fenced', () => encode(envelope({ leaderEpoch: 3 }))],
  ['more bytes than a control message may have', 'oversized', () => new Uint8Array(limits.controlMessageBytesMax + 1)],
];

for (const [what, reason, payload] of unhandled) {
  test(`${what}: a counted dead letter (${reason}), an error for the asker, nothing for the handler (E1)`, async () => {
    const { hub, raw, endpoint } = world();
    let handled = 0;
    const bus = hub.connect('served');
    const served = createEndpoint({ name: 'served', bus, subjects, clock: systemClock, random: systemRandom, logger: silentLogger });
    served.serve(jobManager, {
      handlers: { 'job.describe': () => ((handled += 1), { kind: 'unknown' }) },
      fence: (message) => (message.leaderEpoch === 3 ? 'epoch 3 is over' : undefined),
    });
    const answer = decode(await raw.request(subjects.of(jobManager), payload(), { timeoutMs: 5_000 })) as {
      ok: boolean;
      error: { code: string };
    };
    assert.is(answer.ok, false);
    assert.is(answer.error.code, `MESSAGE_${reason.toUpperCase().replaceAll('-', '_')}`);
    raw.publish(subjects.of(jobManager), payload());
    await raw.flush();
    assert.is(handled, 0);
    assert.is(bus.handlerFailures, 0);
    const { counts, latest } = served.deadLetters();
    // As a plain message, an ask that is otherwise sound cannot be answered, which is found before its address.
    const second = reason === 'not-addressed' || reason === 'fenced' ? 'malformed' : reason;
    assert.equal(
      latest.map((letter) => letter.reason),
      [reason, second],
    );
    assert.is(counts[reason], reason === second ? 2 : 1);
    assert.is(latest[0]?.subject, subjects.of(jobManager));
    // It still works.
    const asker = endpoint('asker');
    assert.equal(await asker.ask(jobManager, 'job.describe', describe), { kind: 'unknown' });
  });
}

test('arbitrary and damaged messages never throw into the bus and leave the endpoint working (E1, I1)', async () => {
  const { hub, raw, endpoint } = world();
  const bus = hub.connect('served');
  const served = createEndpoint({ name: 'served', bus, subjects, clock: systemClock, random: systemRandom, logger: silentLogger });
  served.serve(jobManager, { handlers: { 'job.describe': () => ({ kind: 'unknown' }), 'job.list': () => ({ jobs: [] }) } });
  const subject = subjects.of(jobManager);
  let sent = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.tuple(fc.nat(), fc.nat({ max: 255 })).map(([at, byte]) => {
          const bytes = encode(envelope());
          bytes[at % bytes.length] = byte;
          return bytes;
        }),
        fc
          .dictionary(fc.constantFrom('version', 'id', 'type', 'to', 'body', 'leaderEpoch'), fc.jsonValue())
          .map((changes) => encode(envelope(changes))),
      ),
      async (bytes) => {
        sent += 1;
        raw.publish(subject, bytes);
        await raw.request(subject, bytes, { timeoutMs: 5_000 });
      },
    ),
    { numRuns: 1_500, seed: 21 },
  );
  assert.is(bus.handlerFailures, 0);
  const { counts, latest } = served.deadLetters();
  assert.ok(Object.values(counts).reduce((sum, count) => sum + count, 0) > sent, 'most of them were dead letters');
  assert.ok(latest.length <= limits.deadLettersKept);
  assert.equal(await endpoint('asker').ask(jobManager, 'job.list', {}), { jobs: [] });
});

test('dead letters are kept up to a bound and told to the log ever more rarely', async () => {
  const { raw, endpoint } = world();
  const { logger, lines } = recordingLogger();
  const served = endpoint('served', logger);
  served.serve(jobManager, { handlers: {} });
  for (let index = 0; index < 300; index += 1) raw.publish(subjects.of(jobManager), Uint8Array.of(0xff));
  await raw.flush();
  assert.is(served.deadLetters().counts['malformed'], 300);
  assert.is(served.deadLetters().latest.length, limits.deadLettersKept);
  assert.is(lines.filter((line) => line.message === 'dead letter').length, 9);
});

test.run();
