import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Client } from '../../actors/client/client.js';
import { JobManager } from '../../actors/job-manager/job-manager.js';
import { JobResults, type JobStoreSettings } from '../../actors/job-manager/job-results.js';
import { encodeResult, encodeSubmission } from '../../actors/job-manager/job-submission.js';
import type { RunningJobOptions, SummaryOptions } from '../../actors/job-manager/running-job.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { MillraceError } from '../../core/errors.js';
import { type JobId, checkpointId, jobId, leaderEpoch, operatorId, vertexId } from '../../core/ids.js';
import { planJob } from '../../graph/job-plan.js';
import type { JobGraph } from '../../graph/types.js';
import { CheckpointStore } from '../../storage/checkpoints/checkpoint-store.js';
import { MemoryCheckpointStorage } from '../../storage/checkpoints/memory-checkpoint-storage.js';
import { createMemoryHaWorld, MemoryHaStore } from '../../storage/ha/memory-ha-store.js';
import { MemoryBlobStore } from '../../storage/blobs/memory-blob-store.js';
import type { CompletedCheckpoint, HaStore } from '../../storage/contracts.js';
import { defineJob } from '../../api/job.js';
import { sequenceSource } from '../../connectors/sequence-source.js';
import { BusRoom, type Participant } from './simulated-bus-room.js';

const test = suite('JobManager');

function smallGraph(): JobGraph {
  const job = defineJob('small', (env) => void env.fromSource(sequenceSource(1, 3), 'numbers').map((n) => n + 1));
  return planJob(job.build({})).jobGraph;
}

/** A job that does what it is told, and nothing by itself. */
class FakeJob {
  readonly calls: string[] = [];
  readonly options: RunningJobOptions;
  status: JobSummary['status'] = 'RUNNING';
  endedAt = Date.UTC(2026, 0, 1);
  latestCheckpointId: JobSummary['latestCheckpointId'] = null;
  /** Resolves when the last pointer has moved. */
  pointerMove: Promise<void> = Promise.resolve();

  constructor(options: RunningJobOptions) {
    this.options = options;
  }
  handlers() {
    return {};
  }
  start(): void {
    this.calls.push('start');
  }
  cancel(): void {
    this.calls.push('cancel');
  }
  suspend(): void {
    this.calls.push('suspend');
  }
  end(status: JobSummary['status']): void {
    this.status = status;
    this.options.onEnded(this.summary());
  }
  settled(): Promise<void> {
    return this.pointerMove;
  }
  summary({ withHistory = false }: SummaryOptions = {}): JobSummary {
    if (withHistory) this.calls.push('history');
    return {
      jobId: this.options.jobId,
      name: this.options.jobGraph.name,
      status: this.status,
      submittedAt: this.options.submittedAt,
      timestamps: {},
      endedAt: this.status === 'RUNNING' ? null : this.endedAt,
      restarts: 0,
      checkpointsCompleted: 0,
      latestCheckpointId: this.latestCheckpointId,
      recordsIn: 0,
      recordsOut: 0,
      tasks: {},
      error: null,
    };
  }
}

/** The third checkpoint of a job, with nothing in it. */
const completedCheckpoint = (job: JobId): CompletedCheckpoint => ({
  formatVersion: 1,
  jobId: job,
  checkpointId: checkpointId(3),
  leaderEpoch: leaderEpoch(1),
  fingerprint: 'f',
  triggeredAt: 1,
  completedAt: 2,
  isFinal: false,
  vertices: [],
  tasks: [],
  sources: [],
  sharedResources: {},
});

interface Setting {
  readonly room: BusRoom;
  readonly client: Client;
  readonly stored: ReturnType<typeof createMemoryHaWorld>;
  readonly chunks: Map<string, Uint8Array>;
  readonly blobs: MemoryBlobStore;
}

interface Leading {
  readonly manager: JobManager;
  readonly jobs: Map<JobId, FakeJob>;
  readonly at: Participant;
  readonly store: HaStore;
  fenced: number;
}

function setUp(): Setting {
  const room = new BusRoom();
  const { endpoint, process } = room.join('client');
  return {
    room,
    client: new Client({ endpoint, clock: process.clock, random: process.random, patienceMs: 3_000 }),
    stored: createMemoryHaWorld(),
    chunks: new Map(),
    blobs: new MemoryBlobStore(),
  };
}

async function lead(
  { room, stored, chunks, blobs }: Setting,
  holder: string,
  wrap: (store: HaStore) => HaStore = (store) => store,
  more: { readonly jobStore?: JobStoreSettings; readonly refuses?: (options: RunningJobOptions) => boolean } = {},
): Promise<Leading> {
  const at = room.join(holder);
  const { clock, logger } = at.process;
  const store = wrap(new MemoryHaStore({ clock, world: stored }));
  const lease = await store.acquire(holder, 1_000_000, stored.records.token?.holder);
  if (lease.kind !== 'granted') throw new Error('the lease was not granted');
  const jobs = new Map<JobId, FakeJob>();
  const leading: Leading = {
    at,
    store,
    jobs,
    fenced: 0,
    manager: new JobManager({
      token: lease.token,
      endpoint: at.endpoint,
      store,
      checkpoints: new CheckpointStore({ ha: store, storage: new MemoryCheckpointStorage({ chunks }), clock, logger }),
      blobs,
      clock,
      logger,
      ...(more.jobStore === undefined ? {} : { jobStore: more.jobStore }),
      createJob: (options) => {
        if (more.refuses?.(options) === true) throw new TypeError('no such graph');
        const job = new FakeJob(options);
        jobs.set(options.jobId, job);
        return job;
      },
      process: { host: 'here', pid: 1 },
      overview: () => [],
      onFenced: () => leading.fenced++,
    }),
  };
  await room.settle(leading.manager.start());
  return leading;
}

const code = { kind: 'module', url: 'file:///job.js' } as const;

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

/** A store whose method `key` fails as `error` says, as often as it gives one. */
function failing(key: keyof HaStore, error: () => Error | undefined): (store: HaStore) => HaStore {
  return (store) =>
    new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]): Promise<unknown> => {
          const wrong = name === key ? error() : undefined;
          if (wrong !== undefined) throw wrong;
          return value.apply(target, args) as unknown;
        };
      },
    });
}

const idOf = (n: number): JobId => jobId(n.toString(16).padStart(32, '0'));

test('a job whose record or checkpoint cannot be read fails and says why; the others run and the leader serves (JM5)', async () => {
  const setting = setUp();
  const { records } = setting.stored;
  const put = (n: number, submission: Uint8Array): void => void records.jobs.set(idOf(n), { jobId: idOf(n), submittedAt: n, submission });
  const good = encodeSubmission({ formatVersion: 1, jobGraph: smallGraph(), code, restoreFrom: null });
  put(1, new TextEncoder().encode('rubbish'));
  put(2, good);
  put(3, good);
  const metadata = { name: `${idOf(3)}/4/epoch-1/metadata/0`, bytes: 1, sha256: '0'.repeat(64) };
  records.checkpoints.set(idOf(3), { lastId: 4, pointers: [{ checkpointId: checkpointId(4), metadata }], dropped: [] });
  put(4, good);
  records.results.set(idOf(9), { jobId: idOf(9), endedAt: Date.UTC(2026, 0, 1), result: new TextEncoder().encode('rubbish') });
  const { jobs } = await lead(setting, 'jm-1', undefined, { refuses: (options) => options.jobId === idOf(4) });
  assert.equal([...jobs.keys()], [idOf(2)]);
  const described = await setting.room.settle(Promise.all([1, 3, 4, 9].map((n) => setting.client.describe(idOf(n)))));
  assert.equal(
    described.map((job) => [job?.status, job?.error?.code, job?.error?.cause?.code]),
    [
      ['FAILED', 'JOB_NOT_STARTED', described[0]?.error?.cause?.code],
      ['FAILED', 'JOB_NOT_STARTED', 'CHUNK_MISSING'],
      ['FAILED', 'JOB_NOT_STARTED', 'UNCAUGHT'],
      ['FAILED', 'RESULT_UNREADABLE', described[3]?.error?.cause?.code],
    ],
  );
  assert.equal(Object.keys(described[1]?.timestamps ?? {}), ['INITIALIZING', 'FAILED']);
  assert.equal([...records.jobs.keys()], [idOf(2)], 'they are not tried again');
  assert.is(records.checkpoints.get(idOf(3))?.pointers.length, 1, 'their checkpoints are kept');
});

test('what may pass is tried again until the job is recovered (JM5)', async () => {
  const setting = setUp();
  const submission = encodeSubmission({ formatVersion: 1, jobGraph: smallGraph(), code, restoreFrom: null });
  setting.stored.records.jobs.set(idOf(1), { jobId: idOf(1), submittedAt: 1, submission });
  let failures = 3;
  const away = new MillraceError('STORE_UNAVAILABLE', 'away', { domain: 'external', recovery: 'retry' });
  const { jobs } = await lead(
    setting,
    'jm-1',
    failing('checkpoints', () => (failures-- > 0 ? away : undefined)),
  );
  assert.equal([...jobs.keys()], [idOf(1)]);
  assert.ok(failures < 0);
});

test('a submission that was rejected is never run later (JM1)', async () => {
  const setting = setUp();
  const other = idOf(7);
  const chunks = new MemoryCheckpointStorage({ chunks: setting.chunks });
  const first = await lead(
    setting,
    'jm-1',
    failing('raiseCheckpointId', () => new MillraceError('STORE_UNAVAILABLE', 'away', { recovery: 'fail-job' })),
  );
  const store = new CheckpointStore({ ha: first.store, storage: chunks, clock: first.at.process.clock, logger: first.at.process.logger });
  const token = setting.stored.records.token as NonNullable<typeof setting.stored.records.token>;
  await store.complete(token, completedCheckpoint(other), 1);
  try {
    await setting.room.settle(setting.client.submit({ jobGraph: smallGraph(), code, restoreFrom: `${other}/3` }));
    assert.unreachable('it was accepted');
  } catch (error) {
    assert.is((error as MillraceError).code, 'STORE_UNAVAILABLE');
  }
  assert.is(setting.stored.records.jobs.size, 0);
  first.manager.suspend();
  assert.is((await lead(setting, 'jm-2')).jobs.size, 0);
});

test('the states a job asks for are compared with those of its checkpoint before it is accepted', async () => {
  const setting = setUp();
  const other = idOf(7);
  const { store, at, jobs } = await lead(setting, 'jm-1');
  const storage = new MemoryCheckpointStorage({ chunks: setting.chunks });
  const checkpoints = new CheckpointStore({ ha: store, storage, clock: at.process.clock, logger: at.process.logger });
  const descriptor = (name: string, version = 1) => ({ name, kind: 'value', isNamespaced: false, version, hasTtl: false }) as const;
  const operator = operatorId('c'.repeat(32));
  const held = { operatorId: operator, keyed: [], operatorState: null, descriptors: [descriptor('sum'), descriptor('last')] };
  const task = { vertexId: vertexId('c'.repeat(32)), subtaskIndex: 0, operators: [held], isFinished: false, stateBytes: 0 };
  const token = setting.stored.records.token as NonNullable<typeof setting.stored.records.token>;
  await checkpoints.complete(token, { ...completedCheckpoint(other), tasks: [task] }, 1);
  const submit = async (states: readonly ReturnType<typeof descriptor>[], graph = smallGraph()) => {
    const verdicts: string[] = [];
    try {
      await setting.room.settle(
        setting.client.submit({
          jobGraph: graph,
          code,
          restoreFrom: `${other}/3`,
          states: [
            { operatorId: operator, name: 'count', states: states.map((one) => ({ descriptor: one, isMigrated: one.name === 'last' })) },
          ],
          onStates: (compared) => verdicts.push(...compared.map(({ state, verdict }) => `${state} ${verdict}`)),
        }),
      );
      return verdicts;
    } catch (error) {
      return (error as MillraceError).code;
    }
  };
  assert.is(await submit([descriptor('sum', 2), descriptor('last')]), 'STATE_INCOMPATIBLE');
  assert.is(await submit([descriptor('sum')]), 'STATE_DROPPED');
  assert.is(jobs.size, 0);
  assert.equal(await submit([descriptor('sum'), descriptor('last', 2), descriptor('more')]), ['last migrated', 'more new', 'sum kept']);
  const graph = smallGraph();
  const lenient = { ...graph, settings: { ...graph.settings, isNonRestoredStateAllowed: true } };
  assert.equal(await submit([descriptor('sum')], lenient), ['last dropped', 'sum kept']);
  assert.is(jobs.size, 2);
});

test('a job whose scheduler cannot be made was accepted and has failed (JM1)', async () => {
  const setting = setUp();
  await lead(setting, 'jm-1', undefined, { refuses: () => true });
  const id = await setting.room.settle(setting.client.submit({ jobGraph: smallGraph(), code }));
  const end = await setting.room.settle(setting.client.waitForEnd(id));
  assert.is(end.status, 'FAILED');
  assert.match(end.error?.cause?.message ?? '', /no such graph/);
  assert.is(setting.stored.records.jobs.size, 0);
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
