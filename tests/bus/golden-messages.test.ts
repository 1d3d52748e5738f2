/**
 * The bytes of the protocol stay what they are: tests/fixtures/protocol holds an envelope of version 1 and its answer for
 * each family, as hex. After a change of the protocol that is meant, MILLRACE_WRITE_FIXTURES=1 writes them anew.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeEnvelope, encodeReply, readEnvelope, readReply } from '../../bus/protocol/envelope.js';
import type { Envelope, ReplyPayload } from '../../bus/endpoint-contract.js';
import { protocol } from '../../bus/protocol/registry.js';
import { definitionOf } from '../../bus/protocol/validation.js';
import type { LeaderEpoch } from '../../core/ids.js';
import { type Sample, samples } from '../support/protocol-samples.js';

const test = suite('golden messages');
const directory = fileURLToPath(new URL('../../../tests/fixtures/protocol/', import.meta.url));

const envelopeOf = ({ type, to, body }: Sample): Envelope => ({
  version: 1,
  id: '0123456789abcdef-1z',
  type,
  from: 'sender.s-1',
  to,
  leaderEpoch: 2 as LeaderEpoch,
  attempt: null,
  correlationId: 'thread-1',
  causationId: null,
  sentAt: 1_767_225_600_123,
  body,
});

/** The bytes in the file; with MILLRACE_WRITE_FIXTURES they are written first. */
function golden(name: string, current: Uint8Array): Uint8Array {
  const path = `${directory}${name}.hex`;
  if (process.env['MILLRACE_WRITE_FIXTURES'] === '1') {
    mkdirSync(directory, { recursive: true });
    const hex = Buffer.from(current).toString('hex');
    writeFileSync(path, `${hex.match(/.{1,96}/g)?.join('\n') ?? ''}\n`);
  }
  return Uint8Array.from(Buffer.from(readFileSync(path, 'utf8').replaceAll('\n', ''), 'hex'));
}

for (const each of samples) {
  test(`envelope version 1, ${each.family}: ${each.type} is read as it was and written as it was`, () => {
    const expected = envelopeOf(each);
    const bytes = golden(`envelope-1.${each.family}.${each.type}`, encodeEnvelope(expected));
    const read = readEnvelope(bytes);
    assert.equal(read, { kind: 'envelope', envelope: expected });
    assert.equal(encodeEnvelope(expected), bytes);
  });

  if (each.reply === null) continue;
  const reply: ReplyPayload = { ok: true, body: each.reply };
  test(`answer of ${each.type} is read as it was and written as it was`, () => {
    const bytes = golden(`reply-1.${each.family}.${each.type}`, encodeReply(reply));
    assert.equal(readReply(each.type, bytes), reply);
    assert.equal(encodeReply(reply), bytes);
  });
}

test('an answer that is an error is read as it was and written as it was', () => {
  const reply: ReplyPayload = {
    ok: false,
    error: { code: 'MESSAGE_FENCED', domain: 'internal', recovery: 'retry', message: 'epoch 1 is over', hint: 'register again' },
  };
  const bytes = golden('reply-1.error', encodeReply(reply));
  assert.equal(readReply('job.list', bytes), reply);
  assert.equal(encodeReply(reply), bytes);
});

test('every family of the protocol has a golden message', () => {
  const prefixes = (types: readonly string[]): Set<string> => new Set(types.map((type) => type.split('.')[0] as string));
  const kinds = prefixes(samples.map((each) => each.type));
  for (const prefix of ['task-manager', 'slot', 'task', 'checkpoint', 'blob', 'job']) assert.ok(kinds.has(prefix), prefix);
  for (const each of samples) assert.is(definitionOf(each.type).kind === 'ask', each.reply !== null);
  assert.ok(Object.keys(protocol).length >= samples.length);
});

test.run();
