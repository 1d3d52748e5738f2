import { connect, createServer, type AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import type { MillraceError } from '../../core/errors.js';
import type { CheckpointId, JobId } from '../../core/ids.js';
import { openRedisLeaderStorage, openRedisStorage, type RedisStorageOptions } from '../../storage/redis/open-redis-storage.js';
import { parseRedisAddress } from '../../storage/redis/redis-address.js';
import { RedisClient } from '../../storage/redis/redis-client.js';
import { parseInfo, readServerFacts } from '../../storage/redis/redis-server-facts.js';
import { rejectsWith } from '../../testing/contracts/contract.js';
import { freePort, redisUrl, startOwnRedis, type ServerProcess } from '../support/servers.js';
import { recordingLogger, silentLogger } from '../support/silent-logger.js';
import { eventually, within } from '../support/within.js';

const test = suite('Redis failing');
const job = 'job' as JobId;

const optionsFor = (server: ServerProcess, more: Partial<RedisStorageOptions> = {}): RedisStorageOptions => ({
  url: redisUrl(server),
  name: 'test',
  clock: systemClock,
  logger: silentLogger,
  leaseTimeoutMs: 300,
  ...more,
});

async function withServer(run: (server: ServerProcess) => Promise<void>): Promise<void> {
  const server = await startOwnRedis();
  try {
    await run(server);
  } finally {
    server.resume();
    await server.dispose();
  }
}

test('an address where nothing listens is retried with back-off, named without its password, and given up when told (RC1)', async () => {
  const port = await freePort();
  const { logger, lines } = recordingLogger();
  const started = performance.now();
  const error = await rejectsWith(
    'REDIS_UNREACHABLE',
    openRedisStorage({ url: `redis://user:secret@127.0.0.1:${port}`, name: 'test', clock: systemClock, logger, giveUpAfterMs: 800 }),
  );
  assert.ok(performance.now() - started < 3_000);
  assert.match(error.message, `redis://user:***@127.0.0.1:${port}`);
  assert.match(error.message, 'ECONNREFUSED');
  const waits = lines.filter((line) => line.message.includes('cannot reach Redis')).map((line) => line.fields['delayMs'] as number);
  assert.equal(waits.slice(0, 2), [100, 200]);
  assert.not(JSON.stringify([error.message, lines]).includes('secret'));
});

test('a server that comes up later is reached', async () => {
  const port = await freePort();
  const opening = openRedisStorage({
    url: `redis://127.0.0.1:${port}`,
    name: 'test',
    clock: systemClock,
    logger: silentLogger,
    giveUpAfterMs: 20_000,
  });
  const server = await startOwnRedis(port);
  try {
    const storage = await within(15_000, opening, 'the connection');
    assert.is((await storage.checkpoints.write('job/1/a/state/0', new Uint8Array(3))).bytes, 3);
    await storage.close();
  } finally {
    await server.dispose();
  }
});

test('a server that is slow to tell its settings does not fail the connection, also a prompt one (RC1)', () =>
  withServer(async (server) => {
    let held = 0;
    // Lower case is the client library's own look at the server.
    const proxy = createServer((client) => {
      const behind = connect(server.port, '127.0.0.1');
      client.on('data', (bytes) => {
        if (!bytes.includes('INFO') || held++ > 0) {
          behind.write(bytes);
          return;
        }
        client.pause();
        systemClock.setTimer(500, () => {
          behind.write(bytes);
          client.resume();
        });
      });
      behind.on('data', (bytes) => client.write(bytes));
      client.on('close', () => behind.destroy());
      for (const socket of [client, behind]) socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', () => resolve()));
    try {
      const { port } = proxy.address() as AddressInfo;
      const client = await within(
        10_000,
        RedisClient.connect({
          url: `redis://127.0.0.1:${port}`,
          name: 'test',
          clock: systemClock,
          logger: silentLogger,
          mode: { kind: 'prompt', commandTimeoutMs: 200 },
        }),
        'the connection',
      );
      assert.ok(held > 1, 'it was asked again');
      assert.match(client.serverFacts.durability, 'survives');
      await client.share().close();
    } finally {
      proxy.close();
    }
  }));

test('a refused login is told at once and not retried (RC1)', () =>
  withServer(async (server) => {
    const admin = await RedisClient.connect({
      url: redisUrl(server),
      name: 'admin',
      clock: systemClock,
      logger: silentLogger,
      mode: { kind: 'patient' },
    });
    await admin.command('CONFIG', 'SET', 'requirepass', 'right');
    for (const user of ['', ':wrong@']) {
      const url = redisUrl(server).replace('//', `//${user}`);
      const error = await within(5_000, rejectsWith('REDIS_ACCESS', openRedisStorage(optionsFor(server, { url }))), 'the refusal');
      assert.not.match(error.message, 'wrong@');
    }
    const storage = await openRedisStorage(optionsFor(server, { url: redisUrl(server).replace('//', '//:right@') }));
    await storage.close();
    await admin.share().close();
  }));

test('a server that may evict is refused, with the setting to change (RF1)', () =>
  withServer(async (server) => {
    const admin = await RedisClient.connect({
      url: redisUrl(server),
      name: 'admin',
      clock: systemClock,
      logger: silentLogger,
      mode: { kind: 'patient' },
    });
    await admin.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    const error = await rejectsWith('REDIS_EVICTS', openRedisStorage(optionsFor(server)));
    assert.match((error as MillraceError).hint ?? '', 'noeviction');
    await admin.share().close();
  }));

test('a replica is refused (RF2)', () => {
  const info = parseInfo('# Replication\r\nrole:slave\r\nmaxmemory_policy:noeviction\r\n');
  assert.throws(
    () => readServerFacts(info, undefined, 'redis://host:6379'),
    (error: unknown) => (error as MillraceError).code === 'REDIS_REPLICA',
  );
});

test('what survives is read from the server and said, as a warning when it is less than everything (RF3)', () =>
  withServer(async (server) => {
    const admin = await RedisClient.connect({
      url: redisUrl(server),
      name: 'admin',
      clock: systemClock,
      logger: silentLogger,
      mode: { kind: 'patient' },
    });
    const said = async () => {
      const { logger, lines } = recordingLogger();
      const storage = await openRedisLeaderStorage(optionsFor(server, { logger }));
      assert.is(storage.ha.durability, storage.checkpoints.durability);
      await storage.close();
      return lines.map((line) => `${line.level}: ${line.message}`).join('\n');
    };
    assert.match(await said(), /^info: .*fsync always.*survives a crash/);
    await admin.command('CONFIG', 'SET', 'appendfsync', 'everysec');
    assert.match(await said(), /^warn: .*last second.*doubles output/);
    await admin.command('CONFIG', 'SET', 'appendonly', 'no');
    assert.match(await said(), /^warn: .*without append-only file.*doubles output/);
    await admin.share().close();
  }));

/** Ends a server and starts one with other settings on its port and data. */
async function comeBackAs(server: ServerProcess, ...settings: readonly string[]): Promise<void> {
  await server.kill();
  await server.start(settings);
}

test('a server that comes back with less durability is read again, and that is said (RC4)', () =>
  withServer(async (server) => {
    const { logger, lines } = recordingLogger();
    const storage = await openRedisLeaderStorage(optionsFor(server, { logger }));
    assert.match(storage.ha.durability, /survives a crash/);
    await comeBackAs(server, '--appendonly', 'no');
    const said = await eventually(
      20_000,
      async () => lines.find(({ message }) => message.includes('came back with other settings')),
      'the log line',
    );
    assert.is(said.level, 'warn');
    assert.match(said.message, /without append-only file/);
    await storage.checkpoints.write('job/1/a/state/0', new Uint8Array(3));
    assert.match(storage.ha.durability, /without append-only file/);
    assert.match(storage.checkpoints.durability, /without append-only file/);
    await storage.close();
  }));

test('a server that comes back and may evict is refused for good, with the setting to change (RC4, RF1)', () =>
  withServer(async (server) => {
    const lost: MillraceError[] = [];
    const storage = await openRedisStorage(optionsFor(server, { onLost: (error) => lost.push(error) }));
    await comeBackAs(server, '--maxmemory-policy', 'allkeys-lru');
    const refused = await eventually(20_000, async () => lost[0], 'the refusal');
    assert.is(refused.code, 'REDIS_EVICTS');
    assert.match(refused.hint ?? '', 'noeviction');
    await rejectsWith('REDIS_EVICTS', storage.checkpoints.write('job/1/a/state/0', new Uint8Array(3)));
    await storage.close();
    assert.is(lost.length, 1, 'told once');
  }));

test('a connection that is closed by its user is not lost', () =>
  withServer(async (server) => {
    const lost: MillraceError[] = [];
    const storage = await openRedisStorage(optionsFor(server, { onLost: (error) => lost.push(error) }));
    await storage.close();
    await server.kill();
    assert.equal(lost, []);
  }));

test('records and chunks survive a kill and restart of the server; what was asked meanwhile waits and is done (RC2)', () =>
  withServer(async (server) => {
    const storage = await openRedisLeaderStorage(optionsFor(server));
    const { ha, checkpoints } = storage;
    const answer = await ha.acquire('a', 60_000);
    assert.ok(answer.kind === 'granted');
    if (answer.kind !== 'granted') return;
    const { token } = answer;
    const before = await checkpoints.write('job/1/a/state/0', new Uint8Array(300_000).fill(1));
    await ha.addCheckpoint(token, job, { checkpointId: 1 as CheckpointId, metadata: before }, 1);
    assert.is(await ha.nextCheckpointId(token, job), 1);
    await server.kill();
    const during = checkpoints.write('job/2/a/state/0', new Uint8Array(300_000).fill(2));
    const id = ha.nextCheckpointId(token, job);
    await rejectsWith('REDIS_FAILED', ha.renew(token, 60_000));
    await server.start();
    const written = await within(20_000, during, 'the write');
    assert.ok((await within(20_000, id, 'the id')) >= 2);
    assert.is((await checkpoints.read(before)).length, 300_000);
    assert.is((await checkpoints.read(written))[0], 2);
    assert.is((await ha.checkpoints(job)).length, 1);
    const renewed = await eventually(20_000, () => ha.renew(token, 60_000).catch(() => undefined), 'a renewal');
    assert.is(renewed.kind, 'granted');
    await storage.close();
  }));

test('a renewal to a server that hangs fails within its time limit, while records are still waiting (RH2)', () =>
  withServer(async (server) => {
    const storage = await openRedisLeaderStorage(optionsFor(server));
    const answer = await storage.ha.acquire('a', 60_000);
    assert.ok(answer.kind === 'granted');
    if (answer.kind !== 'granted') return;
    server.pause();
    const waiting = storage.checkpoints.write('job/1/a/state/0', new Uint8Array(10));
    const started = performance.now();
    const error = await rejectsWith('REDIS_FAILED', storage.ha.renew(answer.token, 60_000));
    assert.is((error as MillraceError).recovery, 'retry');
    assert.ok(performance.now() - started < 2_000);
    server.resume();
    await within(10_000, waiting, 'the write');
    await eventually(10_000, () => storage.ha.renew(answer.token, 60_000).catch(() => undefined), 'a renewal');
    await storage.close();
  }));

test('the deadline of a lease counts from before the request was sent (RH2)', () =>
  withServer(async (server) => {
    const storage = await openRedisLeaderStorage(optionsFor(server, { leaseTimeoutMs: 5_000 }));
    server.pause();
    const sentAt = systemClock.monotonic();
    const asking = storage.ha.acquire('a', 10_000);
    systemClock.setTimer(300, () => server.resume());
    const answer = await asking;
    assert.ok(answer.kind === 'granted');
    if (answer.kind !== 'granted') return;
    assert.ok(systemClock.monotonic() - sentAt >= 290, 'the answer came late');
    assert.ok(answer.deadline - sentAt < 10_100, `the deadline is ${answer.deadline - sentAt} ms after sending`);
    await storage.close();
  }));

test('giving up on a server that went away fails what waits, with its address (RC1)', () =>
  withServer(async (server) => {
    const lost: MillraceError[] = [];
    const storage = await openRedisStorage(optionsFor(server, { giveUpAfterMs: 500, onLost: (error) => lost.push(error) }));
    await server.kill();
    const error = await within(
      10_000,
      rejectsWith('REDIS_UNREACHABLE', storage.checkpoints.write('job/1/a/state/0', new Uint8Array(1))),
      'giving up',
    );
    assert.match(error.message, `127.0.0.1:${server.port}`);
    await rejectsWith('REDIS_UNREACHABLE', storage.checkpoints.listBefore(job, 5 as CheckpointId));
    assert.equal(
      lost.map(({ code }) => code),
      ['REDIS_UNREACHABLE'],
    );
    await storage.close();
  }));

test('a full server refuses writes and keeps what it has', () =>
  withServer(async (server) => {
    const storage = await openRedisStorage(optionsFor(server));
    const kept = await storage.checkpoints.write('job/1/a/state/0', new Uint8Array(1_000));
    const admin = await RedisClient.connect({
      url: redisUrl(server),
      name: 'admin',
      clock: systemClock,
      logger: silentLogger,
      mode: { kind: 'patient' },
    });
    await admin.command('CONFIG', 'SET', 'maxmemory', '1mb');
    const error = await rejectsWith('REDIS_FAILED', storage.checkpoints.write('job/2/a/state/0', new Uint8Array(900_000)));
    assert.match(error.message, 'OOM');
    assert.is((await storage.checkpoints.read(kept)).length, 1_000);
    await admin.share().close();
    await storage.close();
  }));

test('an address that is none is refused before anything connects', () => {
  for (const text of ['', 'localhost:6379', 'http://host', 'redis://', 'nats://host:4222']) {
    assert.throws(
      () => parseRedisAddress(text),
      (error: unknown) => (error as MillraceError).code === 'CONFIG_INVALID',
      text,
    );
  }
  assert.is(parseRedisAddress('rediss://user:pass@host/3').shown, 'rediss://user:***@host:6379/3');
  assert.is(parseRedisAddress('redis://[::1]:7000').shown, 'redis://[::1]:7000');
});

test.run();
