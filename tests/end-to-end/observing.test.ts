/** What `millrace status` tells of how a running job fares, on a cluster of processes. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { boundTests } from '../support/bounds.js';
import { startTestCluster, type TestCluster } from '../support/process-cluster.js';
import { temporaryDirectory } from '../support/temp-directory.js';
import { eventually } from '../support/within.js';

boundTests({ testMs: 60_000, fileMs: 200_000 });
const test = suite('observing a job');
const jobs = fileURLToPath(new URL('../support/jobs/', import.meta.url));
let world: TestCluster;

test.before(async () => {
  world = await startTestCluster();
});
test.after(() => world.stop());

async function submit(...words: string[]): Promise<string> {
  const { exitCode, output, errors } = await world.millrace('run', '--detached', '--json', ...words);
  assert.is(exitCode, 0, errors);
  return (JSON.parse(output) as { readonly jobId: string }).jobId;
}

/** What `millrace status --json` says, once it says enough. */
function statusOf(id: string, isEnough: (job: JobSummary) => boolean, what: string): Promise<JobSummary> {
  return eventually(
    40_000,
    async () => {
      const { exitCode, output, errors } = await world.millrace('status', '--json', id);
      assert.is(exitCode, 0, errors);
      const job = JSON.parse(output) as JobSummary;
      assert.not(job.status === 'FAILED', JSON.stringify(job.error));
      return isEnough(job) && job;
    },
    what,
    200,
  );
}

test('latency markers: how long records take from the source to each operator, as text and as JSON', async () => {
  const parameters = ['--records', '1000000', '--rate', '500', '--output', temporaryDirectory('tally')];
  const id = await submit('-D', 'metrics.latency.interval=20ms', join(jobs, 'tally.js'), '--', ...parameters);
  const isEnough = ({ latencies = [] }: JobSummary): boolean => latencies.length > 0 && latencies.every(({ count }) => count >= 100);
  const { latencies = [] } = await statusOf(id, isEnough, 'a hundred markers to reach each operator');
  assert.equal([...new Set(latencies.map(({ source }) => source))], [latencies[0]?.source], 'there is one source');
  assert.ok(latencies.length >= 3, `${latencies.length} operators behind it`);
  for (const { operator, p50, p90, p99, max } of latencies) {
    assert.ok(p50 <= p90 && p90 <= p99 && p99 <= max, `${operator}: ${[p50, p90, p99, max].join(' ')}`);
  }
  // Markers wait for the buffer timeout of 100 ms on their way, as records do; within the chain of the source for nothing.
  const [first, last] = [latencies[0], latencies.at(-1)];
  assert.ok((last?.max as number) > (first?.p50 as number), `${first?.p50} ms in the chain, ${last?.max} ms at the end`);
  const { output } = await world.millrace('status', id);
  assert.match(output, /latency markers of the latest minute or two:\n( {2}Source: .* → .* {2}p50 \d+ ms .*\n){3,}/);
  await world.millrace('cancel', id);
});

test('without the interval there are no latencies', async () => {
  const id = await submit(join(jobs, 'tally.js'), '--', '--records', '1000000', '--rate', '500', '--output', temporaryDirectory('tally'));
  const job = await statusOf(id, ({ recordsIn }) => recordsIn > 0, 'records to be counted');
  assert.is(job.latencies, undefined);
  await world.millrace('cancel', id);
});

test('a slow vertex: who is busy, who is held back and by whom, and which channels are full', async () => {
  const id = await submit(join(jobs, 'slow-sink.js'));
  const isSeen = ({ vertices = [] }: JobSummary): boolean =>
    (vertices[0]?.subtasks[0]?.load?.backPressured ?? 0) > 500 && (vertices[1]?.subtasks[0]?.load?.busy ?? 0) > 500;
  const { vertices = [] } = await statusOf(id, isSeen, 'the source to be held back');
  for (const { subtasks } of vertices) {
    for (const { load } of subtasks) {
      const { busy, backPressured, idle } = load as NonNullable<typeof load>;
      assert.ok(Math.abs(busy + backPressured + idle - 1_000) <= 1, JSON.stringify(load));
    }
  }
  const [source, slow] = vertices.map(({ subtasks }) => subtasks[0]?.metrics.channels);
  assert.ok((slow?.inputUse as number) > 0.5, JSON.stringify(slow));
  assert.ok((slow?.inputs[0]?.held as number) > 0);
  assert.is(source?.inputs.length, 0);
  const { output } = await world.millrace('status', id);
  assert.match(output, /widen \(1\) .* held back by slow\S* /);
  assert.match(output, /slow.*\n {6}fullest input: \d of \d frames from Source: .* \(1\) at subtask 1\n/);
  await world.millrace('cancel', id);
});

test.run();
