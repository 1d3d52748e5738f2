/** The source of Redis streams against a real redis-server. */
import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { jsonMessages, textMessages } from '../../connectors/formats/message-format.js';
import { malformedRows, type MalformedRow } from '../../connectors/malformed-row.js';
import { redisStreamSource, type RedisStreamSourceOptions } from '../../connectors/redis/redis-stream-source.js';
import type { Source, Split } from '../../dataflow/contracts.js';
import { sourceContract } from '../../testing/contracts/source.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { boundTests } from '../support/bounds.js';
import { failureOf } from '../support/failure-of.js';
import { addOrders, orders, type Order } from '../support/orders.js';
import { runContract } from '../support/run-contract.js';
import { redisUrl, startOwnRedis } from '../support/servers.js';
import { SourceReading } from '../support/source-reading.js';

boundTests({ testMs: 60_000, fileMs: 240_000 });

const server = await startOwnRedis();
const redis = new Redis(redisUrl(server));
const files = new MemoryFileSystem();
let streams = 0;

const nameStream = (): string => `orders-${streams++}`;

const add = (stream: string, from: number, to: number) => addOrders(redis, stream, from, to);

const sourceOf = (stream: string | readonly string[], options: Partial<RedisStreamSourceOptions> = {}): Source<Order> =>
  redisStreamSource<Order>({ url: redisUrl(server), stream, field: 'json', format: jsonMessages<Order>(), ...options });

runContract('source contract: a Redis stream, bounded', sourceContract, async () => {
  const stream = nameStream();
  await add(stream, 0, 40);
  const makeSource = () => sourceOf(stream, { boundedness: 'bounded' });
  return { fixture: { files, clock: systemClock, makeSource, expected: () => orders(0, 40), positionsMax: 8 } };
});

runContract('source contract: several Redis streams, bounded', sourceContract, async () => {
  const names = [nameStream(), nameStream(), nameStream()];
  await add(names[0] as string, 0, 10);
  await add(names[2] as string, 10, 30);
  const makeSource = () => sourceOf(names, { boundedness: 'bounded' });
  return { fixture: { files, clock: systemClock, makeSource, expected: () => orders(0, 30), positionsMax: 4 } };
});

runContract('source contract: a Redis stream, unbounded', sourceContract, async () => {
  const stream = nameStream();
  await add(stream, 0, 40);
  const seal = async (): Promise<Order> => {
    await add(stream, 1_000, 1_001);
    return { id: 1_000 };
  };
  return {
    fixture: { files, clock: systemClock, makeSource: () => sourceOf(stream), expected: () => orders(0, 40), positionsMax: 8, seal },
  };
});

runContract('source contract: several Redis streams, unbounded', sourceContract, async () => {
  const names = [nameStream(), nameStream(), nameStream()];
  for (const [index, name] of names.entries()) await add(name, index * 10, index * 10 + 10);
  let sealed = 0;
  const seal = async ({ id: name }: Split): Promise<Order> => {
    const id = 1_000 + sealed++;
    await add(name, id, id + 1);
    return { id };
  };
  return {
    fixture: { files, clock: systemClock, makeSource: () => sourceOf(names), expected: () => orders(0, 30), positionsMax: 4, seal },
  };
});

const test = suite('Redis stream source');

test('without a format a record is the fields of its entry; its timestamp is the time in the id (RS3)', async () => {
  const stream = nameStream();
  await redis.xadd(stream, '1700000000123-7', 'a', '1', '__proto__', 'x', 'ß', '漢');
  const reading = new SourceReading(redisStreamSource({ url: redisUrl(server), stream }));
  await reading.start();
  const [record] = await reading.until(1);
  assert.equal(Object.entries(record as object), [
    ['a', '1'],
    ['__proto__', 'x'],
    ['ß', '漢'],
  ]);
  assert.equal(reading.timestamps, [1_700_000_000_123]);
  await reading.close();
});

test('a stream that is not there yet is waited for, and entries come as they are added', async () => {
  const stream = nameStream();
  const reading = new SourceReading(sourceOf(stream));
  await reading.start();
  await add(stream, 0, 3);
  assert.equal(await reading.until(3), orders(0, 3));
  await add(stream, 3, 5);
  assert.equal(await reading.until(5), orders(0, 5));
  await reading.close();
});

test('it begins with the first entry, with those to come, or behind an id', async () => {
  const stream = nameStream();
  const ids = await add(stream, 0, 6);
  const fromNew = new SourceReading(sourceOf(stream, { from: 'new' }));
  await fromNew.start();
  const behind = new SourceReading(sourceOf(stream, { from: ids[3] as string }));
  await behind.start();
  await add(stream, 6, 7);
  assert.equal(await fromNew.until(1), orders(6, 7));
  assert.equal(await behind.until(3), orders(4, 7));
  await fromNew.close();
  await behind.close();
});

test('each stream is a split of its own, however many readers there are, and goes on where it stood (RS1)', async () => {
  const names = [nameStream(), nameStream()];
  const source = sourceOf(names);
  assert.is((await new SourceReading(source).splits(8)).length, 2);
  const splits = await new SourceReading(source).splits(1);
  for (const [index, name] of names.entries()) await add(name, index * 100, index * 100 + 20);
  for (const [index, split] of splits.entries()) {
    const expected = orders(index * 100, index * 100 + 20);
    const reading = new SourceReading(source);
    await reading.start(undefined, split);
    assert.equal(await reading.until(15), expected.slice(0, 15));
    const next = new SourceReading(source);
    await next.start(reading.position(), split);
    assert.equal(await next.until(5), expected.slice(15));
    await reading.close();
    await next.close();
  }
});

test('when the server is killed and comes back, reading goes on behind the last entry', async () => {
  const own = await startOwnRedis();
  const client = new Redis(redisUrl(own), { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  client.on('error', () => undefined);
  try {
    const reading = new SourceReading(redisStreamSource({ url: redisUrl(own), stream: 'own', field: 'n', format: textMessages() }));
    await reading.start();
    for (let round = 0; round < 3; round++) {
      for (let n = round * 50; n < (round + 1) * 50; n++) await client.xadd('own', '*', 'n', n);
      await reading.until(round * 50 + 25);
      await own.kill();
      await own.start();
    }
    for (let n = 150; n < 200; n++) await client.xadd('own', '*', 'n', n);
    assert.equal(
      await reading.until(200),
      Array.from({ length: 200 }, (_, index) => String(index)),
    );
    await reading.close();
  } finally {
    client.disconnect();
    await own.dispose();
  }
});

/** What a reader that stood behind entry 10 of 40 says after something was done to the stream. */
async function resumedAfter(change: (stream: string, ids: readonly string[]) => Promise<unknown>, trimmed: 'fail' | 'skip' = 'fail') {
  const stream = nameStream();
  const ids = await add(stream, 0, 40);
  const reading = new SourceReading(sourceOf(stream));
  await reading.start();
  await reading.until(10);
  const position = reading.position();
  await reading.close();
  await change(stream, ids);
  const resumed = new SourceReading(sourceOf(stream, { trimmed }));
  await resumed.start(position);
  return { stream, resumed };
}

const trimmings: readonly { readonly what: string; readonly keep: number; readonly missing: number }[] = [
  { what: 'less than was read', keep: 35, missing: 0 },
  { what: 'exactly what was read', keep: 30, missing: 0 },
  { what: 'one entry that was not read', keep: 29, missing: 1 },
  { what: 'many entries that were not read', keep: 5, missing: 25 },
  { what: 'everything', keep: 0, missing: 30 },
];
for (const { what, keep, missing } of trimmings) {
  test(`when the stream has trimmed ${what}, ${missing === 0 ? 'nothing is missing' : `${missing} missing entries are told`} (RF2)`, async () => {
    const { stream, resumed } = await resumedAfter((name) => redis.xtrim(name, 'MAXLEN', keep));
    await add(stream, 40, 41);
    const expected = missing === 0 ? orders(10, 41) : [];
    assert.equal(await resumed.until(31), expected);
    assert.is(resumed.failure?.code, missing === 0 ? undefined : 'REDIS_STREAM_TRIMMED');
    if (missing > 0) assert.match(resumed.failure?.message ?? '', missing === 1 ? 'One entry of' : `${missing} entries of ${stream}`);
    await resumed.close();
  });
}

test('trimmed entries are passed over when asked (RF2)', async () => {
  const { stream, resumed } = await resumedAfter((name) => redis.xtrim(name, 'MAXLEN', 5), 'skip');
  await add(stream, 40, 41);
  assert.equal(await resumed.until(6), orders(35, 41));
  await resumed.close();
});

test('entries that somebody deleted are no gap (RF2)', async () => {
  const { resumed } = await resumedAfter((name, ids) => redis.xdel(name, ...[0, 3, 9, 10, 11, 25].map((index) => ids[index] as string)));
  const expected = orders(10, 40).filter(({ id }) => ![10, 11, 25].includes(id));
  assert.equal(await resumed.until(expected.length), expected);
  const position = resumed.position();
  await resumed.close();
  assert.is((position as { added: number }).added, 40, 'the count is exact again at the end');
});

test('a stream that is trimmed while it is read fails the reader that it overtakes', async () => {
  const stream = nameStream();
  await add(stream, 0, 3_000);
  const reading = new SourceReading(sourceOf(stream));
  await reading.start();
  await reading.until(10);
  await redis.xtrim(stream, 'MAXLEN', 10);
  await reading.until(3_000);
  assert.is(reading.failure?.code, 'REDIS_STREAM_TRIMMED');
  assert.equal(reading.records, orders(0, reading.records.length), 'what came before the gap is whole');
  await reading.close();
});

test('a job that begins does not mind what was trimmed before', async () => {
  const stream = nameStream();
  await add(stream, 0, 20);
  const reading = new SourceReading(sourceOf(stream));
  const [split] = await reading.splits();
  await redis.xtrim(stream, 'MAXLEN', 5);
  await reading.start(undefined, split);
  assert.equal(await reading.until(5), orders(15, 20));
  await reading.close();
});

test('a stream that is gone, or was made anew, is told', async () => {
  for (const anew of [0, 3]) {
    const { resumed } = await resumedAfter(async (name) => {
      await redis.del(name);
      for (let n = 1; n <= anew; n++) await redis.xadd(name, `${n}-1`, 'json', '{}');
    });
    await resumed.until(1);
    assert.is(resumed.failure?.code, 'REDIS_STREAM_REPLACED');
    assert.match(resumed.failure?.message ?? '', anew === 0 ? 'is not there any more' : 'ends at 3-1');
    await resumed.close();
  }
});

test('malformed entries fail with stream and id, or go to the side output', async () => {
  const stream = nameStream();
  await add(stream, 0, 1);
  await redis.xadd(stream, '*', 'json', '{"id"');
  await redis.xadd(stream, '*', 'other', 'x');
  await add(stream, 1, 2);
  const failing = new SourceReading(sourceOf(stream));
  await failing.start();
  await failing.until(2);
  assert.is(failing.failure?.code, 'SOURCE_MALFORMED');
  assert.match(failing.failure?.message ?? '', new RegExp(`${stream}, entry \\d+-\\d+: `));
  await failing.close();
  const tolerant = new SourceReading(sourceOf(stream, { malformed: 'side-output' }));
  await tolerant.start();
  assert.equal(await tolerant.until(2), orders(0, 2));
  const rows = tolerant.bench.sideOutputs.get(malformedRows.id) as MalformedRow[];
  assert.is(rows.length, 2);
  assert.match(rows[1]?.reason ?? '', 'no field "json"');
  await tolerant.close();
});

test('a server that is not there and a refused login are told, without the password', async () => {
  const away = redisStreamSource({ url: 'redis://me:s3cret@127.0.0.1:9', stream: 'x' });
  assert.not.match(JSON.stringify([away.data, away.name]), 's3cret');
  const unreachable = await failureOf(new SourceReading(away).splits());
  assert.is(unreachable.code, 'REDIS_UNREACHABLE');
  assert.is(unreachable.recovery, 'restart-job');
  await redis.config('SET', 'requirepass', 'right');
  try {
    const refused = await failureOf(
      new SourceReading(redisStreamSource({ url: `redis://:s3cret@127.0.0.1:${server.port}`, stream: 'x' })).splits(),
    );
    assert.is(refused.code, 'REDIS_ACCESS');
    assert.is(refused.recovery, 'fail-job');
    for (const error of [unreachable, refused])
      assert.not.match(JSON.stringify([error.message, error.hint, error.where, String(error.stack), String(error.cause)]), 's3cret');
  } finally {
    await redis.config('SET', 'requirepass', '');
  }
});

test('options that make no sense are refused when the job is built', () => {
  assert.throws(() => sourceOf([]), /stream is \[\]/);
  assert.throws(() => sourceOf(['a', 'a']), /stream is \["a","a"\]/);
  assert.throws(() => sourceOf('a', { from: 'last' }), /from is "last"/);
  assert.throws(() => sourceOf('a', { boundedness: 'ends' as 'bounded' }), /boundedness is "ends"/);
  assert.throws(() => sourceOf('a', { trimmed: 'ignore' as 'skip' }), /trimmed is "ignore"/);
  assert.throws(() => sourceOf('a', { malformed: 'skip' as 'fail' }), /malformed is "skip"/);
  assert.throws(() => redisStreamSource({ url: 'http://x', stream: 'a' }), /not a URL such as redis/);
});

test.after(async () => {
  redis.disconnect();
  await server.dispose();
});
test.run();
