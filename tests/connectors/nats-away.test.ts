/** Connectors whose nats-server comes back and does not want them, or does not come back: the last error names the operator. */
import { NatsError } from 'nats';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { textMessages } from '../../connectors/formats/message-format.js';
import { jetStreamSink } from '../../connectors/nats/jetstream-sink.js';
import { jetStreamSource } from '../../connectors/nats/jetstream-source.js';
import { closedForGood } from '../../connectors/nats/nats-connection.js';
import { natsSink } from '../../connectors/nats/nats-sink.js';
import { natsSubjectSource } from '../../connectors/nats/nats-subject-source.js';
import type { MillraceError } from '../../core/errors.js';
import type { Sink, Source } from '../../dataflow/contracts.js';
import { SinkBench } from '../../testing/contracts/sink.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { boundTests } from '../support/bounds.js';
import { failureOf } from '../support/failure-of.js';
import { natsUrl, startOwnJetStream, type ServerProcess } from '../support/servers.js';
import { SourceReading } from '../support/source-reading.js';
import { connectTo, makeStream } from '../support/stream-content.js';
import { eventually, within } from '../support/within.js';

boundTests({ testMs: 60_000, fileMs: 120_000 });
const test = suite('NATS that does not come back');

let server: ServerProcess;
let stream: string;
test.before.each(async () => {
  server = await startOwnJetStream();
  const connection = await connectTo(server.port);
  stream = await makeStream(connection);
  await connection.close();
});
test.after.each(() => server.dispose());

/** The server restarts with users that no connector knows. */
async function lockOut(): Promise<void> {
  await server.kill();
  await server.start(['--user', 'somebody', '--pass', 'else']);
}

function assertToldWell(error: MillraceError, where: string): void {
  assert.is(error.code, 'NATS_REFUSED');
  assert.is(error.recovery, 'fail-job');
  assert.is(error.where, where);
  assert.match(error.hint ?? '', /password/);
}

const sinks: Record<string, () => Sink<number>> = {
  'the JetStream sink, exactly once': () => jetStreamSink<number>({ servers: natsUrl(server), stream, subject: `${stream}.numbers` }),
  'the JetStream sink, at least once': () =>
    jetStreamSink<number>({ servers: natsUrl(server), stream, subject: `${stream}.numbers`, delivery: 'at-least-once' }),
};
for (const [name, makeSink] of Object.entries(sinks)) {
  test(`${name} says who is refused, at the next barrier (NC3, JT1)`, async () => {
    const sink = await new SinkBench(makeSink(), { files: new MemoryFileSystem(), clock: systemClock }).open();
    await lockOut();
    await sink.write(1).catch(() => undefined);
    assertToldWell(await within(30_000, failureOf(sink.snapshot(1)), 'the barrier to fail'), 'operator under test');
    await sink.close();
  });
}

test('the core NATS sink fails at once, though nothing is written, and at each record from then on (NC3)', async () => {
  const made = natsSink<number>({ servers: natsUrl(server), subject: `${stream}.numbers` });
  const sink = await new SinkBench(made, { files: new MemoryFileSystem(), clock: systemClock }).open();
  await lockOut();
  await eventually(30_000, () => sink.bench.failures.length > 0, 'the sink to fail');
  assertToldWell(sink.bench.failures[0] as MillraceError, 'operator under test');
  assertToldWell(await failureOf(sink.write(1)), 'operator under test');
  assertToldWell(await failureOf(sink.snapshot(1)), 'operator under test');
  await sink.close();
});

const sources: Record<string, () => Source<unknown>> = {
  'the JetStream source': () => jetStreamSource({ servers: natsUrl(server), stream, format: textMessages(), name: 'messages' }),
  'the core NATS source': () =>
    natsSubjectSource({ servers: natsUrl(server), subject: `${stream}.>`, format: textMessages(), name: 'messages' }),
};
for (const [name, makeSource] of Object.entries(sources)) {
  test(`${name} says who is refused (NC3)`, async () => {
    const reading = new SourceReading(makeSource());
    await reading.start();
    await lockOut();
    await reading.until(1, 30_000);
    assertToldWell(reading.failure as MillraceError, 'messages');
    await reading.close();
  });
}

test('who was away for too long is told apart from who is refused, and what nats.js said stands behind it (NC3)', () => {
  const cause = NatsError.errorForCode('CONNECTION_REFUSED');
  const away = closedForGood('sink', cause);
  assert.is(away.code, 'NATS_UNREACHABLE');
  assert.is(away.recovery, 'restart-job');
  assert.match(away.message, /did not come back within 60 s: .*CONNECTION_REFUSED/);
  assert.match(away.hint ?? '', /nats-server/);
  assert.is(away.cause, cause);
  assert.is(closedForGood('sink', NatsError.errorForCode('AUTHORIZATION_VIOLATION')).code, 'NATS_REFUSED');
  assert.is(closedForGood('sink').code, 'NATS_UNREACHABLE');
});

test.run();
