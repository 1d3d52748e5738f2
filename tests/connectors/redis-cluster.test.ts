/** The connectors of Redis against a real Redis Cluster of three masters. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { jsonMessages } from '../../connectors/formats/message-format.js';
import { hashTag } from '../../connectors/redis/hash-tag.js';
import { redisSink, type RedisSinkOptions } from '../../connectors/redis/redis-sink.js';
import { redisStreamSource } from '../../connectors/redis/redis-stream-source.js';
import type { Sink } from '../../dataflow/contracts.js';
import { atLeastOnceSinkContract } from '../../testing/contracts/at-least-once-sink.js';
import { SinkBench, sinkContract } from '../../testing/contracts/sink.js';
import { sourceContract } from '../../testing/contracts/source.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { boundTests } from '../support/bounds.js';
import { failureOf } from '../support/failure-of.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { addOrders, orders, type Order } from '../support/orders.js';
import { runContract } from '../support/run-contract.js';
import { redisUrl, type ServerProcess } from '../support/servers.js';
import { SourceReading } from '../support/source-reading.js';

boundTests({ testMs: 60_000, fileMs: 180_000 });

const cluster = await RedisCluster.start();
const { client } = cluster;
const files = new MemoryFileSystem();
let names = 0;
const newName = (): string => `numbers-${names++}`;

const listSink = (key: string, options: Partial<RedisSinkOptions<number>> = {}): Sink<number> =>
  redisSink<number>({ url: cluster.url, cluster: true, write: { kind: 'list', key }, noteKey: `{${key}}:notes`, ...options });
const numbersIn = async (key: string): Promise<number[]> => (await client.lrange(key, 0, -1)).map(Number);

runContract('sink contract: a Redis Cluster, exactly once', sinkContract, async () => {
  const key = newName();
  const makeSink = () => listSink(key) as Sink<unknown>;
  return { fixture: { files, clock: systemClock, makeSink, record: (number: number) => number, visible: () => numbersIn(key) } };
});

runContract('sink contract: a Redis Cluster, at least once, keys on all masters', atLeastOnceSinkContract, async () => {
  const prefix = newName();
  const keyOf = (number: number): string => `${prefix}:${number}`;
  const makeSink = () =>
    redisSink<number>({
      url: cluster.url,
      cluster: true,
      delivery: 'at-least-once',
      write: { kind: 'set', key: keyOf },
    }) as Sink<unknown>;
  const visible = async (): Promise<number[]> => {
    const found = await Promise.all(Array.from({ length: 60 }, (_, number) => client.get(keyOf(number))));
    return found.flatMap((value) => (value === null ? [] : [Number(value)]));
  };
  return { fixture: { files, clock: systemClock, makeSink, record: (number: number) => number, visible } };
});

const add = (stream: string, from: number, to: number) => addOrders(client, stream, from, to);

runContract('source contract: streams of a Redis Cluster', sourceContract, async () => {
  const streams = await Promise.all([0, 1, 2].map((master) => cluster.nameOn(master, newName())));
  for (const [index, stream] of streams.entries()) await add(stream, index * 10, index * 10 + 10);
  const makeSource = () =>
    redisStreamSource({
      url: cluster.url,
      cluster: true,
      stream: streams,
      field: 'json',
      format: jsonMessages<Order>(),
      boundedness: 'bounded',
    });
  return { fixture: { files, clock: systemClock, makeSource, expected: () => orders(0, 30), positionsMax: 4 } };
});

const test = suite('Redis Cluster');
const start = (sink: Sink<number>): Promise<SinkBench<number>> => new SinkBench(sink, { files, clock: systemClock }).open();

test('a stream that gets entries while it is waited for is read on, on whichever master it is', async () => {
  for (const master of [0, 1, 2]) {
    const stream = await cluster.nameOn(master, newName());
    const options = { url: cluster.url, cluster: true, stream, field: 'json', format: jsonMessages<Order>() };
    const reading = new SourceReading(redisStreamSource(options));
    await reading.start();
    await add(stream, 0, 3);
    assert.equal(await reading.until(3), orders(0, 3));
    await add(stream, 3, 5);
    assert.equal(await reading.until(5), orders(0, 5));
    await reading.close();
  }
});

test('a master that is killed between the snapshot and the commit, and comes back, has every record once (RK1)', async () => {
  const key = await cluster.nameOn(1, newName());
  const sink = await start(listSink(key));
  const numbers = Array.from({ length: 500 }, (_, number) => number);
  await sink.write(...numbers.slice(0, 250));
  await sink.snapshot(1);
  await sink.completed(1);
  await sink.write(...numbers.slice(250));
  await sink.snapshot(2);
  const master = cluster.servers[1] as ServerProcess;
  await master.kill();
  const committed = sink.completed(2);
  await master.start();
  await committed;
  assert.equal(await numbersIn(key), numbers);
  await sink.close();
});

test('the first node may be away when there are others to ask', async () => {
  const key = newName();
  const nodes = cluster.servers.map((server) => redisUrl(server));
  const sink = await start(listSink(key, { url: 'redis://127.0.0.1:9', cluster: nodes }));
  await sink.write(1);
  await sink.snapshot(1);
  await sink.completed(1);
  assert.equal(await numbersIn(key), [1]);
  await sink.close();
});

test('a node that is taken for one server is refused, and the error says what to set (RN5)', async () => {
  const key = await cluster.nameOn(2, newName());
  const alone = { url: cluster.url, cluster: false };
  const sink = await start(listSink(key, { ...alone, delivery: 'at-least-once' }));
  await sink.write(1);
  const errors = [await failureOf(sink.snapshot(1))];
  const transactional = await start(listSink(key, alone));
  await transactional.write(1);
  await transactional.snapshot(1);
  errors.push(await failureOf(transactional.completed(1)));
  errors.push(await failureOf(new SourceReading(redisStreamSource({ ...alone, stream: key })).start()));
  for (const error of errors) {
    assert.is(error.code, 'REDIS_CLUSTER');
    assert.is(error.recovery, 'fail-job');
    assert.match(error.hint ?? '', /cluster: true/);
    assert.ok(error.where);
  }
  await sink.close();
  await transactional.close();
});

test('commands of a transaction on several masters are refused, and the error says how to name their keys (RN5)', async () => {
  const [key, elsewhere] = [await cluster.nameOn(0, newName()), await cluster.nameOn(1, newName())];
  const commands = (number: number) => [['RPUSH', elsewhere, number]];
  const sink = await start(listSink(key, { write: { kind: 'commands', commands } }));
  await sink.write(1);
  await sink.snapshot(1);
  const error = await failureOf(sink.completed(1));
  assert.is(error.code, 'REDIS_CLUSTER', error.message);
  assert.match(error.hint ?? '', /hash tag/);
  assert.equal(await numbersIn(elsewhere), []);
  await sink.close();
});

test('a record whose key is in another slot fails the job before it is in a checkpoint (HT1)', async () => {
  const keyOf = (number: number): string => (number === 2 ? 'elsewhere' : `{sums}:${number}`);
  const sink = await start(listSink('unused', { write: { kind: 'list', key: keyOf }, noteKey: '{sums}:notes' }));
  await sink.write(1);
  const error = await failureOf(sink.write(2));
  assert.is(error.code, 'SINK_KEY_ELSEWHERE');
  assert.is(error.recovery, 'fail-job');
  assert.match(error.hint ?? '', /\{sums\}/);
  await sink.close();
});

test('the part of a key that decides its slot is what Redis takes for it (HT1)', async () => {
  for (const key of ['a', '{a}b', 'x{a}', '{}a', '{a', 'a}', '{a}{b}', '{{a}}', 'x{}{a}', '']) {
    const slots = [key, hashTag(key)].map((name) => client.cluster('KEYSLOT', name));
    const [ofKey, ofTag] = await Promise.all(slots);
    assert.is(ofKey, ofTag, `${key} and ${hashTag(key)}`);
  }
  assert.is(hashTag('{a}b'), 'a');
});

test('a cluster with a database, a node that is no address, and keys in two slots are refused when the job is built', () => {
  const write = { kind: 'list', key: 'a' } as const;
  assert.throws(() => redisSink({ url: 'redis://127.0.0.1:1/2', cluster: true, write }), /no databases/);
  assert.throws(() => redisSink({ url: 'redis://127.0.0.1:1', cluster: ['nowhere'], write }), /not a URL/);
  assert.throws(() => redisSink({ url: 'redis://127.0.0.1:1', cluster: true, write }), /no noteKey/);
  assert.throws(() => redisSink({ url: 'redis://127.0.0.1:1', cluster: true, write, noteKey: 'notes' }), /not in one slot/);
  assert.throws(() => redisStreamSource({ url: 'redis://127.0.0.1:1/2', cluster: true, stream: 'a' }), /no databases/);
});

test.after(() => cluster.dispose());
test.run();
