/** What is set for an embedded run has its effect, or is refused: nothing is ignored (ES1). */
import { readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { embeddedSettingsOf } from '../../cluster/embedded/embedded-settings.js';
import type { MiniCluster } from '../../cluster/embedded/mini-cluster.js';
import { run, type RunOptions } from '../../cluster/embedded/run.js';
import { Configuration } from '../../core/configuration/configuration.js';
import type { MillraceError } from '../../core/errors.js';
import { boundTests } from '../support/bounds.js';
import { temporaryDirectory } from '../support/temp-directory.js';

boundTests({ testMs: 60_000, fileMs: 150_000 });
const test = suite('settings of an embedded cluster');
const tally = new URL('../support/jobs/tally.js', import.meta.url).href;

const settingsOf = (flags: Readonly<Record<string, string | number>>) => embeddedSettingsOf(Configuration.load({ flags }));

test('a key that can have no effect in one process is refused by name, all of them at once', async () => {
  const refused: readonly [Readonly<Record<string, string>>, RegExp][] = [
    [{ 'nats.servers': 'nats://a:1' }, /"nats\.servers" has no effect/],
    [{ 'redis.url': 'redis://a:1', 'cluster.id': 'blue' }, /"redis\.url" has no effect[^]*"cluster\.id" has no effect/],
    [{ 'high-availability.type': 'redis' }, /"high-availability\.type" cannot be redis/],
    [{ 'taskmanager.resource-id': 'tm' }, /"taskmanager\.resource-id" has no effect/],
    [{ 'taskmanager.slot.isolation': 'process' }, /"taskmanager\.slot\.isolation" cannot be process/],
    [{ 'execution.checkpointing.storage': 'redis' }, /"execution\.checkpointing\.storage" cannot be redis/],
  ];
  for (const [flags, message] of refused) assert.throws(() => settingsOf(flags), message);
  await run(tally, { parameters: { records: '1', output: '/nowhere' }, configuration: { 'nats.servers': 'nats://a:1' } }).then(
    () => assert.unreachable('it ran'),
    (error: unknown) => assert.is((error as MillraceError).code, 'CONFIGURATION_INVALID'),
  );
  assert.equal(settingsOf({ 'high-availability.type': 'memory', 'heartbeat.timeout': '2 s' }).slots, undefined);
});

/** Runs the tally and cancels it after its second checkpoint; tells what was seen meanwhile. */
async function cancelled(options: RunOptions, look: (cluster: MiniCluster) => Promise<void> | void): Promise<void> {
  let cluster: MiniCluster | undefined;
  let looking: Promise<void> | undefined;
  const ended = run(tally, {
    ...options,
    onStarted: (started) => void (cluster = started),
    onProgress: ({ jobId, checkpointsCompleted }) => {
      if (cluster === undefined || checkpointsCompleted < 2) return;
      const { client } = cluster;
      looking ??= Promise.resolve(look(cluster)).then(async () => void (await client.cancel(jobId)));
    },
  });
  await ended.then(
    () => assert.unreachable('it finished before it was cancelled'),
    (error: unknown) => assert.match((error as Error).message, /is CANCELED/),
  );
  await looking;
}

test('checkpoints are written where the configuration says, and outlive the run when they are retained', async () => {
  const checkpoints = temporaryDirectory('checkpoints');
  const configuration = {
    'execution.checkpointing.dir': checkpoints,
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
  };
  await cancelled({ configuration, parameters: { records: '6000', rate: '600', output: temporaryDirectory('tally') } }, () => undefined);
  const [job] = readdirSync(checkpoints).filter((name) => /^[0-9a-f]{32}$/.test(name));
  assert.ok(readdirSync(`${checkpoints}/${job}`).length > 0, `a retained checkpoint in ${checkpoints}/${job}`);
});

test('slots, temporary directory and checkpoints in memory are as configured', async () => {
  const temporary = temporaryDirectory('tmp');
  const configuration = {
    'taskmanager.numberOfTaskSlots': 3,
    'io.tmp.dirs': temporary,
    'execution.checkpointing.storage': 'memory',
    'heartbeat.interval': '50 ms',
  };
  const parameters = { records: '6000', rate: '600', output: temporaryDirectory('tally') };
  await cancelled({ configuration, parameters, taskManagers: 1 }, async (cluster) => {
    const { taskManagers } = await cluster.client.overview();
    assert.equal(
      taskManagers.map(({ slots }) => slots.length),
      [3],
    );
    assert.is(cluster.directory.startsWith(`${temporary}/`), true);
    assert.not(readdirSync(cluster.directory).includes('checkpoints'));
  });
  assert.equal(readdirSync(temporary), []);
});

test.run();
