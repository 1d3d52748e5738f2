/** The JobManager: what it accepts, answers, and keeps of jobs. */
import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { JobResults } from '../../actors/job-manager/job-results.js';
import { encodeResult } from '../../actors/job-manager/job-submission.js';
import type { RunningJobOptions } from '../../actors/job-manager/running-job.js';
import { MillraceError } from '../../core/errors.js';
import { type JobId, checkpointId, jobId } from '../../core/ids.js';
import type { HaStore } from '../../storage/contracts.js';
import { smallGraph, FakeJob, setUp, lead, code, idOf } from './job-manager-room.js';

const test = suite('JobManager');

test('a submitted job is durable before it is accepted, and another leader starts it again (JM1)', async () => {
  const setting = setUp();
  const first = await lead(setting, 'jm-1');
  const id = await setting.room.settle(setting.client.submit({ jobGraph: smallGraph(), code }));
  assert.ok(setting.stored.records.jobs.has(id));
  assert.equal(first.jobs.get(id)?.calls, ['start']);
  first.manager.suspend();
  assert.equal(first.jobs.get(id)?.calls, ['start', 'suspend']);
  const second = await lead(setting, 'jm-2');
  assert.equal(second.jobs.get(id)?.calls, ['start']);
  assert.is(second.jobs.get(id)?.options.jobGraph.fingerprint, smallGraph().fingerprint);
});

test('the same job id again is accepted alike and starts nothing twice (JM1)', async () => {
  const setting = setUp();
  const { jobs } = await lead(setting, 'jm-1');
  const { endpoint } = setting.room.join('impatient client');
  const body = { jobId: jobId('a'.repeat(32)), jobGraph: smallGraph(), code, restoreFrom: null };
  const answers = await setting.room.settle(Promise.all([1, 2].map(() => endpoint.ask({ kind: 'job-manager' }, 'job.submit', body))));
  assert.equal(answers, [{ kind: 'accepted' }, { kind: 'accepted' }]);
  assert.is(jobs.size, 1);
});

test('the history of a job that runs is made only for those who ask for it', async () => {
  const setting = setUp();
  const { jobs } = await lead(setting, 'jm-1');
  const id = await setting.room.settle(setting.client.submit({ jobGraph: smallGraph(), code }));
  await setting.room.settle(setting.client.describe(id));
  await setting.room.settle(setting.client.list());
  assert.equal(jobs.get(id)?.calls, ['start']);
  await setting.room.settle(setting.client.describe(id, { withHistory: true }));
  assert.equal(jobs.get(id)?.calls, ['start', 'history']);
});

test('a job is shown as ended only once its result is durable, and then never runs again (JM2)', async () => {
  const setting = setUp();
  let isAway = false;
  const refusing = (store: HaStore): HaStore =>
    new Proxy(store, {
      get: (target, key) => {
        if (key === 'putResult' && isAway)
          return () => Promise.reject(new MillraceError('STORE_UNAVAILABLE', 'away', { domain: 'external' }));
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  const first = await lead(setting, 'jm-1', refusing);
  const id = await setting.room.settle(setting.client.submit({ jobGraph: smallGraph(), code }));
  isAway = true;
  first.jobs.get(id)?.end('FINISHED');
  await setting.room.pass(1_200);
  assert.is((await setting.room.settle(setting.client.describe(id)))?.status, 'RUNNING', 'the store has not taken the result yet');
  isAway = false;
  const end = await setting.room.settle(setting.client.waitForEnd(id));
  assert.is(end.status, 'FINISHED');
  assert.is(setting.stored.records.jobs.has(id), false, 'JM3: the record is removed after the result is durable');
  first.manager.suspend();
  const second = await lead(setting, 'jm-2');
  assert.is(second.jobs.size, 0);
  assert.is((await setting.room.settle(setting.client.describe(id)))?.status, 'FINISHED');
});

test('the result names the checkpoint that completed while the job was ending', async () => {
  const setting = setUp();
  const leading = await lead(setting, 'jm-1');
  const id = await setting.room.settle(setting.client.submit({ jobGraph: smallGraph(), code }));
  const job = leading.jobs.get(id) as FakeJob;
  job.latestCheckpointId = checkpointId(5);
  job.pointerMove = new Promise((resolve) => {
    setting.room.world.schedule(300, 'the pointer has moved', () => {
      job.latestCheckpointId = checkpointId(6);
      resolve();
    });
  });
  job.end('CANCELED');
  const end = await setting.room.settle(setting.client.waitForEnd(id));
  assert.is(end.latestCheckpointId, 6);
});

test('code goes up in chunks in any order, is checked as a whole, and is removed with its job (JM3)', async () => {
  const setting = setUp();
  const leading = await lead(setting, 'jm-1');
  const bytes = new Uint8Array(1_200_000).map((_, at) => at % 251);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const id = await setting.room.settle(setting.client.submit({ jobGraph: smallGraph(), code: { kind: 'bundle', bytes } }));
  const { endpoint } = setting.room.join('task-manager');
  const chunks = await setting.room.settle(
    Promise.all([2, 0, 1].map((index) => endpoint.ask({ kind: 'job-manager' }, 'blob.fetch-chunk', { sha256, index }))),
  );
  const sorted = [chunks[1], chunks[2], chunks[0]].map((chunk) => (chunk?.kind === 'chunk' ? chunk.bytes : new Uint8Array()));
  assert.ok(Buffer.concat(sorted).equals(bytes));
  leading.jobs.get(id)?.end('FINISHED');
  await setting.room.settle(setting.client.waitForEnd(id));
  await setting.room.pass(100);
  assert.is(await setting.blobs.get(sha256), undefined);
});

test('code whose bytes do not have the announced hash is refused', async () => {
  const setting = setUp();
  await lead(setting, 'jm-1');
  const { endpoint } = setting.room.join('broken client');
  const upload = endpoint.ask({ kind: 'job-manager' }, 'blob.upload-chunk', {
    sha256: '0'.repeat(64),
    index: 0,
    count: 1,
    bytes: new Uint8Array(3),
  });
  try {
    await setting.room.settle(upload);
    assert.unreachable('it was taken');
  } catch (error) {
    assert.is((error as MillraceError).code, 'BLOB_CORRUPT');
  }
});

test('starting from a checkpoint that is not retained is rejected with what to do', async () => {
  const setting = setUp();
  await lead(setting, 'jm-1');
  try {
    await setting.room.settle(setting.client.submit({ jobGraph: smallGraph(), code, restoreFrom: `${'b'.repeat(32)}/7` }));
    assert.unreachable('it was accepted');
  } catch (error) {
    assert.is((error as MillraceError).code, 'CHECKPOINT_NOT_FOUND');
    assert.ok((error as MillraceError).hint);
  }
});

test('a write that a later leader fences makes the process step down (JM4)', async () => {
  const setting = setUp();
  const first = await lead(setting, 'jm-1');
  const { endpoint } = setting.room.join('late client');
  await lead(setting, 'jm-2').then(({ manager }) => manager.suspend());
  const answer = await setting.room.settle(
    endpoint.ask({ kind: 'job-manager' }, 'job.submit', { jobId: jobId('c'.repeat(32)), jobGraph: smallGraph(), code, restoreFrom: null }),
  );
  assert.is(answer.kind, 'rejected');
  assert.is(first.fenced, 1);
});

test('a client without a JobManager gives up with a message that says so', async () => {
  const { room, client } = setUp();
  try {
    await room.settle(client.list());
    assert.unreachable('somebody answered');
  } catch (error) {
    assert.is((error as MillraceError).code, 'JOB_MANAGER_UNREACHABLE');
  }
});

test('more jobs than a message holds are listed in pages, in order, without what they collected', async () => {
  const setting = setUp();
  const { records } = setting.stored;
  const count = 2_500;
  const name = 'a job with a rather long name, so that the list of all jobs is longer than a message may be'.repeat(6);
  for (let n = 1; n <= count; n++) {
    const summary = {
      ...new FakeJob({ jobId: idOf(n), jobGraph: { name }, submittedAt: 5 } as RunningJobOptions).summary(),
      results: { all: [n] },
    };
    records.results.set(idOf(n), { jobId: idOf(n), endedAt: n, result: encodeResult({ ...summary, status: 'FINISHED' }) });
  }
  const forEver = { maxCapacity: 10_000, expirationMs: Number.MAX_SAFE_INTEGER };
  await lead(setting, 'jm-1', undefined, { jobStore: forEver });
  const jobs = await setting.room.settle(setting.client.list());
  assert.equal(
    jobs.map((job) => job.jobId),
    Array.from({ length: count }, (_, n) => idOf(n + 1)),
  );
  assert.ok(jobs.reduce((sum, job) => sum + JSON.stringify(job).length, 0) > 1_024 * 1_024, 'else this test shows nothing');
  assert.is(jobs[0]?.results, undefined);
});

test('of ended jobs only the newest results are kept, and none beyond its time, here and in the store (JR1)', async () => {
  const setting = setUp();
  const jobStore = { maxCapacity: 2, expirationMs: 100_000 };
  const first = await lead(setting, 'jm-1', undefined, { jobStore });
  const ids: JobId[] = [];
  for (let n = 0; n < 4; n++) {
    const id = await setting.room.settle(setting.client.submit({ jobGraph: smallGraph(), code }));
    ids.push(id);
    const job = first.jobs.get(id) as FakeJob;
    job.endedAt = first.at.process.clock.now();
    job.end('FINISHED');
    await setting.room.settle(setting.client.waitForEnd(id));
    await setting.room.pass(10);
  }
  const kept = async (): Promise<readonly JobId[]> => (await setting.room.settle(setting.client.list())).map((job) => job.jobId);
  assert.equal(await kept(), ids.slice(2));
  assert.equal([...setting.stored.records.results.keys()], ids.slice(2));
  await setting.room.pass(200_000);
  assert.equal(await kept(), []);
  assert.is(setting.stored.records.results.size, 0);
});

test('the results kept are bounded in bytes too, and of a job that still has a record the result stays (JR1, JR2)', () => {
  const results = new JobResults({ maxCapacity: 1_000, expirationMs: 1e9 });
  const add = (n: number): void =>
    results.add(new FakeJob({ jobId: idOf(n), jobGraph: { name: 'x' }, submittedAt: n } as RunningJobOptions).summary(), n, 256 * 1_024);
  for (let n = 1; n <= 260; n++) add(n);
  assert.equal(
    results.superfluous(300, (id) => id === idOf(2)),
    [1, 3, 4, 5].map(idOf),
  );
});

test.run();
