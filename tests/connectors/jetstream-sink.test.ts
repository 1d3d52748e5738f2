/** The JetStream sink against a real nats-server. */
import { nanos, type NatsConnection, RetentionPolicy } from 'nats';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { jetStreamSink, type JetStreamSinkOptions } from '../../connectors/nats/jetstream-sink.js';
import { MillraceError } from '../../core/errors.js';
import { checkpointId } from '../../core/ids.js';
import type { Sink } from '../../dataflow/contracts.js';
import { SinkBench, sinkContract } from '../../testing/contracts/sink.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { boundTests } from '../support/bounds.js';
import { runCut } from '../support/cut-job.js';
import { CutProxy } from '../support/cut-proxy.js';
import { failureOf } from '../support/failure-of.js';
import { natsUrl, startOwnJetStream, type ServerProcess } from '../support/servers.js';
import { connectTo, contentOf, makeStream, windowPasses } from '../support/stream-content.js';
import { within } from '../support/within.js';

boundTests({ testMs: 60_000, fileMs: 240_000 });

const server: ServerProcess = await startOwnJetStream();
const connection: NatsConnection = await connectTo(server.port);

/** Short, so that the server's own de-duplication does not hide what the sink forgets. */
const shortWindow = { duplicate_window: nanos(100) };

const numbersIn = async (stream: string): Promise<number[]> => (await contentOf(connection, stream)).map(({ text }) => Number(text));

const sinkFor = (stream: string, options: Partial<JetStreamSinkOptions<number>> = {}): Sink<number> =>
  jetStreamSink<number>({ servers: natsUrl(server), stream, subject: `${stream}.numbers`, ...options });

const contract = suite('sink contract: JetStream');
for (const { name, run } of sinkContract) {
  contract(name, async () => {
    const stream = await makeStream(connection, shortWindow);
    await run({
      files: new MemoryFileSystem(),
      clock: systemClock,
      makeSink: () => sinkFor(stream) as Sink<unknown>,
      record: (number) => number,
      visible: () => numbersIn(stream),
    });
  });
}
contract.run();

const crashes = suite('JetStream sink, cut off');
const all = [0, 1, 2, 3, 4];

for (const mode of ['before', 'after'] as const) {
  crashes(`${mode} each message to the server, minutes before the next attempt: every record is there once, in order`, async () => {
    const cutOnce = async (message: number): Promise<{ stream: string; messages: number }> => {
      const stream = await makeStream(connection, shortWindow);
      const messages = await runCut({
        protocol: 'nats',
        port: server.port,
        cuts: message === 0 ? [] : [{ message, mode }],
        makeSink: (port) => sinkFor(stream, { servers: `nats://127.0.0.1:${port}` }),
        beforeRestart: () => windowPasses(connection, stream),
      });
      return { stream, messages };
    };
    const whole = await cutOnce(0);
    assert.equal(await numbersIn(whole.stream), all);
    assert.ok(whole.messages >= 10, `${whole.messages} messages`);
    for (let message = 1; message <= whole.messages; message += 1) {
      assert.equal(await numbersIn((await cutOnce(message)).stream), all, `cut at message ${message} of ${whole.messages}`);
    }
  });
}
crashes.run();

const test = suite('JetStream sink');
type BenchOptions = Partial<ConstructorParameters<typeof SinkBench>[1]>;

const open: SinkBench<never>[] = [];
async function start<T>(sink: Sink<T>, options: BenchOptions = {}): Promise<SinkBench<T>> {
  const bench = new SinkBench(sink, { files: new MemoryFileSystem(), clock: systemClock, ...options });
  open.push(bench as SinkBench<never>);
  return bench.open();
}
const closeAll = async (): Promise<void> => {
  for (const bench of open.splice(0)) await bench.close();
};
test.after.each(closeAll);

test('subject, payload, headers and the id of transaction and index are published, the same bytes each time (JS1)', async () => {
  const stream = await makeStream(connection, shortWindow);
  const make = (): Sink<number> =>
    sinkFor(stream, {
      subject: (number) => `${stream}.${number}`,
      encode: (number) => Buffer.from([number, 0xff]),
      headers: (number) => ({ Kind: `number ${number}`, 'X-Text': 'Größe' }),
    });
  const sink = await start(make());
  await sink.write(7, 8);
  await sink.snapshot(1);
  await sink.completed(1);
  const content = await contentOf(connection, stream);
  assert.equal(
    content.map(({ subject }) => subject),
    [`${stream}.7`, `${stream}.8`],
  );
  const [first, second] = content;
  assert.is(first?.headers['Kind'], 'number 7');
  assert.is(first?.headers['X-Text'], 'Größe');
  assert.match(first?.headers['Nats-Msg-Id'] ?? '', /^[0-9a-f]{16}-0-1-0-0\.0$/);
  assert.is(second?.headers['Nats-Msg-Id'], first?.headers['Nats-Msg-Id']?.replace(/0$/, '1'));
});

test('what others write in between does not matter, however much it is', async () => {
  const stream = await makeStream(connection, shortWindow);
  const sink = await start(sinkFor(stream));
  await sink.write(1, 2);
  const state = await sink.snapshot(1);
  for (let index = 0; index < 1_500; index += 1) connection.publish(`${stream}.${index % 2 === 0 ? 'numbers' : 'others'}`, 'noise');
  await connection.flush();
  await sink.completed(1);
  for (let index = 0; index < 1_500; index += 1) connection.publish(`${stream}.numbers`, 'noise');
  await connection.flush();
  await windowPasses(connection, stream);
  const restored = await start(sinkFor(stream), { attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) });
  await restored.close();
  assert.equal(
    (await contentOf(connection, stream)).filter(({ text }) => text !== 'noise').map(({ text }) => text),
    ['1', '2'],
  );
});

test('a transaction that was published in part, minutes ago, is completed after rescaling, by another subtask', async () => {
  const stream = await makeStream(connection, shortWindow);
  const sink = await start(sinkFor(stream), { subtaskIndex: 2, parallelism: 3 });
  await sink.write(1, 2, 3);
  const state = (await sink.snapshot(1)) as { pending: { transaction: { id: string } }[] };
  const id = state.pending[0]?.transaction.id;
  for (const [index, number] of [1, 2].entries())
    await connection.jetstream().publish(`${stream}.numbers`, String(number), { msgID: `${id}.${index}` });
  await windowPasses(connection, stream);
  await start(sinkFor(stream), { attempt: 1, subtaskIndex: 0, parallelism: 2, restored: [state], restoredCheckpointId: checkpointId(1) });
  assert.equal(await numbersIn(stream), [1, 2, 3]);
});

test('an attempt that slept while its successor published, for longer than the window, publishes nothing (JS3)', async () => {
  const stream = await makeStream(connection, shortWindow);
  const sleeper = await start(sinkFor(stream));
  await sleeper.write(1, 2);
  const state = await sleeper.snapshot(1);
  await start(sinkFor(stream), { attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) });
  await windowPasses(connection, stream);
  await sleeper.completed(1);
  assert.equal(await numbersIn(stream), [1, 2]);
});

test('a server that is killed in the middle of a commit and comes back has every message once, in order', async () => {
  const own = await startOwnJetStream();
  let direct = await connectTo(own.port);
  const stream = await makeStream(direct, shortWindow);
  const sink = await start(sinkFor(stream, { servers: natsUrl(own) }));
  const numbers = Array.from({ length: 2_000 }, (_, number) => number);
  await sink.write(...numbers);
  await sink.snapshot(1);
  const subscription = direct.subscribe(`${stream}.>`, { max: 300 });
  const committed = sink.completed(1);
  let seen = 0;
  for await (const message of subscription) seen += message.data.length > 0 ? 1 : 0;
  assert.is(seen, 300);
  await direct.close();
  await own.kill();
  await own.start();
  await committed;
  direct = await connectTo(own.port);
  assert.equal(
    (await contentOf(direct, stream)).map(({ text }) => Number(text)),
    numbers,
  );
  await direct.close();
  await sink.close();
  await own.dispose();
});

test('a server that is away while a transaction is closed only delays its checkpoint', async () => {
  const own = await startOwnJetStream();
  const direct = await connectTo(own.port);
  const stream = await makeStream(direct, shortWindow);
  const sink = await start(sinkFor(stream, { servers: natsUrl(own) }));
  await sink.write(1, 2);
  await own.kill();
  const snapshot = sink.snapshot(1);
  await own.start();
  await snapshot;
  await sink.completed(1);
  assert.equal(sink.bench.failures, []);
  assert.equal(
    (await contentOf(direct, stream)).map(({ text }) => text),
    ['1', '2'],
  );
  await sink.close();
  await direct.close();
  await own.dispose();
});

test('a writer that is closed in the middle of a commit gives up at once', async () => {
  const own = await startOwnJetStream();
  const direct = await connectTo(own.port);
  const stream = await makeStream(direct, shortWindow);
  const sink = await start(sinkFor(stream, { servers: natsUrl(own) }));
  await sink.write(1);
  await sink.snapshot(1);
  await direct.close();
  await own.kill();
  const committed = failureOf(sink.completed(1));
  await sink.close();
  const error = await within(10_000, committed, 'the commit to give up');
  assert.is(error.code, 'SINK_NOT_COMMITTED');
  assert.is(error.recovery, 'restart-job');
  await own.dispose();
});

test('a connection that breaks at any message of a restore, and comes back, leaves nothing out and doubles nothing (RB1)', async () => {
  const restoreThrough = async (message: number): Promise<number> => {
    const stream = await makeStream(connection, shortWindow);
    const sink = await start(sinkFor(stream));
    await sink.write(1, 2, 3);
    const state = (await sink.snapshot(1)) as { pending: { transaction: { id: string } }[] };
    await connection.jetstream().publish(`${stream}.numbers`, '1', { msgID: `${state.pending[0]?.transaction.id}.0` });
    await windowPasses(connection, stream);
    const proxy = await CutProxy.start('nats', server.port);
    proxy.cutAt(message, 'broken');
    const restored = sinkFor(stream, { servers: `nats://127.0.0.1:${proxy.port}` });
    const options = { attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) };
    // A connection that breaks before the stream is known fails the attempt; the next one gets through.
    await start(restored, options).catch((error: unknown) => {
      assert.is((error as MillraceError).recovery, 'restart-job', String(error));
      return start(restored, { ...options, attempt: 2 });
    });
    assert.equal(await numbersIn(stream), [1, 2, 3], `broken at message ${message}`);
    const messages = proxy.count;
    await proxy.close();
    return messages;
  };
  const whole = await restoreThrough(1_000);
  assert.ok(whole >= 8, `${whole} messages`);
  await Promise.all(Array.from({ length: whole }, (_, index) => restoreThrough(index + 1)));
});

test('messages that somebody deleted from the middle and the end of the stream do not matter', async () => {
  const stream = await makeStream(connection, shortWindow);
  const sink = await start(sinkFor(stream));
  await sink.write(1, 2);
  const state = await sink.snapshot(1);
  for (const text of ['a', 'b', 'c']) await connection.jetstream().publish(`${stream}.numbers`, text);
  await sink.completed(1);
  const { seq: last } = await connection.jetstream().publish(`${stream}.numbers`, 'd');
  const { streams } = await connection.jetstreamManager();
  for (const sequence of [2, last]) await streams.deleteMessage(stream, sequence);
  await windowPasses(connection, stream);
  await start(sinkFor(stream), { attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) });
  assert.equal(
    (await contentOf(connection, stream)).map(({ text }) => text),
    ['a', 'c', '1', '2'],
  );
});

test('a transaction beyond its bound fails the job, and says how to mend that (JS5)', async () => {
  const stream = await makeStream(connection);
  const sink = await start(sinkFor(stream, { transactionBytesMax: 1_000, encode: () => 'x'.repeat(100) }));
  const error = await failureOf(
    (async () => {
      for (let number = 0; number < 20; number += 1) await sink.write(number);
    })(),
  );
  assert.is(error.code, 'SINK_TRANSACTION_TOO_LARGE');
  assert.is(error.recovery, 'fail-job');
  assert.is(error.where, 'operator under test');
  assert.match(error.hint ?? '', /checkpoints more often/);
});

const badRecords: readonly (readonly [what: string, options: Partial<JetStreamSinkOptions<number>>, code: string])[] = [
  ['a subject the stream does not take', { subject: () => 'elsewhere.numbers' }, 'SINK_BAD_SUBJECT'],
  ['a subject with a wildcard', { subject: () => 'a.*' }, 'SINK_BAD_SUBJECT'],
  ['a subject with white space', { subject: () => 'a b' }, 'SINK_BAD_SUBJECT'],
  ['an empty subject', { subject: () => '' }, 'SINK_BAD_SUBJECT'],
  ['no subject', { subject: () => undefined as unknown as string }, 'SINK_BAD_SUBJECT'],
  ['a payload the server does not take', { encode: () => new Uint8Array(1024 * 1024) }, 'SINK_MESSAGE_TOO_LARGE'],
  ['neither text nor bytes', { encode: () => undefined as unknown as string }, 'SINK_BAD_PAYLOAD'],
  ['a header of the server', { headers: () => ({ 'Nats-Msg-Id': 'mine' }) }, 'SINK_BAD_HEADER'],
  ['a header with a line feed', { headers: () => ({ Kind: 'a\r\nb' }) }, 'SINK_BAD_HEADER'],
  ['a header without a name', { headers: () => ({ '': 'a' }) }, 'SINK_BAD_HEADER'],
];
for (const [what, options, code] of badRecords) {
  test(`${what} fails the job at the record, not at the commit (JS5)`, async () => {
    const sink = await start(sinkFor(await makeStream(connection), options));
    const error = await failureOf(sink.write(1));
    assert.is(error.code, code);
    assert.is(error.recovery, 'fail-job');
    assert.is(error.where, 'operator under test');
  });
}

test('a stream that is not there, one that drops what was read, and one that keeps the last of a subject are refused', async () => {
  const missing = await failureOf(start(sinkFor('not-there')));
  assert.is(missing.code, 'NATS_STREAM_NOT_FOUND');
  const queue = await makeStream(connection, { retention: RetentionPolicy.Workqueue });
  assert.is((await failureOf(start(sinkFor(queue)))).code, 'SINK_STREAM_RETENTION');
  const latest = await makeStream(connection, { max_msgs_per_subject: 1 });
  assert.is((await failureOf(start(sinkFor(latest)))).code, 'SINK_STREAM_RETENTION');
  await start(sinkFor(latest, { whenDropped: 'publish' }));
});

test('a restore that cannot know whether a transaction was published fails the job, or publishes when told to (RB1)', async () => {
  const stream = await makeStream(connection, { ...shortWindow, max_msgs: 2 });
  const sink = await start(sinkFor(stream));
  await sink.write(1);
  const state = await sink.snapshot(1);
  for (let index = 0; index < 4; index += 1) await connection.jetstream().publish(`${stream}.others`, 'noise');
  const restore = { attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) };
  const error = await failureOf(start(sinkFor(stream), restore));
  assert.is(error.code, 'SINK_STREAM_DROPPED');
  assert.match(error.hint ?? '', /whenDropped/);
  await start(sinkFor(stream, { whenDropped: 'publish' }), restore);
  assert.equal(
    (await contentOf(connection, stream)).map(({ text }) => text),
    ['noise', '1'],
  );
});

test('options that cannot work are refused when the job is built', () => {
  const servers = 'nats://127.0.0.1:1';
  assert.throws(() => jetStreamSink({ servers, stream: 'a.b', subject: 'x' }), /name of a stream/);
  assert.throws(() => jetStreamSink({ servers, stream: 's', subject: 'x.>' }), /not a subject/);
  assert.throws(() => jetStreamSink({ servers, stream: 's', subject: 'x', delivery: 'once' as 'exactly-once' }), /delivery is "once"/);
  assert.throws(() => jetStreamSink({ servers, stream: 's', subject: 'x', whenDropped: 'skip' as 'fail' }), /whenDropped is "skip"/);
  assert.throws(() => jetStreamSink({ servers, stream: 's', subject: 'x', transactionBytesMax: 0 }), /transactionBytesMax/);
  assert.throws(
    () => jetStreamSink({ servers: 'http://x', stream: 's', subject: 'x' }),
    (error: unknown) => error instanceof MillraceError && error.code === 'BAD_NATS_ADDRESS',
  );
});

test('a password in an address is in no plan and no message', async () => {
  const sink = jetStreamSink<number>({ servers: 'nats://me:secret@127.0.0.1:1', stream: 's', subject: 'x' });
  assert.not.match(JSON.stringify([sink.name, sink.data]), 'secret');
});

test.after(async () => {
  await connection.close();
  await server.dispose();
});
test.run();
