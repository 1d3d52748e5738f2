/** The JetStream source against a real nats-server. */
import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { jsonMessages, textMessages } from '../../connectors/formats/message-format.js';
import { malformedRows, type MalformedRow } from '../../connectors/malformed-row.js';
import { jetStreamSource, type JetStreamSourceOptions } from '../../connectors/nats/jetstream-source.js';
import type { Source } from '../../dataflow/contracts.js';
import { sourceContract } from '../../testing/contracts/source.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import type { Split } from '../../dataflow/contracts.js';
import { boundTests } from '../support/bounds.js';
import { failureOf } from '../support/failure-of.js';
import { runContract } from '../support/run-contract.js';
import { natsUrl, startOwnJetStream } from '../support/servers.js';
import { SourceReading } from '../support/source-reading.js';
import { eventually } from '../support/within.js';

boundTests({ testMs: 60_000, fileMs: 240_000 });

const server = await startOwnJetStream();
const connection: NatsConnection = await connect({ servers: natsUrl(server), maxReconnectAttempts: -1, reconnectTimeWait: 50 });
const manager: JetStreamManager = await connection.jetstreamManager();
const jetStream = connection.jetstream();
const files = new MemoryFileSystem();
let streams = 0;

interface Order {
  readonly id: number;
  readonly text: string;
}

/** A stream of its own for each test: subjects `<name>.<anything>`. */
async function makeStream(config: Record<string, unknown> = {}): Promise<string> {
  const name = `S${process.pid}x${streams++}`;
  await manager.streams.add({ name, subjects: [`${name}.>`], ...config });
  return name;
}

async function publish(stream: string, count: number, subject = 'a', first = 0): Promise<void> {
  const acknowledged = Array.from({ length: count }, (_, index) =>
    jetStream.publish(`${stream}.${subject}`, JSON.stringify({ id: first + index, text: `order ${first + index}` })),
  );
  await Promise.all(acknowledged);
}

const orders = (from: number, to: number): Order[] =>
  Array.from({ length: to - from }, (_, index) => ({ id: from + index, text: `order ${from + index}` }));

const sourceOf = (stream: string | readonly string[], options: Partial<JetStreamSourceOptions<Order>> = {}): Source<Order> =>
  jetStreamSource<Order>({ servers: natsUrl(server), stream, format: jsonMessages<Order>(), ...options });

runContract('source contract: a JetStream stream, bounded', sourceContract, async () => {
  const stream = await makeStream();
  await publish(stream, 40);
  const expected = orders(0, 40);
  return {
    fixture: {
      files,
      clock: systemClock,
      makeSource: () => sourceOf(stream, { boundedness: 'bounded' }),
      expected: () => expected,
      positionsMax: 8,
    },
  };
});

runContract('source contract: a subject of a JetStream stream, unbounded', sourceContract, async () => {
  const stream = await makeStream();
  for (let id = 0; id < 40; id++) await publish(stream, 1, ['a.b', 'c', 'a.d'][id % 3], id);
  return {
    fixture: {
      files,
      clock: systemClock,
      makeSource: () => sourceOf(stream, { subjects: `${stream}.a.*` }),
      expected: () => orders(0, 40).filter(({ id }) => id % 3 !== 1),
      positionsMax: 6,
      seal: async () => {
        await publish(stream, 1, 'a.e', 1_000);
        return orders(1_000, 1_001)[0] as Order;
      },
    },
  };
});

runContract('source contract: subjects of a JetStream stream, unbounded', sourceContract, async () => {
  const stream = await makeStream();
  const kinds = ['a', 'b', 'c'];
  for (const [index, kind] of kinds.entries()) await publish(stream, 10, kind, index * 10);
  let sealed = 0;
  return {
    fixture: {
      files,
      clock: systemClock,
      makeSource: () => sourceOf(stream, { subjects: kinds.map((kind) => `${stream}.${kind}`) }),
      expected: () => orders(0, 30),
      positionsMax: 4,
      seal: async ({ id }) => {
        const last = 1_000 + sealed++;
        await publish(stream, 1, id.slice(-1), last);
        return orders(last, last + 1)[0] as Order;
      },
    },
  };
});

runContract('source contract: several JetStream streams, bounded', sourceContract, async () => {
  const names = [await makeStream(), await makeStream(), await makeStream()];
  for (const [index, stream] of names.slice(1).entries()) await publish(stream, 15, 'a', index * 15);
  return {
    fixture: {
      files,
      clock: systemClock,
      makeSource: () => sourceOf(names, { boundedness: 'bounded' }),
      expected: () => orders(0, 30),
      positionsMax: 4,
    },
  };
});

const test = suite('JetStream source');

test('records carry the time at which the stream stored them (NS3), and a custom format sees the subject', async () => {
  const stream = await makeStream();
  const before = Date.now();
  await publish(stream, 2, 'x');
  const reading = new SourceReading(
    jetStreamSource({
      servers: natsUrl(server),
      stream,
      format: { name: 'subjects', decode: (bytes, { subject }) => `${subject} ${bytes.length}` },
    }),
  );
  await reading.start();
  assert.equal(await reading.until(2), [`${stream}.x 25`, `${stream}.x 25`]);
  for (const timestamp of reading.timestamps) assert.ok(timestamp >= before && timestamp <= Date.now());
  await reading.close();
});

test('a bounded source ends with what was there when the job began; an empty one at once (NS2)', async () => {
  const stream = await makeStream();
  const reading = new SourceReading(sourceOf(stream, { boundedness: 'bounded' }));
  assert.equal(await reading.splits(), []);
  await publish(stream, 5);
  const [split] = await reading.splits();
  await publish(stream, 5, 'a', 5);
  await reading.start(undefined, split);
  assert.equal(await reading.until(100), orders(0, 5));
  assert.ok(reading.isFinished);
  await reading.close();
});

test('a filter that matches nothing ends a bounded source, though the stream has messages (NS2)', async () => {
  const stream = await makeStream();
  await publish(stream, 5);
  const reading = new SourceReading(sourceOf(stream, { boundedness: 'bounded', subjects: `${stream}.nothing` }));
  await reading.start();
  assert.equal(await reading.until(1), []);
  assert.ok(reading.isFinished);
  await reading.close();
});

test('it begins with the first message, with those to come, or at a sequence', async () => {
  const stream = await makeStream();
  await publish(stream, 6);
  const fromNew = new SourceReading(sourceOf(stream, { from: 'new' }));
  await fromNew.start();
  const fromFour = new SourceReading(sourceOf(stream, { from: 4 }));
  await fromFour.start();
  await publish(stream, 1, 'a', 6);
  assert.equal(await fromNew.until(1), orders(6, 7));
  assert.equal(await fromFour.until(4), orders(3, 7));
  await fromNew.close();
  await fromFour.close();
});

test('each filter of a stream is a split of its own, however many readers there are, and goes on where it stood (NS1)', async () => {
  const stream = await makeStream();
  const source = sourceOf(stream, { subjects: [`${stream}.a`, `${stream}.b`] });
  assert.is((await new SourceReading(source).splits(8)).length, 2);
  const [first, second] = (await new SourceReading(source).splits(1)) as [Split, Split];
  for (const subject of ['a', 'b']) await publish(stream, 20, subject);
  const readings = [new SourceReading(source), new SourceReading(source)] as const;
  for (const [index, split] of [first, second].entries()) {
    await readings[index]?.start(undefined, split);
    assert.equal(await readings[index]?.until(20), orders(0, 20));
  }
  const next = new SourceReading(source);
  await next.start(readings[1].position(), second);
  await publish(stream, 1, 'b', 77);
  assert.equal(await next.until(1), orders(77, 78));
  for (const reading of [...readings, next]) await reading.close();
});

test('when the server is killed and comes back, reading goes on behind the last message (SF1)', async () => {
  const own = await startOwnJetStream();
  const ownConnection = await connect({ servers: natsUrl(own), maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  try {
    const ownManager = await ownConnection.jetstreamManager();
    await ownManager.streams.add({ name: 'own', subjects: ['own'] });
    const send = async (from: number, to: number): Promise<void> => {
      for (let id = from; id < to; id++) await ownConnection.jetstream().publish('own', String(id), { timeout: 10_000 });
    };
    const reading = new SourceReading(jetStreamSource({ servers: natsUrl(own), stream: 'own', format: textMessages() }));
    await reading.start();
    for (let round = 0; round < 3; round++) {
      await send(round * 50, (round + 1) * 50);
      if (round < 2) await reading.until(round * 50 + 25);
      await own.kill();
      await own.start();
      await eventually(
        10_000,
        () =>
          ownConnection.flush().then(
            () => true,
            () => false,
          ),
        'the connection',
      );
    }
    await send(150, 200);
    assert.equal(
      await reading.until(200, 40_000),
      Array.from({ length: 200 }, (_, index) => String(index)),
    );
    await reading.close();
  } finally {
    await ownConnection.close();
    await own.dispose();
  }
});

test('a consumer that the server lost is replaced (SF1)', async () => {
  const stream = await makeStream();
  const reading = new SourceReading(sourceOf(stream));
  await reading.start();
  await publish(stream, 10);
  await reading.until(10);
  for await (const { name } of manager.consumers.list(stream)) await manager.consumers.delete(stream, name);
  await publish(stream, 10, 'a', 10);
  assert.equal(await reading.until(20), orders(0, 20));
  await reading.close();
  assert.equal(await manager.consumers.list(stream).next(), [], 'a closed reader leaves no consumer behind');
});

test('messages deleted from the middle of a stream are no gap, those trimmed from its beginning are (SF2)', async () => {
  const stream = await makeStream();
  await publish(stream, 20);
  const reading = new SourceReading(sourceOf(stream));
  await reading.start();
  await reading.until(3);
  const position = reading.position();
  await reading.close();
  for (const sequence of [5, 6, 9]) await manager.streams.deleteMessage(stream, sequence);
  const kept = orders(3, 20).filter(({ id }) => ![4, 5, 8].includes(id));
  const again = new SourceReading(sourceOf(stream));
  await again.start(position);
  assert.equal(await again.until(kept.length), kept);
  await again.close();

  await manager.streams.purge(stream, { seq: 12 });
  const late = new SourceReading(sourceOf(stream));
  const failure = await failureOf(late.start(position));
  assert.is(failure.code, 'NATS_STREAM_TRIMMED');
  assert.match(failure.message, `The stream ${stream} has removed messages 4 to 11 before they were read`);
  await late.close();
  const skipping = new SourceReading(sourceOf(stream, { trimmed: 'skip' }));
  await skipping.start(position);
  assert.equal(await skipping.until(9), orders(11, 20));
  await skipping.close();
});

test('a stream that trims what the reader has not come to fails it, with the sequences (SF2)', async () => {
  const stream = await makeStream({ max_msgs: 1_500, discard: 'old' });
  const reading = new SourceReading(sourceOf(stream));
  await publish(stream, 1_400);
  await reading.start();
  await reading.until(1);
  for (let from = 1_400; from < 5_000; from += 600) await publish(stream, 600, 'a', from);
  await reading.until(5_000);
  assert.is(reading.failure?.code, 'NATS_STREAM_TRIMMED');
  assert.equal(reading.records, orders(0, reading.records.length), 'what came before the gap is whole');
  await reading.close();
});

test('a job that begins does not mind what was trimmed before', async () => {
  const stream = await makeStream({ max_msgs: 5, discard: 'old' });
  const source = sourceOf(stream);
  const reading = new SourceReading(source);
  await publish(stream, 5);
  const [split] = await reading.splits();
  await publish(stream, 5, 'a', 5);
  await reading.start(undefined, split);
  assert.equal(await reading.until(5), orders(5, 10));
  await reading.close();
});

test('a stream that was made anew under the same name is refused, and so is one that removes what was acknowledged', async () => {
  const stream = await makeStream();
  await publish(stream, 10);
  const reading = new SourceReading(sourceOf(stream));
  await reading.start();
  await reading.until(10);
  const position = reading.position();
  await reading.close();
  await manager.streams.delete(stream);
  await manager.streams.add({ name: stream, subjects: [`${stream}.>`] });
  await publish(stream, 3);
  assert.is((await failureOf(new SourceReading(sourceOf(stream)).start(position))).code, 'NATS_STREAM_REPLACED');
  const queue = await makeStream({ retention: 'workqueue' });
  assert.is((await failureOf(new SourceReading(sourceOf(queue)).start())).code, 'NATS_STREAM_NOT_REPLAYABLE');
});

test('malformed messages fail with stream and sequence, or go to the side output', async () => {
  const stream = await makeStream();
  await publish(stream, 1);
  await jetStream.publish(`${stream}.a`, '{"id":');
  await publish(stream, 1, 'a', 1);
  const failing = new SourceReading(sourceOf(stream));
  await failing.start();
  await failing.until(2);
  assert.is(failing.failure?.code, 'SOURCE_MALFORMED');
  assert.match(failing.failure?.message ?? '', `${stream}, message 2: `);
  await failing.close();
  const tolerant = new SourceReading(sourceOf(stream, { malformed: 'side-output' }));
  await tolerant.start();
  assert.equal(await tolerant.until(2), orders(0, 2));
  const [row] = tolerant.bench.sideOutputs.get(malformedRows.id) as MalformedRow[];
  assert.equal([row?.path, row?.offset, row?.text], [stream, 2, '{"id":']);
  await tolerant.close();
});

test('large messages are not asked for by the thousand (SF4)', async () => {
  const stream = await makeStream();
  const text = 'x'.repeat(400_000);
  for (let id = 0; id < 30; id++) await jetStream.publish(`${stream}.a`, JSON.stringify({ id, text }));
  const reading = new SourceReading(sourceOf(stream));
  await reading.start();
  assert.is((await reading.until(30)).length, 30);
  await reading.close();
});

test('a stream that is not there, a server that is not there, and refused credentials are told, without secrets', async () => {
  const missing = await failureOf(new SourceReading(sourceOf('nowhere')).splits());
  assert.is(missing.code, 'NATS_STREAM_NOT_FOUND');
  assert.match(missing.message, 'nowhere');
  const away = jetStreamSource({ servers: 'nats://me:s3cret@127.0.0.1:9', stream: 'x', format: textMessages() });
  assert.not.match(JSON.stringify([away.data, away.name]), 's3cret');
  const failure = await failureOf(new SourceReading(away).splits());
  assert.is(failure.code, 'NATS_UNREACHABLE');
  assert.is(failure.recovery, 'restart-job');
  assert.not.match(JSON.stringify([failure.message, failure.hint, failure.where, String(failure.stack)]), 's3cret');
});

test('options that make no sense are refused when the job is built', () => {
  assert.throws(() => sourceOf('a b'), /not the name of a stream/);
  assert.throws(() => sourceOf([]), /stream is \[\]/);
  assert.throws(() => sourceOf('a', { from: 0 }), /from is 0/);
  assert.throws(() => sourceOf('a', { from: 'last' as 'new' }), /from is "last"/);
  assert.throws(() => sourceOf('a', { boundedness: 'ends' as 'bounded' }), /boundedness is "ends"/);
  assert.throws(() => sourceOf('a', { trimmed: 'ignore' as 'skip' }), /trimmed is "ignore"/);
  assert.throws(() => sourceOf('a', { malformed: 'skip' as 'fail' }), /malformed is "skip"/);
  assert.throws(() => sourceOf('a', { subjects: ['a..b'] }), /not a subject/);
  assert.throws(() => sourceOf('a', { subjects: ['a.>', 'a.b'] }), /overlap/);
  assert.throws(() => sourceOf('a', { subjects: ['a.*.c', 'a.b.*'] }), /overlap/);
  assert.not.throws(() => sourceOf('a', { subjects: ['a.*.c', 'a.b', 'b.>'] }));
  assert.throws(() => jetStreamSource({ servers: 'http://x', stream: 'a', format: textMessages() }), /not the address of a NATS server/);
});

test.after(async () => {
  await connection.close();
  await server.dispose();
});
test.run();
