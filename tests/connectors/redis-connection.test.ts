/** The connection of connectors to Redis, against a real redis-server. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { RedisConnection } from '../../connectors/redis/redis-connection.js';
import { limits } from '../../core/limits.js';
import type { Clock } from '../../core/ports.js';
import { boundTests } from '../support/bounds.js';
import { failureOf } from '../support/failure-of.js';
import { redisUrl, startOwnRedis } from '../support/servers.js';
import { recordingLogger, silentLogger } from '../support/silent-logger.js';
import { eventually } from '../support/within.js';

boundTests({ testMs: 30_000, fileMs: 120_000 });

const contextWith = (clock: Clock) => ({ clock, logger: silentLogger, operatorName: 'under test' });

const test = suite('Redis connection');

test('a command that waits while the server is away is sent when it is back; beyond the bound it fails (RN3)', async () => {
  const server = await startOwnRedis();
  let passedMs = 0;
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + passedMs };
  const { logger, lines } = recordingLogger();
  const connection = await RedisConnection.open({ server: { url: redisUrl(server) }, context: { ...contextWith(clock), logger } });
  try {
    await server.kill();
    const waiting = connection.command('PING');
    await server.start();
    assert.is(String(await waiting), 'PONG');
    const linesBefore = lines.length;
    await server.kill();
    const inVain = failureOf(connection.command('PING'));
    await eventually(5_000, () => lines.length > linesBefore, 'the connection to be lost');
    passedMs = 2 * limits.connectorAwayMs;
    const error = await inVain;
    assert.is(error.code, 'REDIS_UNREACHABLE');
    assert.is(error.recovery, 'restart-job');
    assert.is(error.where, 'under test');
  } finally {
    connection.close();
    await server.dispose();
  }
});

test('an opening that is given up ends its tries', async () => {
  const giveUp = new AbortController();
  const tries: string[] = [];
  const logger = {
    ...silentLogger,
    log: (_level: string, message: string) => {
      tries.push(message);
      giveUp.abort();
    },
  };
  const context = { ...contextWith(systemClock), logger };
  const error = await failureOf(RedisConnection.open({ server: { url: 'redis://127.0.0.1:9' }, context, signal: giveUp.signal }));
  assert.is(error.code, 'REDIS_UNREACHABLE');
  assert.is(tries.length, 1);
});

test('what was asked wrongly fails the job, with what Redis said', async () => {
  const server = await startOwnRedis();
  const connection = await RedisConnection.open({ server: { url: redisUrl(server) }, context: contextWith(systemClock) });
  try {
    await connection.command('SET', 'text', 'x');
    const error = await failureOf(connection.command('XLEN', 'text'));
    assert.is(error.code, 'REDIS_FAILED');
    assert.is(error.recovery, 'fail-job');
    assert.match(error.message, /could not run XLEN: .*WRONGTYPE/);
  } finally {
    connection.close();
    await server.dispose();
  }
});

test.run();
