/** The JetStream sink that writes at least once, against a real nats-server. */
import { nanos, RetentionPolicy } from 'nats';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { jetStreamSink, type JetStreamSinkOptions } from '../../connectors/nats/jetstream-sink.js';
import type { Sink } from '../../dataflow/contracts.js';
import { atLeastOnceSinkContract } from '../../testing/contracts/at-least-once-sink.js';
import { SinkBench } from '../../testing/contracts/sink.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { boundTests } from '../support/bounds.js';
import { runCut } from '../support/cut-job.js';
import { failureOf } from '../support/failure-of.js';
import { natsUrl, startOwnJetStream } from '../support/servers.js';
import { connectTo, contentOf, makeStream } from '../support/stream-content.js';
import { within } from '../support/within.js';

boundTests({ testMs: 60_000, fileMs: 120_000 });

const server = await startOwnJetStream();
const connection = await connectTo(server.port);
const sinkFor = (stream: string, options: Partial<JetStreamSinkOptions<number>> = {}): Sink<number> =>
  jetStreamSink<number>({ servers: natsUrl(server), stream, subject: `${stream}.numbers`, delivery: 'at-least-once', ...options });
const numbersIn = async (stream: string): Promise<number[]> => (await contentOf(connection, stream)).map(({ text }) => Number(text));

const contract = suite('at-least-once sink contract: JetStream');
for (const { name, run } of atLeastOnceSinkContract) {
  contract(name, async () => {
    const stream = await makeStream(connection);
    await run({
      files: new MemoryFileSystem(),
      clock: systemClock,
      makeSink: () => sinkFor(stream) as Sink<unknown>,
      record: (number) => number,
      visible: () => numbersIn(stream),
      isOrdered: true,
    });
  });
}
contract.run();

const test = suite('JetStream sink, at least once');

test('cut off before and after each message to the server: no record is missing (AL1)', async () => {
  const all = [0, 1, 2, 3, 4];
  const run = async (cuts: Parameters<typeof runCut>[0]['cuts']): Promise<number> => {
    const stream = await makeStream(connection, { duplicate_window: nanos(100) });
    const makeSink = (port: number): Sink<number> => sinkFor(stream, { servers: `nats://127.0.0.1:${port}` });
    const messages = await runCut({ protocol: 'nats', port: server.port, cuts, makeSink });
    assert.equal([...new Set(await numbersIn(stream))].sort(), all, JSON.stringify(cuts));
    return messages;
  };
  const messages = await run([]);
  assert.ok(messages >= 6, `${messages} messages`);
  for (let message = 1; message <= messages; message += 1) for (const mode of ['before', 'after'] as const) await run([{ message, mode }]);
});

test('what is written is there at the barrier though no checkpoint completes, with its headers, more than a window of it in order (JF1)', async () => {
  const stream = await makeStream(connection);
  const sink = await new SinkBench(sinkFor(stream, { headers: (number) => ({ Kind: `k${number}` }) }), {
    files: new MemoryFileSystem(),
    clock: systemClock,
  }).open();
  const numbers = Array.from({ length: 1_000 }, (_, number) => number);
  await sink.write(...numbers);
  await sink.snapshot(1);
  const content = await contentOf(connection, stream);
  assert.equal(
    content.map(({ text }) => Number(text)),
    numbers,
  );
  assert.is(content[7]?.headers['Kind'], 'k7');
  await sink.close();
});

test('a server that is killed and comes back while messages are under way gets all of them (AL1)', async () => {
  const own = await startOwnJetStream();
  let direct = await connectTo(own.port);
  const stream = await makeStream(direct);
  await direct.close();
  const sink = await new SinkBench(sinkFor(stream, { servers: natsUrl(own) }), {
    files: new MemoryFileSystem(),
    clock: systemClock,
  }).open();
  await sink.write(0, 1);
  await own.kill();
  await sink.write(2, 3);
  const barrier = sink.snapshot(1);
  await own.start();
  await barrier;
  direct = await connectTo(own.port);
  assert.equal([...new Set((await contentOf(direct, stream)).map(({ text }) => Number(text)))].sort(), [0, 1, 2, 3]);
  assert.equal(sink.bench.failures, []);
  await sink.close();
  await direct.close();
  await own.dispose();
});

test('streams that forget what was taken from them are fine; a record that the stream would refuse fails the job at once (JR1)', async () => {
  const stream = await makeStream(connection, { retention: RetentionPolicy.Workqueue });
  const bench = new SinkBench(sinkFor(stream, { subject: (number) => (number === 2 ? 'elsewhere' : `${stream}.numbers`) }), {
    files: new MemoryFileSystem(),
    clock: systemClock,
  });
  const sink = await bench.open();
  await sink.write(1);
  await sink.snapshot(1);
  assert.equal(await numbersIn(stream), [1]);
  const error = await failureOf(sink.write(2));
  assert.is(error.code, 'SINK_BAD_SUBJECT');
  assert.is(error.where, 'operator under test');
  await sink.close();
});

test('a stream that is deleted under the sink fails the attempt, and says which', async () => {
  const stream = await makeStream(connection);
  const sink = await new SinkBench(sinkFor(stream), { files: new MemoryFileSystem(), clock: systemClock }).open();
  await (await connection.jetstreamManager()).streams.delete(stream);
  await sink.write(1);
  const error = await within(10_000, failureOf(sink.snapshot(1)), 'the barrier to fail');
  assert.is(error.code, 'NATS_STREAM_NOT_FOUND');
  assert.match(error.message, stream);
  assert.is(error.where, 'operator under test');
  await sink.close();
});

test.after(async () => {
  await connection.close();
  await server.dispose();
});
test.run();
