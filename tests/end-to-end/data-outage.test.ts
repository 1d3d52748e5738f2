/** The server of the frames goes away in the middle of a job, while control goes on. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JobId } from '../../core/ids.js';
import { buildJob } from '../../cluster/job-code/compiled-job.js';
import { importJob } from '../../cluster/job-code/job-module.js';
import { Configuration } from '../../core/configuration/configuration.js';
import { limits } from '../../core/limits.js';
import { committedLines } from '../../scripts/chaos/committed-lines.js';
import { boundTests } from '../support/bounds.js';
import { startEmbeddedCluster, type EmbeddedCluster } from '../support/embedded-cluster.js';
import { expectedTallies } from '../support/jobs/tally.js';
import { natsUrl, startOwnNats, type ServerProcess } from '../support/servers.js';
import { temporaryDirectory } from '../support/temp-directory.js';
import { eventually, within } from '../support/within.js';

boundTests({ testMs: 100_000, fileMs: 200_000 });
const test = suite('an outage of the frames alone');
const url = new URL('../support/jobs/tally.js', import.meta.url).href;

interface Room {
  readonly server: ServerProcess;
  readonly cluster: EmbeddedCluster;
  readonly jobId: JobId;
  readonly output: string;
}

const records = 6_000;

/** A job between two TaskManagers whose slots meet on a nats-server of their own; resolved once it took checkpoints. */
async function withJob(action: (room: Room) => Promise<void>): Promise<void> {
  const server = await startOwnNats();
  const cluster = startEmbeddedCluster({ taskManagers: 2, slots: 1, nats: { servers: [natsUrl(server)] } });
  try {
    const output = temporaryDirectory('tally');
    const parameters = { records: String(records), rate: '1500', output };
    const jobGraph = buildJob(await importJob(url), { where: url, parameters, configuration: Configuration.defaults });
    const jobId = await cluster.client.submit({ jobGraph, code: { kind: 'module', url } });
    await eventually(20_000, async () => ((await cluster.client.describe(jobId))?.checkpointsCompleted ?? 0) >= 2, 'two checkpoints');
    await action({ server, cluster, jobId, output });
    const end = await within(60_000, cluster.client.waitForEnd(jobId), 'the end of the job');
    assert.is(end.status, 'FINISHED', JSON.stringify(end.error));
    assert.equal(committedLines(output), expectedTallies(records, 7));
  } finally {
    await cluster.close();
    await server.dispose();
  }
}

test('a short one loses nothing: the result is right', () =>
  withJob(async ({ server }) => {
    await server.kill();
    await server.start();
  }));

test('slots that stay without their connection end, say why, and the job goes on when the server is back', () =>
  withJob(async ({ server, cluster, jobId }) => {
    await server.kill();
    const failed = await eventually(
      limits.slotDisconnectedMs + 15_000,
      async () => {
        const job = await cluster.client.describe(jobId, { withHistory: true });
        return job !== undefined && (job.restarts > 0 || job.status !== 'RUNNING') && job;
      },
      'the job to notice',
    );
    assert.match(JSON.stringify(failed), /lost its connection to NATS/);
    await server.start();
  }));

test.run();
