/** Jobs between streams of real servers, whose TaskManager processes are killed with `kill -9`: the output is exactly once. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { nanos } from 'nats';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { jobId } from '../../core/ids.js';
import { boundTests } from '../support/bounds.js';
import { expectedRelay } from '../support/jobs/relay.js';
import { startTestCluster, type TestCluster } from '../support/process-cluster.js';
import { natsUrl, redisUrl, type ServerProcess, startOwnJetStream, startOwnRedis } from '../support/servers.js';
import { connectTo, contentOf, makeStream } from '../support/stream-content.js';
import { eventually } from '../support/within.js';

boundTests({ testMs: 100_000, fileMs: 200_000 });
const test = suite('connectors of killed TaskManagers');
const module = join(fileURLToPath(new URL('../support/jobs/', import.meta.url)), 'relay.js');
const count = 4_000;
const numbers = Array.from({ length: count }, (_, number) => number);

let world: TestCluster;
test.before(async () => {
  world = await startTestCluster(['execution.checkpointing.externalized-checkpoint-retention=DELETE_ON_CANCELLATION']);
});
test.after(() => world.stop());

/** A server with the numbers in streams, a target, and how to read that. */
interface Setting {
  readonly url: string;
  readonly streams: readonly string[];
  readonly target: string;
  read(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const settings: Record<string, (server: ServerProcess) => Promise<Setting>> = {
  async nats(server) {
    const connection = await connectTo(server.port);
    const streams = [await makeStream(connection), await makeStream(connection)];
    // Its window is over before an attempt is replaced: what is there is found by the sink, or doubled.
    const target = await makeStream(connection, { duplicate_window: nanos(100) });
    const stream = connection.jetstream();
    for (let from = 0; from < count; from += 500) {
      await Promise.all(numbers.slice(from, from + 500).map((n) => stream.publish(`${streams[n % 2]}.n`, String(n))));
    }
    const read = async (): Promise<string[]> => (await contentOf(connection, target)).map(({ text }) => text);
    return { url: natsUrl(server), streams, target, read, close: () => connection.close() };
  },
  async redis(server) {
    const redis = new Redis(redisUrl(server));
    const streams = ['left', 'right'];
    await Promise.all(numbers.map((n) => redis.xadd(streams[n % 2] as string, `${n + 1}-1`, 'n', n)));
    const close = async (): Promise<void> => void (await redis.quit());
    return { url: redisUrl(server), streams, target: 'target', read: () => redis.lrange('target', 0, -1), close };
  },
};

async function submit(server: string, { url, streams, target }: Setting): Promise<string> {
  const parameters = { server, url, streams: streams.join(','), target, rate: '2000' };
  const words = Object.entries(parameters).flatMap(([name, value]) => [`--${name}`, value]);
  const { exitCode, output, errors } = await world.millrace('run', '--detached', '--json', module, '--', ...words);
  assert.is(exitCode, 0, errors);
  return (JSON.parse(output) as { readonly jobId: string }).jobId;
}

const starts = { nats: startOwnJetStream, redis: startOwnRedis };

for (const server of ['nats', 'redis'] as const) {
  test(`${server}: both TaskManagers are killed with kill -9, and every record is counted and written once`, async () => {
    const process = await starts[server]();
    const setting = await (settings[server] as (server: ServerProcess) => Promise<Setting>)(process);
    try {
      const id = jobId(await submit(server, setting));
      const until = (isReached: (job: JobSummary) => boolean, what: string): Promise<JobSummary> =>
        world.ask((client) =>
          eventually(
            60_000,
            async () => {
              const job = await client.describe(id);
              return job !== undefined && isReached(job) && job;
            },
            `the job to ${what}`,
            20,
          ),
        );
      for (const [kill, name] of ['tm-1', 'tm-2'].entries()) {
        const { checkpointsCompleted } = await until(
          (job) => job.status === 'RUNNING' && job.restarts >= kill && job.recordsIn > 800 * (kill + 1),
          `have read for its ${kill + 1}th life`,
        );
        await until((job) => job.checkpointsCompleted > checkpointsCompleted, 'take a checkpoint');
        assert.ok(world.cluster.process(name)?.signal('SIGKILL'), `${name} was there`);
        await until((job) => job.restarts > kill, 'restart');
      }
      const { status, restarts } = await until(({ endedAt }) => endedAt !== null, 'end');
      assert.is(status, 'FINISHED');
      assert.ok(restarts >= 2, `${restarts} restarts`);
      const written = (await setting.read()).map((text) => JSON.parse(text) as { readonly number: number; readonly place: string });
      const expected = expectedRelay(count);
      assert.equal(written.map(({ number }) => String(number)).sort(), expected.numbers);
      assert.equal(written.map(({ place }) => place).sort(), expected.places);
    } finally {
      await setting.close();
      await process.dispose();
    }
  });
}

test.run();
