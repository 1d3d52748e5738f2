/** The Redis sink against a real redis-server. */
import { Redis } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { redisSink, type RedisSinkOptions } from '../../connectors/redis/redis-sink.js';
import type { RedisWrite } from '../../connectors/redis/redis-writes.js';
import { MillraceError } from '../../core/errors.js';
import { checkpointId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Sink } from '../../dataflow/contracts.js';
import { atLeastOnceSinkContract } from '../../testing/contracts/at-least-once-sink.js';
import { SinkBench, sinkContract } from '../../testing/contracts/sink.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { boundTests } from '../support/bounds.js';
import { runCut } from '../support/cut-job.js';
import { CutProxy } from '../support/cut-proxy.js';
import { failureOf } from '../support/failure-of.js';
import { redisUrl, startOwnRedis } from '../support/servers.js';

boundTests({ testMs: 60_000, fileMs: 240_000 });

const server = await startOwnRedis();
const redis = new Redis(redisUrl(server));

let keys = 0;
const newKey = (): string => `numbers-${keys++}`;

/** Appending shows every repetition. */
const listSink = (key: string, options: Partial<RedisSinkOptions<number>> = {}): Sink<number> =>
  redisSink<number>({ url: redisUrl(server), write: { kind: 'list', key }, noteKey: `${key}-notes`, ...options });

const numbersIn = async (key: string): Promise<number[]> => (await redis.lrange(key, 0, -1)).map(Number);

for (const [name, contract, options] of [
  ['exactly once', sinkContract, {}],
  ['at least once', atLeastOnceSinkContract, { delivery: 'at-least-once' }],
] as const) {
  const test = suite(`sink contract: Redis, ${name}`);
  for (const { name: promise, run } of contract) {
    test(promise, async () => {
      const key = newKey();
      await run({
        files: new MemoryFileSystem(),
        clock: systemClock,
        makeSink: () => listSink(key, options) as Sink<unknown>,
        record: (number) => number,
        visible: () => numbersIn(key),
        isOrdered: true,
      });
    });
  }
  test.run();
}

const crashes = suite('Redis sink, cut off');
const all = Array.from({ length: 9 }, (_, number) => number);

for (const mode of ['before', 'after'] as const) {
  crashes(`${mode} each command, then at each of the second attempt: every record is there once, in order`, async () => {
    const cutAt = async (...messages: number[]): Promise<{ key: string; messages: number }> => {
      const key = newKey();
      const counted = await runCut({
        protocol: 'redis',
        port: server.port,
        records: all.length,
        cuts: messages.map((message) => ({ message, mode })),
        makeSink: (port) => listSink(key, { url: `redis://127.0.0.1:${port}` }),
      });
      return { key, messages: counted };
    };
    const whole = await cutAt();
    assert.equal(await numbersIn(whole.key), all);
    assert.ok(whole.messages >= 6, `${whole.messages} commands`);
    for (let first = 1; first <= whole.messages; first += 1) {
      const once = await cutAt(first);
      assert.equal(await numbersIn(once.key), all, `cut at command ${first} of ${whole.messages}`);
      for (let second = 1; second <= once.messages; second += 1) {
        assert.equal(await numbersIn((await cutAt(first, second)).key), all, `cut at command ${first}, then at ${second}`);
      }
    }
  });
}

crashes('at least once, cut off before and after each command: no record is missing (AL1)', async () => {
  const cutAt = async (cuts: Parameters<typeof runCut>[0]['cuts']): Promise<number> => {
    const key = newKey();
    const makeSink = (port: number): Sink<number> => listSink(key, { url: `redis://127.0.0.1:${port}`, delivery: 'at-least-once' });
    const messages = await runCut({ protocol: 'redis', port: server.port, records: all.length, cuts, makeSink });
    const numbers = await numbersIn(key);
    assert.equal([...new Set(numbers)].sort(), all, JSON.stringify(cuts));
    return messages;
  };
  const messages = await cutAt([]);
  assert.ok(messages >= 5, `${messages} commands`);
  for (let message = 1; message <= messages; message += 1)
    for (const mode of ['before', 'after'] as const) await cutAt([{ message, mode }]);
});

crashes('a reply that is cut, without a crash: the script is sent again, and its commands are applied once (RN3)', async () => {
  for (let message = 1; message <= 6; message += 1) {
    const key = newKey();
    const proxy = await CutProxy.start('redis', server.port);
    const sink = await start(listSink(key, { url: `redis://127.0.0.1:${proxy.port}` }));
    proxy.cutAt(message, 'broken');
    for (const id of [1, 2, 3, 4, 5, 6]) {
      await sink.write(id);
      await sink.snapshot(id);
      await sink.completed(id);
    }
    assert.equal(await numbersIn(key), [1, 2, 3, 4, 5, 6], `broken at command ${message}`);
    await sink.close();
    await proxy.close();
  }
});

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
crashes.after.each(closeAll);
crashes.run();

const test = suite('Redis sink');
test.after.each(closeAll);

interface Trade {
  readonly symbol: string;
  readonly price: number;
}

const trades: readonly Trade[] = [
  { symbol: 'A', price: 1.5 },
  { symbol: 'B', price: 2 },
  { symbol: 'A', price: 3 },
];

const writes: readonly (readonly [
  write: (key: string) => RedisWrite<Trade>,
  read: (key: string) => Promise<unknown>,
  expected: unknown,
])[] = [
  [
    (key) => ({ kind: 'set', key: ({ symbol }) => `${key}:${symbol}`, value: ({ price }) => price }),
    (key) => redis.mget(`${key}:A`, `${key}:B`),
    ['3', '2'],
  ],
  [
    (key) => ({ kind: 'set', key, expiresIn: '1 h' }),
    async (key) => [JSON.parse((await redis.get(key)) ?? ''), (await redis.pttl(key)) > 3_500_000],
    [{ symbol: 'A', price: 3 }, true],
  ],
  [
    (key) => ({ kind: 'hash', key, fields: ({ symbol, price }) => ({ [symbol]: price }) }),
    async (key) => redis.hgetall(key),
    { A: '3', B: '2' },
  ],
  [
    (key) => ({ kind: 'list', key, value: ({ symbol }) => Buffer.from(symbol), lengthMax: 2 }),
    (key) => redis.lrange(key, 0, -1),
    ['B', 'A'],
  ],
  [
    (key) => ({ kind: 'stream', key, fields: ({ symbol, price }) => ({ symbol, price }), lengthMax: 1_000 }),
    async (key) => (await redis.xrange(key, '-', '+')).map(([, fields]) => fields),
    [
      ['symbol', 'A', 'price', '1.5'],
      ['symbol', 'B', 'price', '2'],
      ['symbol', 'A', 'price', '3'],
    ],
  ],
  [
    (key) => ({
      kind: 'commands',
      commands: ({ symbol, price }) => [
        ['INCRBYFLOAT', `${key}:${symbol}`, price],
        ['SADD', key, symbol],
      ],
    }),
    async (key) => [await redis.mget(`${key}:A`, `${key}:B`), (await redis.smembers(key)).sort()],
    [
      ['4.5', '2'],
      ['A', 'B'],
    ],
  ],
];
for (const [write, read, expected] of writes) {
  for (const delivery of ['exactly-once', 'at-least-once'] as const) {
    test(`${write('').kind}, ${delivery}: Redis holds what the records say`, async () => {
      const key = newKey();
      const sink = await start(redisSink<Trade>({ url: redisUrl(server), write: write(key), delivery, noteKey: `${key}-notes` }));
      await sink.write(...trades);
      await sink.snapshot(1);
      await sink.completed(1);
      assert.equal(await read(key), expected);
    });
  }
}

test('a transaction of more than one piece is applied once, whole and in order (RT3)', async () => {
  const key = newKey();
  const sink = await start(listSink(key));
  const numbers = Array.from({ length: 3 * limits.sinkScriptWordsMax }, (_, number) => number);
  await sink.write(...numbers);
  const state = await sink.snapshot(1);
  await sink.completed(1);
  await start(listSink(key), { attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) });
  assert.equal(await numbersIn(key), numbers);
});

test('a command that Redis refuses stops the sink there; once that is mended, it goes on with that command (RT4)', async () => {
  const key = newKey();
  await redis.set(`${key}-2`, 'text');
  const make = (): Sink<number> =>
    listSink(key, {
      write: {
        kind: 'commands',
        commands: (number) => [
          ['RPUSH', number === 2 ? `${key}-2` : key, number],
          ['INCR', `${key}-count`],
        ],
      },
    });
  const sink = await start(make());
  await sink.write(1, 2, 3);
  const state = await sink.snapshot(1);
  const error = await failureOf(sink.completed(1));
  assert.is(error.code, 'REDIS_FAILED');
  assert.is(error.recovery, 'fail-job');
  assert.match(error.message, `RPUSH "${key}-2"`);
  assert.match(error.message, 'WRONGTYPE');
  assert.is(await redis.get(`${key}-count`), '1');
  const restore = { attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) };
  assert.is((await failureOf(start(make(), restore))).code, 'REDIS_FAILED');
  assert.is(await redis.get(`${key}-count`), '1');
  await redis.del(`${key}-2`);
  await start(make(), restore);
  assert.equal([await numbersIn(key), await numbersIn(`${key}-2`), await redis.get(`${key}-count`)], [[1, 3], [2], '3']);
});

test('a note that somebody overwrote with something else fails, and changes nothing', async () => {
  const key = newKey();
  await redis.set(`${key}-notes`, 'text');
  const sink = await start(listSink(key));
  await sink.write(1);
  await sink.snapshot(1);
  assert.match((await failureOf(sink.completed(1))).message, 'WRONGTYPE');
  assert.equal(await numbersIn(key), []);
});

const badRecords: readonly (readonly [what: string, write: RedisWrite<number>])[] = [
  ['no words', { kind: 'commands', commands: () => [[]] }],
  ['no list of words', { kind: 'commands', commands: () => ['SET a b' as unknown as string[]] }],
  ['a name that is none', { kind: 'commands', commands: () => [['', 'a']] }],
  ['an undefined word', { kind: 'set', key: () => undefined as unknown as string }],
  ['a number that is none', { kind: 'set', key: 'k', value: () => Number.NaN }],
  ['a hash without fields', { kind: 'hash', key: 'k', fields: () => ({}) }],
  ['an entry without fields', { kind: 'stream', key: 'k', fields: () => ({}), lengthMax: 5 }],
  ['an object among the words', { kind: 'list', key: 'k', value: () => ({}) as unknown as string }],
  ['too many words', { kind: 'commands', commands: () => [['SADD', ...Array.from({ length: 4_000 }, (_, n) => n)]] }],
];
for (const [what, write] of badRecords) {
  for (const delivery of ['exactly-once', 'at-least-once'] as const) {
    test(`${what}, ${delivery}: fails the job at the record (RW1)`, async () => {
      const sink = await start(listSink(newKey(), { write, delivery }));
      const error = await failureOf(sink.write(1));
      assert.is(error.code, 'SINK_BAD_COMMAND');
      assert.is(error.recovery, 'fail-job');
      assert.is(error.where, 'operator under test');
    });
  }
}

test('of a record whose second command is none nothing is in the transaction', async () => {
  const key = newKey();
  const write: RedisWrite<number> = { kind: 'commands', commands: (n) => [['RPUSH', key, n], n === 2 ? [] : ['RPUSH', key, -n]] };
  const sink = await start(listSink(key, { write }));
  await sink.write(1);
  assert.is((await failureOf(sink.write(2))).code, 'SINK_BAD_COMMAND');
  await sink.write(3);
  await sink.snapshot(1);
  await sink.completed(1);
  assert.equal(await numbersIn(key), [1, -1, 3, -3]);
});

test('a transaction beyond its bound fails the job, and says how to mend that', async () => {
  const sink = await start(listSink(newKey(), { transactionBytesMax: 1_000 }));
  const error = await failureOf(sink.write(...Array.from({ length: 100 }, (_, number) => number)));
  assert.is(error.code, 'SINK_TRANSACTION_TOO_LARGE');
  assert.match(error.hint ?? '', /checkpoints more often/);
});

test('at least once: a command that Redis refuses fails the task at the next barrier at the latest', async () => {
  const key = newKey();
  await redis.set(key, 'text');
  const sink = await start(listSink(key, { delivery: 'at-least-once' }));
  await sink.write(1);
  assert.match((await failureOf(sink.snapshot(1))).message, 'WRONGTYPE');
  assert.is(sink.bench.failures.length, 1);
});

test('a wrong password fails at once, and is in no message', async () => {
  const url = redisUrl(server).replace('redis://', 'redis://user:secret-word@');
  const sink = listSink(newKey(), { url });
  assert.not.match(JSON.stringify([sink.name, sink.data]), 'secret-word');
  const error = await failureOf(start(sink));
  assert.is(error.code, 'REDIS_ACCESS');
  assert.not.match(`${error.message} ${String(error.stack)}`, 'secret-word');
});

test('options that cannot work are refused when the job is built', () => {
  const write = { kind: 'list', key: 'k' } as const;
  assert.throws(
    () => redisSink({ url: 'http://x', write }),
    (error: unknown) => error instanceof MillraceError && error.code === 'CONFIG_INVALID',
  );
  const url = 'redis://x';
  assert.throws(() => redisSink({ url, write, noteKey: '' }), /noteKey/);
  assert.throws(() => redisSink({ url, write, delivery: 'once' as 'exactly-once' }), /delivery is "once"/);
  assert.throws(() => redisSink({ url, write, transactionBytesMax: 0.5 }), /transactionBytesMax/);
  assert.throws(() => redisSink({ url, write: { kind: 'set', key: 'k', expiresIn: 0 } }), /expiresIn/);
  assert.throws(() => redisSink({ url, write: { ...write, lengthMax: 0 } }), /lengthMax/);
});

test.after(async () => {
  await redis.quit();
  await server.dispose();
});
test.run();
