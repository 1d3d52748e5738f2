/** A job on a cluster in this process writes to real servers, exactly once, while its function throws and its threads are killed. */
import { Redis } from 'ioredis';
import { nanos } from 'nats';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MiniCluster } from '../../cluster/embedded/mini-cluster.js';
import { run } from '../../cluster/embedded/run.js';
import { boundTests } from '../support/bounds.js';
import { natsUrl, redisUrl, startOwnJetStream, startOwnRedis } from '../support/servers.js';
import { connectTo, contentOf, makeStream } from '../support/stream-content.js';

boundTests({ testMs: 110_000, fileMs: 118_000 });
const test = suite('exactly once to servers');

test('a job whose function throws and whose threads are killed writes every record once to JetStream and to Redis', async () => {
  const [natsServer, redisServer] = await Promise.all([startOwnJetStream(), startOwnRedis()]);
  const connection = await connectTo(natsServer.port);
  const redis = new Redis(redisUrl(redisServer));
  try {
    // A window that is over before an attempt is replaced: what is there is found by the sink, or doubled.
    const stream = await makeStream(connection, { duplicate_window: nanos(100) });
    const records = 4_000;
    let cluster: MiniCluster | undefined;
    // Records read, once each, after which a thread is killed.
    const kills = [800, 2_600, 3_400];
    let killed = 0;
    const summary = await run(new URL('../support/jobs/three-targets.js', import.meta.url).href, {
      parameters: { records: String(records), nats: natsUrl(natsServer), redis: redisUrl(redisServer), stream, key: 'numbers' },
      logLevel: 'silent',
      onStarted: (started) => (cluster = started),
      onProgress: ({ recordsIn }) => {
        if (recordsIn < (kills[0] ?? Number.POSITIVE_INFINITY)) return;
        const [thread] = cluster?.slotThreads ?? [];
        if (thread === undefined) return;
        kills.shift();
        killed += 1;
        void thread.terminate();
      },
    });
    assert.ok(killed >= 2, `${killed} threads killed`);
    assert.ok(summary.restarts >= 2, `${summary.restarts} restarts`);
    const expected = Array.from({ length: records }, (_, index) => index + 1);
    const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);
    assert.equal(sorted((await contentOf(connection, stream)).map(({ text }) => Number(text))), expected);
    assert.equal(sorted((await redis.lrange('numbers', 0, -1)).map(Number)), expected);
    assert.is(Number(await redis.get('numbers-sum')), (records * (records + 1)) / 2);
  } finally {
    await connection.close();
    await redis.quit();
    await natsServer.dispose();
    await redisServer.dispose();
  }
});
test.run();
