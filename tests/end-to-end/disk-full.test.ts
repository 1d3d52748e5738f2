/**
 * A disk that is full, for real: two small file systems in memory, filled to the last byte while a cluster works on them.
 * Mounting them needs root; without it the same errors are shown at the FileSystem port (tests/storage, tests/connectors).
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { committedLines, differenceOf } from '../../scripts/chaos/committed-lines.js';
import { boundTests } from '../support/bounds.js';
import { expectedTallies } from '../support/jobs/tally.js';
import { runScript, startTestCluster, type CommandResult, type TestCluster } from '../support/process-cluster.js';
import { temporaryDirectory } from '../support/temp-directory.js';
import { eventually } from '../support/within.js';

boundTests({ testMs: 60_000, fileMs: 200_000 });
const test = suite('a full disk');
const jobs = fileURLToPath(new URL('../support/jobs/', import.meta.url));
/** Fails the job instead of trying for ever: somebody who waits for room keeps the default. */
const givesUp = [
  'restart-strategy.type=fixed-delay',
  'restart-strategy.fixed-delay.attempts=1',
  'restart-strategy.fixed-delay.delay=100ms',
].flatMap((define) => ['-D', define]);

class SmallDisk {
  readonly path = temporaryDirectory('small-disk');
  readonly isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', this.path]).status === 0;

  folder(name: string): string {
    const path = join(this.path, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  fill(): void {
    try {
      for (;;) appendFileSync(join(this.path, 'filler'), Buffer.alloc(4_096));
    } catch {
      // Full, as wanted.
    }
  }

  free(): void {
    rmSync(join(this.path, 'filler'), { force: true });
  }

  unmount(): void {
    if (this.isMounted) spawnSync('umount', ['-l', this.path]);
  }
}

const work = new SmallDisk();
const leader = new SmallDisk();
let world: TestCluster;

test.before(async () => {
  if (!canMount) return;
  world = await startTestCluster([
    'high-availability.type=filesystem',
    `high-availability.storageDir=${leader.folder('ha')}`,
    `execution.checkpointing.dir=${work.folder('checkpoints')}`,
    `io.tmp.dirs=${work.folder('tmp')}`,
  ]);
});
test.after(async () => {
  await world?.stop();
  work.unmount();
  leader.unmount();
});
process.on('exit', () => {
  work.unmount();
  leader.unmount();
});

const tally = (output: string, records: number): string[] => [
  join(jobs, 'tally.js'),
  '--',
  ...['--records', String(records), '--rate', '2000', '--output', output],
];

/** Runs a job and fills the disk once it has written two checkpoints. */
async function fillUnder(output: string): Promise<CommandResult> {
  const known = new Set(await world.ask(async (client) => (await client.list()).map(({ jobId }) => jobId)));
  const run = world.millrace('run', ...givesUp, ...tally(output, 200_000));
  await world.ask((client) =>
    eventually(
      30_000,
      async () => (await client.list()).some(({ jobId, checkpointsCompleted }) => !known.has(jobId) && checkpointsCompleted >= 2),
      'two checkpoints',
      20,
    ),
  );
  work.fill();
  // An old checkpoint that goes makes room for the next: what is let go is filled too.
  const filling = setInterval(() => work.fill(), 20);
  try {
    return await run;
  } finally {
    clearInterval(filling);
    work.free();
  }
}

/** What is committed is right as far as it goes. */
function assertNothingWrong(output: string): void {
  const { duplicated, unexpected } = differenceOf(committedLines(output), expectedTallies(200_000, 7)) ?? {};
  assert.equal([duplicated, unexpected], [[], []]);
}

const canMount = work.isMounted && leader.isMounted;
const real = canMount ? test : test.skip;

real('under the checkpoints fails the job with path, cause and what to do; what was committed stays right', async () => {
  const output = temporaryDirectory('disk-full');
  const { exitCode, output: said, errors } = await fillUnder(output);
  assert.is(exitCode, 1, errors);
  assert.match(said, /tally: FAILED/);
  assert.match(
    said,
    new RegExp(`${work.path}/checkpoints/\\S+ cannot be written: the disk is full \\(ENOSPC.*\\[DISK_FULL\\] Free space on the disk`),
  );
  assert.match(errors, /restart 1: .*the disk is full/);
  assertNothingWrong(output);
});

real('under the target of a sink fails the job alike; what was committed stays right', async () => {
  const output = work.folder('output');
  const { exitCode, output: said, errors } = await fillUnder(output);
  assert.is(exitCode, 1, errors);
  assert.match(said, new RegExp(`${work.path}/\\S+ cannot be written: the disk is full`));
  assertNothingWrong(output);
  rmSync(output, { recursive: true });
});

real('under the job code of a TaskManager fails the job with the path', async () => {
  work.fill();
  try {
    const { exitCode, output, errors } = await world.millrace('run', ...givesUp, join(jobs, 'failing.js'));
    assert.is(exitCode, 1, errors);
    assert.match(`${output}${errors}`, new RegExp(`${work.path}/tmp/\\S+\\.mjs cannot be written: the disk is full`));
  } finally {
    work.free();
  }
});

real('under the job code of the client is told by the client', async () => {
  work.fill();
  try {
    const { exitCode, errors } = await runScript('client.js', ['info', join(jobs, 'failing.js')], { env: { TMPDIR: work.folder('tmp') } });
    assert.is(exitCode, 1);
    assert.match(errors, new RegExp(`^${work.path}/tmp/\\S+\\.mjs cannot be written: the disk is full .*Free space on the disk\\.\\n$`));
  } finally {
    work.free();
  }
});

real('under the store of the leader is told to who submits a job; with room again, the next one runs, exactly', async () => {
  const output = temporaryDirectory('disk-full');
  leader.fill();
  try {
    const { exitCode, errors } = await world.millrace('run', '--detached', ...tally(output, 2_000));
    assert.is(exitCode, 1);
    assert.match(errors, new RegExp(`${leader.path}/ha/\\S+ cannot be written: the disk is full`));
  } finally {
    leader.free();
  }
  const { exitCode, errors } = await world.millrace('run', ...tally(output, 2_000));
  assert.is(exitCode, 0, errors);
  assert.is(differenceOf(committedLines(output), expectedTallies(2_000, 7)), undefined);
  for (const { name, restarts } of world.cluster.processes) assert.is(restarts, 0, name);
});

real(
  'under the store of the leader in the middle of a job: the JobManager steps down, comes back with room, the output is exact',
  async () => {
    const output = temporaryDirectory('disk-full');
    const run = world.millrace('run', ...tally(output, 6_000));
    await eventually(20_000, () => committedLines(output).length > 0, 'committed output', 20);
    leader.fill();
    try {
      await eventually(20_000, () => world.log('jm-1').includes('this JobManager no longer leads'), 'the JobManager to step down', 20);
      assert.match(world.log('jm-1'), /the disk is full \(ENOSPC.*"msg":"the leader store did not answer"/);
    } finally {
      leader.free();
    }
    const { exitCode, output: said, errors } = await run;
    assert.is(exitCode, 0, `${said}${errors}`);
    assert.is(differenceOf(committedLines(output), expectedTallies(6_000, 7)), undefined);
  },
);

test('can be made only by root on Linux: told when it was not', () => {
  if (!canMount) console.log('  a tmpfs could not be mounted: the tests of a full disk were left out');
  assert.type(canMount, 'boolean');
});

test.run();
