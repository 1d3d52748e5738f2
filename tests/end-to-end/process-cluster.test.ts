/** What people do to a cluster of processes, through the command line. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { jobId } from '../../core/ids.js';
import { committedLines } from '../../scripts/chaos/committed-lines.js';
import { boundTests } from '../support/bounds.js';
import { expectedTallies } from '../support/jobs/tally.js';
import { runScript, startTestCluster, type TestCluster } from '../support/process-cluster.js';
import { temporaryDirectory } from '../support/temp-directory.js';
import { eventually } from '../support/within.js';

boundTests({ testMs: 100_000, fileMs: 400_000 });
const test = suite('a cluster of processes');
const jobs = fileURLToPath(new URL('../support/jobs/', import.meta.url));
let world: TestCluster;

test.before(async () => {
  world = await startTestCluster(['execution.checkpointing.externalized-checkpoint-retention=RETAIN_ON_CANCELLATION']);
});
test.after(() => world.stop());

const tally = (output: string, records: number, rate: number): string[] => [
  join(jobs, 'tally.js'),
  '--',
  '--records',
  String(records),
  '--rate',
  String(rate),
  '--output',
  output,
];

async function submit(...words: string[]): Promise<string> {
  const { exitCode, output, errors } = await world.millrace('run', '--detached', '--json', ...words);
  assert.is(exitCode, 0, errors);
  return (JSON.parse(output) as { readonly jobId: string }).jobId;
}

/** What the cluster says of a job, once it is as it should be. */
function until(id: string, isReached: (job: JobSummary) => boolean, what: string): Promise<JobSummary> {
  return world.ask((client) =>
    eventually(
      60_000,
      async () => {
        const job = await client.describe(jobId(id));
        return job !== undefined && isReached(job) && job;
      },
      `job ${id} to ${what}`,
      50,
    ),
  );
}

const underWay = (id: string): Promise<unknown> => until(id, (job) => job.checkpointsCompleted >= 2, 'write two checkpoints');

test('two jobs at once do not get in the way of each other, and `run` tells their end', async () => {
  const outputs = [temporaryDirectory('tally'), temporaryDirectory('tally')] as const;
  const [first, second] = await Promise.all([
    world.millrace('run', ...tally(outputs[0], 4_000, 2_000)),
    world.millrace('run', ...tally(outputs[1], 3_000, 2_000)),
  ]);
  assert.is(first.exitCode, 0, first.errors);
  assert.is(second.exitCode, 0, second.errors);
  assert.match(first.output, /tally: FINISHED/);
  assert.equal(committedLines(outputs[0]), expectedTallies(4_000, 7));
  assert.equal(committedLines(outputs[1]), expectedTallies(3_000, 7));
});

test('a function that throws fails its job with the first cause, which names the operator', async () => {
  const { exitCode, output, errors } = await world.millrace('run', join(jobs, 'failing.js'));
  assert.is(exitCode, 1);
  assert.match(`${output}${errors}`, /failing: FAILED/);
  assert.match(output, /cannot digest 500/);
  assert.match(output, /digestion/);
});

test('a job that gets too few slots fails after slot.request.timeout, and says so', async () => {
  const words = tally(temporaryDirectory('tally'), 1_000, 1_000);
  const { exitCode, output } = await world.millrace('run', '-D', 'slot.request.timeout=1s', ...words, '--parallelism', '9');
  assert.is(exitCode, 1);
  assert.match(output, /FAILED/);
  assert.match(output, /slot/i);
});

test('a job that waits for slots says how many it needs and how many there are', async () => {
  const id = await submit(...tally(temporaryDirectory('tally'), 1_000, 1_000), '--parallelism', '9');
  const waiting = await until(id, ({ shortage }) => shortage !== undefined, 'be short of slots');
  assert.equal(waiting.shortage, { required: 9, available: 4, taskManagers: 2 });
  const status = await world.millrace('status', id);
  assert.match(status.output, /RUNNING {2}waits for slots: 9 needed, 4 available on 2 TaskManagers/);
  assert.match(world.log('jm-1'), /the job waits for slots.*/);
  await world.millrace('cancel', id);
  const ended = await until(id, ({ status }) => status === 'CANCELED', 'be cancelled');
  assert.is(ended.shortage, undefined);
});

test('a cancelled job stops, keeps its checkpoint when told to, and another goes on from there', async () => {
  const output = temporaryDirectory('tally');
  const id = await submit(...tally(output, 12_000, 600));
  await underWay(id);
  const cancelled = await world.millrace('cancel', id);
  assert.match(cancelled.output, /CANCELED/);
  const before = committedLines(output);
  assert.ok(before.length > 0 && before.length < 12_000, `${before.length} lines when it was cancelled`);
  const { latestCheckpointId } = await until(id, ({ status }) => status === 'CANCELED', 'be cancelled');
  const again = await world.millrace('run', '--from', `${id}/${latestCheckpointId}`, ...tally(output, 12_000, 20_000));
  assert.is(again.exitCode, 0, again.output);
  assert.match(again.errors, /kept {2}.*, state "/);
  assert.equal(committedLines(output), expectedTallies(12_000, 7));
});

test('a job whose state looks different goes on from its checkpoint when it says how, and is refused by name when it does not', async () => {
  const output = temporaryDirectory('changing');
  const changing = (release: number, rate: number): string[] => [
    join(jobs, 'changing.js'),
    ...['--', '--release', String(release), '--records', '6000', '--rate', String(rate), '--output', output],
  ];
  const id = await submit(...changing(1, 600));
  await underWay(id);
  await world.millrace('cancel', id);
  const { latestCheckpointId } = await until(id, ({ status }) => status === 'CANCELED', 'be cancelled');
  const from = ['--from', `${id}/${latestCheckpointId}`];
  const broken = await world.millrace('run', ...from, '-n', ...changing(3, 600));
  assert.is(broken.exitCode, 1);
  assert.match(broken.errors, /"count", state "count": it has version 1 .* does not say how to migrate/);
  assert.match(broken.errors, /"count", state "last": it is a value state in the checkpoint and a list state in the program/);
  const dropping = await world.millrace('run', ...from, ...changing(2, 600));
  assert.is(dropping.exitCode, 1);
  assert.match(dropping.errors, /"count", state "last"[^]*--allowNonRestoredState/);
  const again = await world.millrace('run', ...from, '--allowNonRestoredState', ...changing(2, 20_000));
  assert.is(again.exitCode, 0, again.errors);
  for (const line of [/migrated {2}count, state "count"/, /new {7}count, state "earliest"/, /dropped {3}count, state "last"/]) {
    assert.match(again.errors, line);
  }
  assert.equal(committedLines(output), expectedTallies(6_000, 7));
});

test('a checkpoint that does not exist is named', async () => {
  const { exitCode, output, errors } = await world.millrace('run', '--from', 'nothing/7', ...tally(temporaryDirectory('tally'), 10, 10));
  assert.is(exitCode, 1);
  assert.match(`${output}${errors}`, /nothing\/7/);
});

test('a second JobManager waits as a non-leader and says so; SIGTERM ends it in order', async () => {
  let isAsked = false;
  const { exitCode, errors } = await runScript('job-manager.js', world.flags, {
    onErrors: (text, signal) => {
      if (isAsked || !text.includes('waiting as a non-leader')) return;
      isAsked = true;
      signal('SIGTERM');
    },
  });
  assert.match(errors, /another JobManager leads this cluster: waiting as a non-leader/);
  assert.match(errors, /"leader":"jm-1-/);
  assert.is(exitCode, 0, errors);
});

test('the JobManager is killed through kill-actor, starts again and finishes its job', async () => {
  const output = temporaryDirectory('tally');
  const id = await submit(...tally(output, 9_000, 800));
  await underWay(id);
  const before = world.cluster.process('jm-1')?.pid;
  const killed = await runScript('kill-actor.js', ['job-manager', ...world.flags]);
  assert.is(killed.exitCode, 0, killed.errors);
  assert.match(killed.output, new RegExp(`sent SIGKILL to job-manager, pid ${before}`));
  await until(id, ({ status }) => status === 'FINISHED', 'finish');
  assert.is(world.cluster.process('jm-1')?.restarts, 1);
  assert.match(world.log('jm-1'), /recovering a job from the store/);
  assert.equal(committedLines(output), expectedTallies(9_000, 7));
});

test('kill-actor names the actors there are when it is asked for another', async () => {
  await world.cluster.ready(30_000);
  const { exitCode, errors } = await runScript('kill-actor.js', ['tm-7', ...world.flags]);
  assert.is(exitCode, 1);
  assert.match(errors, /no actor tm-7.*job-manager.*tm-[12].*tm-[12]/s);
});

test('an ended cluster leaves nothing running, and its processes ended in order', async () => {
  const pids = world.cluster.processes.map(({ pid }) => pid as number);
  const directories = [world.cluster.nats?.directory, world.cluster.redis?.directory] as string[];
  await world.stop();
  for (const pid of pids)
    assert.throws(
      () => process.kill(pid, 0),
      (error: NodeJS.ErrnoException) => error.code === 'ESRCH',
    );
  for (const directory of directories) assert.not(existsSync(directory));
  assert.match(world.log('tm-1'), /the TaskManager stopped/);
  for (const line of [
    /the TaskManager starts.*/,
    /connected to NATS/,
    /registered with the ResourceManager/,
    /a slot is allocated/,
    /a slot is free again/,
    /is RUNNING/,
    /is FINISHED/,
  ])
    assert.match(world.log('tm-1'), line);
  assert.match(world.log('tm-1'), /"slots":2/);
  assert.match(world.log('jm-1'), /the JobManager starts/);
  assert.match(world.log('jm-1'), /the JobManager stopped/);
});

test.run();
