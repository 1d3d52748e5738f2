/** Jobs that read streams of real servers, with threads and servers killed in the middle: every message once. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { connect } from 'nats';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MiniCluster } from '../../cluster/embedded/mini-cluster.js';
import { buildJob } from '../../cluster/job-code/compiled-job.js';
import { importJob } from '../../cluster/job-code/job-module.js';
import { Configuration } from '../../core/configuration/configuration.js';
import { boundTests } from '../support/bounds.js';
import { natsUrl, redisUrl, startOwnJetStream, startOwnRedis, type ServerProcess } from '../support/servers.js';
import { temporaryDirectory } from '../support/temp-directory.js';
import { eventually } from '../support/within.js';

boundTests({ testMs: 110_000, fileMs: 240_000 });

const url = new URL('../support/jobs/copy-streams.js', import.meta.url).href;
const messages = 6_000;
const streams = ['left', 'right', 'third'];

/** Numbers go to the streams in turn; a number that is sent twice, because its answer was cut off, is there once. */
interface Producer {
  send(from: number, to: number): Promise<void>;
  close(): Promise<void>;
}

async function natsProducer(server: ServerProcess): Promise<Producer> {
  const connection = await connect({ servers: natsUrl(server), maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  const manager = await connection.jetstreamManager();
  for (const name of streams) await manager.streams.add({ name, subjects: [`${name}.>`] });
  const publish = (n: number): Promise<unknown> =>
    connection.jetstream().publish(`${streams[n % 3]}.n`, String(n), { msgID: String(n), timeout: 2_000 });
  return {
    send: async (from, to) => {
      for (let n = from; n < to; n += 100) {
        const block = Array.from({ length: Math.min(100, to - n) }, (_, index) => n + index);
        await Promise.all(
          block.map((one) =>
            eventually(
              20_000,
              () =>
                publish(one).then(
                  () => true,
                  () => false,
                ),
              `${one} to be stored`,
            ),
          ),
        );
      }
    },
    close: () => connection.close(),
  };
}

async function redisProducer(server: ServerProcess): Promise<Producer> {
  const redis = new Redis(redisUrl(server), { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  redis.on('error', () => undefined);
  const isThere = (error: Error): boolean => error.message.includes('equal or smaller');
  return {
    send: async (from, to) => {
      for (let n = from; n < to; n += 100) {
        const block = Array.from({ length: Math.min(100, to - n) }, (_, index) => n + index);
        await Promise.all(
          block.map((one) =>
            redis.xadd(streams[one % 3] as string, `${one + 1}-1`, 'n', one).catch((error: Error) => {
              if (!isThere(error)) throw error;
            }),
          ),
        );
      }
    },
    close: async () => redis.disconnect(),
  };
}

function linesOf(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.startsWith('part'))
    .flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'))
    .filter((line) => line !== '');
}

const servers = {
  nats: { start: () => startOwnJetStream(), url: natsUrl, produce: natsProducer },
  redis: { start: () => startOwnRedis(), url: redisUrl, produce: redisProducer },
};

const test = suite('sources of servers in a job');

for (const [name, { start, url: urlOf, produce }] of Object.entries(servers)) {
  test(`${name}: slot threads killed three times and the server once, and every message is in the output once`, async () => {
    const server = await start();
    const producer = await produce(server);
    const cluster = new MiniCluster({ taskManagers: 2, slots: 2 });
    try {
      const output = temporaryDirectory(`copy-${name}`);
      const parameters = { server: name, url: urlOf(server), streams: streams.join(','), output };
      await producer.send(0, 1_000);
      const jobGraph = buildJob(await importJob(url), { where: url, parameters, configuration: Configuration.defaults });
      const jobId = await cluster.client.submit({ jobGraph, code: { kind: 'module', url } });
      const committed = (count: number) =>
        eventually(60_000, () => linesOf(output).length >= count, `${count} lines; there are ${linesOf(output).length}`, 50);
      const killThread = async (index: number): Promise<void> => cluster.slotThreads[index % cluster.slotThreads.length]?.terminate();
      await committed(500);
      await killThread(0);
      await producer.send(1_000, 3_000);
      await committed(1_200);
      await killThread(1);
      await committed(2_000);
      const sending = producer.send(3_000, 5_000);
      await server.kill();
      await server.start();
      await sending;
      await committed(3_500);
      await killThread(0);
      await producer.send(5_000, messages);
      await committed(messages);
      const lines = linesOf(output).map(Number);
      assert.equal(
        lines.sort((left, right) => left - right),
        Array.from({ length: messages }, (_, n) => n),
      );
      const job = await cluster.client.describe(jobId);
      assert.is(job?.status, 'RUNNING');
      assert.ok((job?.restarts ?? 0) >= 3, `${job?.restarts} restarts`);
      await cluster.client.cancel(jobId);
    } finally {
      await cluster.stop();
      await producer.close();
      await server.dispose();
    }
  });
}
test.run();
