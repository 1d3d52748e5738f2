/** Processes that find no server say which address, try again, and give up with an exit code when told to. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { boundTests } from '../support/bounds.js';
import { runScript } from '../support/process-cluster.js';
import { freePort, natsUrl, redisUrl, startOwnNats, startOwnRedis } from '../support/servers.js';

boundTests({ testMs: 60_000, fileMs: 200_000 });
const test = suite('unreachable servers');
const job = join(fileURLToPath(new URL('../support/jobs/', import.meta.url)), 'failing.js');

test('a JobManager that reaches no Redis names the address and gives up when told to', async () => {
  const address = `redis://127.0.0.1:${await freePort()}`;
  const words = ['-D', 'high-availability.type=redis', '-D', `redis.url=${address}`, '-D', 'redis.connect.give-up-after=1s'];
  const { exitCode, errors } = await runScript('job-manager.js', words);
  assert.is(exitCode, 1, errors);
  assert.ok(errors.includes(address.slice('redis://'.length)), errors);
});

test('a TaskManager that reaches no NATS names the address and gives up when told to', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const words = ['-D', `nats.servers=nats://${address}`, '-D', 'nats.connect.give-up-after=1s'];
  const storage = ['-D', 'execution.checkpointing.storage=filesystem', '-D', 'execution.checkpointing.dir=/tmp'];
  const { exitCode, errors } = await runScript('task-manager.js', [...words, ...storage]);
  assert.is(exitCode, 1, errors);
  assert.ok(errors.includes(address), errors);
});

test('a JobManager whose NATS or Redis went away for too long ends with an error that names it', async () => {
  const nats = await startOwnNats();
  const redis = await startOwnRedis();
  try {
    for (const server of [nats, redis]) {
      let isKilled = false;
      const { exitCode, errors } = await runScript(
        'job-manager.js',
        [
          ...['-D', 'high-availability.type=redis', '-D', `redis.url=${redisUrl(redis)}`, '-D', `nats.servers=${natsUrl(nats)}`],
          ...['-D', 'nats.connect.give-up-after=1s', '-D', 'redis.connect.give-up-after=1s'],
        ],
        {
          onErrors: (text) => {
            if (isKilled || !text.includes('this JobManager leads')) return;
            isKilled = true;
            void server.kill();
          },
        },
      );
      assert.ok(isKilled, errors);
      assert.is(exitCode, 1, errors);
      assert.match(errors, new RegExp(`cannot go on: .*127\\.0\\.0\\.1:${server.port}`));
      await server.start();
    }
  } finally {
    await nats.dispose();
    await redis.dispose();
  }
});

test('a client that reaches no NATS names the address and leaves with exit code 1', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const { exitCode, errors } = await runScript('client.js', [
    'run',
    '-D',
    `nats.servers=nats://${address}`,
    '-D',
    'nats.connect.give-up-after=1s',
    job,
  ]);
  assert.is(exitCode, 1, errors);
  assert.ok(errors.includes(address), errors);
});

test('a client that finds no JobManager says that it waits, then leaves with exit code 1', async () => {
  const nats = await startOwnNats();
  try {
    const { exitCode, errors } = await runScript('client.js', ['list', '-D', `nats.servers=${natsUrl(nats)}`]);
    assert.is(exitCode, 1, errors);
    assert.match(errors, /no JobManager answers; waiting for one/);
    assert.match(errors, /no JobManager answered job.list/);
  } finally {
    await nats.dispose();
  }
});

test('a TaskManager asked to stop while it still looks for NATS stops in order', async () => {
  const words = ['-D', `nats.servers=nats://127.0.0.1:${await freePort()}`];
  const storage = ['-D', 'execution.checkpointing.storage=filesystem', '-D', 'execution.checkpointing.dir=/tmp'];
  let isAsked = false;
  const { exitCode, errors } = await runScript('task-manager.js', [...words, ...storage], {
    onErrors: (_text, signal) => {
      if (!isAsked) signal('SIGTERM');
      isAsked = true;
    },
  });
  assert.is(exitCode, 0, errors);
});

test.run();
