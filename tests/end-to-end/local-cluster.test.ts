/** `npm run cluster` and what goes wrong with it: servers, ports, logins, Ctrl-C. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { boundTests } from '../support/bounds.js';
import { runScript, startTestCluster, type TestCluster } from '../support/process-cluster.js';
import { freePort, natsUrl, redisUrl, startOwnNats, startOwnRedis } from '../support/servers.js';
import { temporaryDirectory } from '../support/temp-directory.js';
import { eventually } from '../support/within.js';

boundTests({ testMs: 60_000, fileMs: 240_000 });
const test = suite('a local cluster and its troubles');
const tally = join(fileURLToPath(new URL('../support/jobs/', import.meta.url)), 'tally.js');
const temporary = temporaryDirectory('local-cluster-tmp');
const env = { TMPDIR: temporary };

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

function occupy(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

test('Ctrl-C ends everything with exit code 130; a usual port that is taken is said and another one found', async () => {
  // Taken by us, or by whoever holds it already.
  const squatter = await occupy(4222);
  let isAsked = false;
  const { exitCode, output, errors } = await runScript('cluster.js', [], {
    env,
    onOutput: (text, signal) => {
      if (isAsked || !text.includes('stop with Ctrl-C')) return;
      isAsked = true;
      // npm hands on the Ctrl-C that the terminal sends to everybody: two signals, one wish.
      signal('SIGINT');
      setTimeout(() => signal('SIGINT'), 50);
    },
  });
  squatter?.close();
  assert.is(exitCode, 130, errors);
  assert.is(errors, '');
  assert.match(output, 'port 4222 is in use: the nats-server of this cluster takes another one');
  assert.match(output, /stopping/);
  const pids = [...output.matchAll(/runs with pid (\d+)/g)].map(([, pid]) => Number(pid));
  assert.is(pids.length, 3);
  for (const pid of pids) assert.not(isAlive(pid));
  assert.equal(
    readdirSync(temporary).filter((name) => !/^millrace-(\d+|user)$/.test(name)),
    [],
  );
});

test('secrets are on no terminal and in no command line; the command for a client is complete', async () => {
  let commandLines = '';
  const { output, errors } = await runScript('cluster.js', ['-D', 'cluster.id=blue', '-D', 'nats.token=hunter2'], {
    env,
    onOutput: (text, signal) => {
      if (commandLines !== '' || !text.includes('stop with Ctrl-C')) return;
      const pids = [...text.matchAll(/runs with pid (\d+)/g)].map(([, pid]) => pid as string);
      commandLines = spawnSync('ps', ['-o', 'args=', '-p', pids.join(',')], { encoding: 'utf8' }).stdout;
      signal('SIGINT');
    },
  });
  assert.match(commandLines, /cluster\.id=blue/);
  assert.not.match(`${commandLines}${output}${errors}`, /hunter2/);
  assert.match(output, /MILLRACE_NATS_TOKEN='\*{6}' npx millrace run \S+ -D cluster\.id=blue -D nats\.servers=nats:\S+\n/);
});

test('a server that is not where it is said to be is named', async () => {
  const { exitCode, errors } = await runScript('cluster.js', [], { env: { ...env, MILLRACE_NATS_SERVER: '/nowhere/nats-server' } });
  assert.is(exitCode, 1);
  assert.match(
    errors,
    /nats-server did not start on port \d+: spawn \/nowhere\/nats-server ENOENT .*It was started as \/nowhere\/nats-server/,
  );
});

test('a wrong password ends the cluster at once, with the address, without the password', async () => {
  const redis = await startOwnRedis();
  try {
    await redis.stop();
    await redis.start(['--requirepass', 'right']);
    const { exitCode, output } = await runScript('cluster.js', ['-D', `redis.url=redis://:wrong@127.0.0.1:${redis.port}`], {
      env: { TMPDIR: temporaryDirectory('left-logs') },
    });
    assert.is(exitCode, 1);
    assert.match(
      output,
      /(?:jm|tm)-\d ended \(exit code 2\): it is not started again\n {2}Redis at redis:\/\/:\*\*\*@127\.0\.0\.1:\d+ refused the login/,
    );
    assert.match(output, /no (?:JobManager|TaskManager) is left\nlogs are left in /);
    assert.not.match(output, 'wrong@');
  } finally {
    await redis.dispose();
  }
});

test('a Redis that may evict is refused, with the setting to change', async () => {
  const redis = await startOwnRedis();
  try {
    await redis.stop();
    await redis.start(['--maxmemory-policy', 'allkeys-lru']);
    const { exitCode, errors } = await runScript('job-manager.js', [
      '-D',
      'high-availability.type=redis',
      '-D',
      `redis.url=${redisUrl(redis)}`,
    ]);
    assert.is(exitCode, 2);
    assert.match(errors, /maxmemory-policy allkeys-lru: .*Set maxmemory-policy noeviction/);
  } finally {
    await redis.dispose();
  }
});

test('a NATS that refuses the login is named, without the password', async () => {
  const nats = await startOwnNats();
  try {
    await nats.stop();
    await nats.start(['--user', 'mill', '--pass', 'right']);
    const address = natsUrl(nats).replace('//', '//mill:wrong@');
    const { exitCode, errors } = await runScript('client.js', ['list', '-D', `nats.servers=${address}`]);
    assert.is(exitCode, 1);
    assert.match(errors, `NATS at ${natsUrl(nats)} refused the connection: 'Authorization Violation'. [NATS_REFUSED] Check user`);
    assert.not.match(errors, 'wrong');
  } finally {
    await nats.dispose();
  }
});

test('a process that is asked to stop while it looks for Redis stops within seconds', async () => {
  const words = ['-D', 'high-availability.type=redis', '-D', `redis.url=redis://127.0.0.1:${await freePort()}`];
  let askedAt = 0;
  const { exitCode, errors } = await runScript('job-manager.js', words, {
    onErrors: (text, signal) => {
      if (askedAt > 0 || !text.includes('cannot reach Redis')) return;
      askedAt = performance.now();
      signal('SIGTERM');
    },
  });
  assert.is(exitCode, 0, errors);
  assert.ok(performance.now() - askedAt < 8_000);
});

test('Ctrl-C while an example runs embedded: exit code 130, no threads, no files', async () => {
  let isAsked = false;
  const { exitCode, errors } = await runScript('example.js', ['03', '--readings', '100000', '--rate', '100'], {
    env,
    onErrors: (text, signal) => {
      if (isAsked || !text.includes('RUNNING')) return;
      isAsked = true;
      signal('SIGINT');
    },
  });
  assert.is(exitCode, 130, errors);
  assert.match(errors, /\nstopping\n$/);
  assert.equal(
    readdirSync(temporary).filter((name) => !/^millrace-(\d+|user)$/.test(name)),
    [],
  );
});

let world: TestCluster;

test('Ctrl-C while a job is followed cancels it: exit code 130; SIGTERM leaves it to itself: 143', async () => {
  world = await startTestCluster();
  const follow = (signalName: NodeJS.Signals): ReturnType<typeof runScript> => {
    let isAsked = false;
    const words = ['run', ...world.flags, tally, '--', '--records', '1000000', '--rate', '500', '--output', temporaryDirectory('followed')];
    return runScript('client.js', words, {
      onErrors: (text, signal) => {
        if (isAsked || !text.includes('RUNNING')) return;
        isAsked = true;
        signal(signalName);
      },
    });
  };
  const [cancelled, left] = await Promise.all([follow('SIGINT'), follow('SIGTERM')]);
  assert.is(cancelled.exitCode, 130, cancelled.errors);
  assert.match(cancelled.errors, /cancelling the job; press Ctrl-C again to leave at once/);
  assert.match(cancelled.output, /tally: CANCELED/);
  assert.is(left.exitCode, 143, left.errors);
  const id = /job (\w+) is left to itself: see `millrace status/.exec(left.errors)?.[1] as string;
  assert.is((await world.ask((client) => client.describe(id as never)))?.status, 'RUNNING');
  await world.ask((client) => client.cancel(id as never));
});

test('a nats-server that dies is started again, said with how it ended, and the cluster goes on', async () => {
  const nats = world.cluster.nats as NonNullable<TestCluster['cluster']['nats']>;
  const before = nats.pid as number;
  process.kill(before, 'SIGKILL');
  await eventually(20_000, () => nats.pid !== undefined && nats.pid !== before && isAlive(nats.pid), 'another nats-server');
  assert.match(world.said().join('\n'), /nats-server ended \(SIGKILL.*\): starting it again/);
  const { exitCode, output, errors } = await world.millrace('list');
  assert.is(exitCode, 0, errors);
  assert.match(output, /CANCELED/);
});

test.after(() => world?.stop());
test.run();
