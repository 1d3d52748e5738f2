import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildJob } from '../../cluster/job-code/compiled-job.js';
import { importJob } from '../../cluster/job-code/job-module.js';
import { Configuration } from '../../core/configuration/configuration.js';
import { startEmbeddedCluster, type EmbeddedCluster } from '../support/embedded-cluster.js';
import { expectedTallies } from '../support/jobs/tally.js';
import { temporaryDirectory } from '../support/temp-directory.js';
import { eventually, within } from '../support/within.js';

const test = suite('slots as worker threads');
const hoarderUrl = new URL('../support/jobs/hoarder.js', import.meta.url).href;
const printingUrl = new URL('../support/jobs/printing.js', import.meta.url).href;
const strayErrorUrl = new URL('../support/jobs/stray-error.js', import.meta.url).href;
const stuckUrl = new URL('../support/jobs/stuck.js', import.meta.url).href;
const tallyUrl = new URL('../support/jobs/tally.js', import.meta.url).href;

async function submit(
  cluster: EmbeddedCluster,
  url: string,
  parameters: Readonly<Record<string, string>>,
  configuration = Configuration.defaults,
) {
  const jobGraph = buildJob(await importJob(url), { where: url, parameters, configuration });
  return cluster.client.submit({ jobGraph, code: { kind: 'module', url } });
}

function linesOf(directory: string): string[] {
  const files = readdirSync(directory).filter((name) => name.startsWith('part'));
  return files
    .flatMap((name) =>
      readFileSync(join(directory, name), 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    )
    .sort();
}

test('a job over two TaskManagers with two slots each writes every record once, and its threads end with it', async () => {
  const cluster = startEmbeddedCluster({ taskManagers: 2, slots: 1 });
  try {
    const output = temporaryDirectory('tally');
    const jobId = await submit(cluster, tallyUrl, { records: '20000', output });
    const summary = await within(30_000, cluster.client.waitForEnd(jobId), 'the end of the job');
    assert.is(summary.status, 'FINISHED', JSON.stringify(summary.error));
    assert.is(summary.restarts, 0);
    assert.equal(linesOf(output), expectedTallies(20_000, 7));
    assert.is(cluster.framesOnBus(), 0, 'threads that know each other send frames through their ports (WS4)');
    await eventually(5_000, () => cluster.threads().length === 0, 'the end of the threads');
  } finally {
    await cluster.close();
  }
});

test('a slot thread that replaces a killed one is introduced to its peers too: no frame takes the bus (WS4)', async () => {
  const cluster = startEmbeddedCluster({ taskManagers: 2, slots: 1 });
  try {
    const output = temporaryDirectory('tally');
    const jobId = await submit(cluster, tallyUrl, { records: '6000', rate: '3000', output });
    await eventually(20_000, async () => ((await cluster.client.describe(jobId))?.checkpointsCompleted ?? 0) >= 2, 'two checkpoints');
    await cluster.threads()[0]?.terminate();
    const summary = await within(40_000, cluster.client.waitForEnd(jobId), 'the end of the job');
    assert.is(summary.status, 'FINISHED', JSON.stringify(summary.error));
    assert.is(summary.restarts, 1);
    assert.equal(linesOf(output), expectedTallies(6_000, 7));
    assert.is(cluster.framesOnBus(), 0);
  } finally {
    await cluster.close();
  }
});

test('a slot thread that is killed in the middle costs a restart, and the output is as if nothing had happened', async () => {
  const cluster = startEmbeddedCluster({ taskManagers: 2, slots: 2 });
  try {
    const output = temporaryDirectory('tally');
    const jobId = await submit(cluster, tallyUrl, { records: '6000', rate: '3000', output });
    await eventually(20_000, async () => ((await cluster.client.describe(jobId))?.checkpointsCompleted ?? 0) >= 3, 'three checkpoints');
    const killed = cluster.threads()[0];
    assert.ok(killed);
    await killed?.terminate();
    const summary = await within(40_000, cluster.client.waitForEnd(jobId), 'the end of the job');
    assert.is(summary.status, 'FINISHED', JSON.stringify(summary.error));
    assert.is(summary.restarts, 1);
    assert.equal(linesOf(output), expectedTallies(6_000, 7));
  } finally {
    await cluster.close();
  }
});

test('what a job prints comes out in full, although its threads end with it', async () => {
  const cluster = startEmbeddedCluster({ taskManagers: 1, slots: 1 });
  const write = process.stdout.write.bind(process.stdout);
  const lines: string[] = [];
  process.stdout.write = ((text: string) => lines.push(text) > 0) as typeof process.stdout.write;
  try {
    const jobId = await submit(cluster, printingUrl, {});
    const summary = await within(30_000, cluster.client.waitForEnd(jobId), 'the end of the job');
    assert.is(summary.status, 'FINISHED', JSON.stringify(summary.error));
    await eventually(5_000, () => cluster.threads().length === 0, 'the end of the thread');
  } finally {
    process.stdout.write = write;
    await cluster.close();
  }
  assert.is(lines.length, 5_000);
  assert.match(lines.at(-1) ?? '', /5000/);
});

test('an error that no task caught fails the tasks of its slot, and the job restarts', async () => {
  const cluster = startEmbeddedCluster({ taskManagers: 1, slots: 1 });
  try {
    const marker = join(temporaryDirectory('stray'), 'thrown');
    const jobId = await submit(cluster, strayErrorUrl, { marker });
    const summary = await within(40_000, cluster.client.waitForEnd(jobId), 'the end of the job');
    assert.is(summary.status, 'FINISHED', JSON.stringify(summary.error));
    assert.is(summary.restarts, 1);
    assert.is(summary.error?.code, 'UNCAUGHT_IN_SLOT');
    assert.match(summary.error?.cause?.message ?? '', /stray/);
  } finally {
    await cluster.close();
  }
});

for (const buffers of ['false', 'true']) {
  test(`a slot that runs short of ${buffers === 'true' ? 'memory for buffers' : 'heap'} fails its tasks before it takes the process with it (MW1)`, async () => {
    const cluster = startEmbeddedCluster({ taskManagers: 1, slots: 1, heapBytesMax: 96 * 1024 * 1024 });
    try {
      const jobId = await submit(cluster, hoarderUrl, { buffers });
      const summary = await within(60_000, cluster.client.waitForEnd(jobId), 'the end of the job');
      assert.is(summary.status, 'FAILED');
      assert.is(summary.error?.code, 'SLOT_MEMORY', JSON.stringify(summary.error));
      assert.match(summary.error?.message ?? '', buffers === 'true' ? /the slot uses buffers/ : /the slot uses heap/);
    } finally {
      await cluster.close();
    }
  });
}

test('a job whose function never returns is cancelled at the price of its slot thread (SP3)', async () => {
  const cluster = startEmbeddedCluster({ taskManagers: 1, slots: 1 });
  try {
    const configuration = Configuration.load({ flags: { 'task.cancellation.timeout': '1 s' } });
    const jobId = await submit(cluster, stuckUrl, {}, configuration);
    await eventually(20_000, async () => (await cluster.client.describe(jobId))?.tasks['RUNNING'] === 1, 'the task to run');
    await cluster.client.cancel(jobId);
    const summary = await within(20_000, cluster.client.waitForEnd(jobId), 'the end of the job');
    assert.is(summary.status, 'CANCELED');
    await eventually(10_000, () => cluster.threads().length === 0, 'the end of the thread');
    const next = await submit(cluster, strayErrorUrl, { marker: fileURLToPath(import.meta.url) });
    assert.is((await within(30_000, cluster.client.waitForEnd(next), 'a job in the same slot')).status, 'FINISHED');
  } finally {
    await cluster.close();
  }
});

test.run();
