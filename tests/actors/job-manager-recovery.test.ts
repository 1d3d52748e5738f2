/** What becomes of jobs whose records cannot be read or made, and of submissions that were turned down. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeSubmission } from '../../actors/job-manager/job-submission.js';
import { MillraceError } from '../../core/errors.js';
import { checkpointId, operatorId, vertexId } from '../../core/ids.js';
import { CheckpointStore } from '../../storage/checkpoints/checkpoint-store.js';
import { MemoryCheckpointStorage } from '../../storage/checkpoints/memory-checkpoint-storage.js';
import type { HaStore } from '../../storage/contracts.js';
import { smallGraph, completedCheckpoint, setUp, lead, code, idOf } from './job-manager-room.js';

const test = suite('JobManager: recovery');

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

test.run();
