/** The contract of {@link HaStore}: one leader at a time, and records that only the latest leader can change. */
import assert from 'node:assert/strict';
import type { CheckpointId, JobId } from '../../core/ids.js';
import type { Clock } from '../../core/ports.js';
import type { CheckpointPointer, HaStore, LeaderToken } from '../../storage/contracts.js';
import { rejectsWith, type Contract } from './contract.js';

export interface HaStoreFixture {
  /** A store as another process would open it. */
  open(): Promise<HaStore>;
  /** The clock the stores were given. */
  readonly clock: Clock;
  /** A lease long enough for a few calls, short enough to wait for. */
  readonly leaseMs: number;
  /** Lets time pass, for the stores and for whatever keeps their leases. */
  elapse(ms: number): Promise<void>;
}

const job = 'job-1' as JobId;
const long = 60_000;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : new TextDecoder().decode(bytes));
const id = (value: number) => value as CheckpointId;
const pointer = (checkpoint: number): CheckpointPointer => ({
  checkpointId: id(checkpoint),
  metadata: { name: `job-1/${checkpoint}/epoch-1/metadata/0`, bytes: 10 * checkpoint, sha256: String(checkpoint).padStart(64, '0') },
});
const idsOf = (pointers: readonly CheckpointPointer[]) => pointers.map((each) => each.checkpointId as number);

async function lead(store: HaStore, holder: string, supersedes?: string): Promise<LeaderToken> {
  const answer = await store.acquire(holder, long, supersedes);
  assert.equal(answer.kind, 'granted', `${holder} should lead`);
  return answer.kind === 'granted' ? answer.token : assert.fail();
}

/** Every way to write, by name. */
const writes: readonly (readonly [string, (store: HaStore, token: LeaderToken) => Promise<unknown>])[] = [
  ['putJob', (store, token) => store.putJob(token, { jobId: job, submittedAt: 2, submission: bytesOf('late') })],
  ['putResult', (store, token) => store.putResult(token, { jobId: job, endedAt: 2, result: bytesOf('late') })],
  ['removeJob', (store, token) => store.removeJob(token, job, { keepCheckpoints: false })],
  ['removeResults', (store, token) => store.removeResults(token, [job])],
  ['nextCheckpointId', (store, token) => store.nextCheckpointId(token, job)],
  ['raiseCheckpointId', (store, token) => store.raiseCheckpointId(token, job, id(1_000))],
  ['addCheckpoint', (store, token) => store.addCheckpoint(token, job, pointer(999), 1)],
  ['check', (store, token) => store.check(token)],
];

export const haStoreContract: Contract<HaStoreFixture> = [
  {
    name: 'the first to ask leads, with an epoch from 1 and a deadline that its lease covers',
    async run({ open, clock, leaseMs }) {
      const before = clock.monotonic();
      const answer = await (await open()).acquire('jm-a', leaseMs);
      assert.ok(answer.kind === 'granted');
      assert.ok(answer.token.epoch >= 1);
      assert.equal(answer.token.holder, 'jm-a');
      assert.ok(answer.deadline >= before + leaseMs && answer.deadline <= clock.monotonic() + leaseMs);
    },
  },
  {
    name: 'while a lease runs, another asker is told who holds it and for how long at most',
    async run({ open }) {
      const token = await lead(await open(), 'jm-a');
      const answer = await (await open()).acquire('jm-b', long);
      assert.ok(answer.kind === 'held');
      assert.deepEqual({ ...answer.by }, { ...token });
      assert.ok(answer.remainingMs > 0 && answer.remainingMs <= long);
      assert.deepEqual({ ...(await (await open()).leader()) }, { ...token });
    },
  },
  {
    name: 'a lease that was not renewed ends, and the next leader has a higher epoch',
    async run({ open, elapse, leaseMs }) {
      const first = await (await open()).acquire('jm-a', leaseMs);
      const follower = await open();
      assert.equal((await follower.acquire('jm-b', leaseMs)).kind, 'held');
      await elapse(leaseMs * 1.5);
      const second = await follower.acquire('jm-b', leaseMs);
      assert.ok(first.kind === 'granted' && second.kind === 'granted');
      assert.ok(second.token.epoch > first.token.epoch);
    },
  },
  {
    name: 'a renewed lease goes on',
    async run({ open, elapse, leaseMs }) {
      const store = await open();
      const follower = await open();
      const first = await store.acquire('jm-a', leaseMs);
      assert.ok(first.kind === 'granted');
      for (let round = 0; round < 3; round += 1) {
        await elapse(leaseMs * 0.6);
        assert.equal((await follower.acquire('jm-b', leaseMs)).kind, 'held');
        const renewed = await store.renew(first.token, leaseMs);
        assert.ok(renewed.kind === 'granted');
        assert.deepEqual({ ...renewed.token }, { ...first.token });
      }
    },
  },
  {
    name: 'no epoch is granted twice: a holder that asks again has a higher one, and what it does under the older is FENCED',
    async run({ open }) {
      const store = await open();
      const first = await lead(store, 'jm-a');
      assert.equal((await store.renew(first, long)).kind, 'granted');
      const second = await lead(store, 'jm-a');
      assert.ok(second.epoch > first.epoch);
      await rejectsWith('FENCED', store.check(first));
      assert.equal((await store.renew(first, long)).kind, 'held');
      await store.release(first);
      assert.deepEqual({ ...(await store.leader()) }, { ...second });
      await store.check(second);
      assert.equal((await store.renew(second, long)).kind, 'granted');
      assert.equal((await (await open()).acquire('jm-b', long)).kind, 'held');
    },
  },
  {
    name: 'a holder whose renewal came after its lease had ended is granted a higher epoch when it asks',
    async run({ open, elapse, leaseMs }) {
      const store = await open();
      const first = await store.acquire('jm-a', leaseMs);
      assert.ok(first.kind === 'granted');
      await elapse(leaseMs * 1.5);
      assert.equal((await store.renew(first.token, leaseMs)).kind, 'granted');
      assert.ok((await lead(store, 'jm-a')).epoch > first.token.epoch);
    },
  },
  {
    name: 'who supersedes the holder leads at once; naming somebody else does not help',
    async run({ open }) {
      const first = await lead(await open(), 'jm-a');
      const store = await open();
      assert.equal((await store.acquire('jm-b', long, 'jm-x')).kind, 'held');
      const second = await lead(store, 'jm-b', 'jm-a');
      assert.ok(second.epoch > first.epoch);
      assert.ok((await lead(store, 'jm-b', 'jm-a')).epoch > second.epoch);
    },
  },
  {
    name: 'a released lease is free at once, and only its holder can release it',
    async run({ open }) {
      const store = await open();
      const first = await lead(store, 'jm-a');
      await store.release(first);
      await store.release(first);
      assert.equal(await store.leader(), undefined);
      const other = await open();
      const second = await lead(other, 'jm-b');
      assert.ok(second.epoch > first.epoch);
      await store.release(first);
      assert.deepEqual({ ...(await other.leader()) }, { ...second });
    },
  },
  {
    name: 'renewing a lease that another holds by now is refused, and names the new leader',
    async run({ open }) {
      const store = await open();
      const first = await lead(store, 'jm-a');
      const second = await lead(await open(), 'jm-b', 'jm-a');
      const answer = await store.renew(first, long);
      assert.ok(answer.kind === 'held');
      assert.deepEqual({ ...answer.by }, { ...second });
    },
  },
  {
    name: 'of several that ask at once, one leads',
    async run({ open }) {
      const stores = await Promise.all(Array.from({ length: 5 }, () => open()));
      const answers = await Promise.all(stores.map((store, index) => store.acquire(`jm-${index}`, long)));
      assert.equal(answers.filter((answer) => answer.kind === 'granted').length, 1);
    },
  },
  ...writes.map(([name, write]) => ({
    name: `${name} with the token of an old leader is FENCED and changes nothing`,
    async run({ open }: HaStoreFixture) {
      const store = await open();
      const old = await lead(store, 'jm-a');
      await store.putJob(old, { jobId: job, submittedAt: 1, submission: bytesOf('job') });
      await store.nextCheckpointId(old, job);
      await store.addCheckpoint(old, job, pointer(1), 1);
      const successor = await open();
      const token = await lead(successor, 'jm-b', 'jm-a');
      const error = await rejectsWith('FENCED', write(store, old));
      assert.equal((error as { recovery?: unknown }).recovery, 'crash');
      await rejectsWith('FENCED', write(store, old));
      for (const reader of [successor, await open()]) {
        assert.deepEqual(
          (await reader.jobs()).map((each) => textOf(each.submission)),
          ['job'],
        );
        assert.equal(await reader.result(job), undefined);
        assert.deepEqual(idsOf(await reader.checkpoints(job)), [1]);
      }
      assert.equal(await successor.nextCheckpointId(token, job), 2);
    },
  })),
  {
    name: 'a token that was never granted is FENCED, also one with the right epoch',
    async run({ open }) {
      const store = await open();
      const token = await lead(store, 'jm-a');
      await rejectsWith('FENCED', store.nextCheckpointId({ ...token, holder: 'jm-x' }, job));
      await rejectsWith('FENCED', store.nextCheckpointId({ ...token, epoch: (token.epoch + 1) as typeof token.epoch }, job));
    },
  },
  {
    name: 'a leader whose lease ended may write until another one leads: epochs fence, not time',
    async run({ open, elapse, leaseMs }) {
      const store = await open();
      const answer = await store.acquire('jm-a', leaseMs);
      assert.ok(answer.kind === 'granted');
      await elapse(leaseMs * 1.5);
      assert.equal(await store.nextCheckpointId(answer.token, job), 1);
      assert.equal((await store.renew(answer.token, leaseMs)).kind, 'granted');
    },
  },
  {
    name: 'a job is recorded once, seen by every process, and survives a change of leaders',
    async run({ open }) {
      const store = await open();
      const token = await lead(store, 'jm-a');
      const record = { jobId: job, submittedAt: 5, submission: Uint8Array.from([0, 255, 10, 13, 128]) };
      await store.putJob(token, record);
      await store.putJob(token, record);
      await store.putJob(token, { ...record, jobId: 'job-2' as JobId });
      const next = await open();
      await lead(next, 'jm-b', 'jm-a');
      const jobs = await next.jobs();
      assert.deepEqual(
        jobs.map((each) => each.jobId as string),
        ['job-1', 'job-2'],
      );
      assert.deepEqual([...(jobs[0]?.submission ?? [])], [0, 255, 10, 13, 128]);
      assert.equal(jobs[0]?.submittedAt, 5);
    },
  },
  {
    name: 'the first result of a job stays, also after the job is removed',
    async run({ open }) {
      const store = await open();
      const token = await lead(store, 'jm-a');
      await store.putJob(token, { jobId: job, submittedAt: 1, submission: bytesOf('job') });
      assert.equal(await store.result(job), undefined);
      await store.putResult(token, { jobId: job, endedAt: 7, result: bytesOf('first') });
      await store.putResult(token, { jobId: job, endedAt: 8, result: bytesOf('second') });
      await store.removeJob(token, job, { keepCheckpoints: false });
      await store.removeJob(token, job, { keepCheckpoints: false });
      const reader = await open();
      assert.deepEqual(await reader.jobs(), []);
      assert.equal(textOf((await reader.result(job))?.result), 'first');
      assert.equal((await reader.result(job))?.endedAt, 7);
      assert.deepEqual(
        (await reader.results()).map((each) => each.jobId as string),
        ['job-1'],
      );
    },
  },
  {
    name: 'results are forgotten on demand, except of a job that still has a record',
    async run({ open }) {
      const store = await open();
      const token = await lead(store, 'jm-a');
      const ids = ['job-1', 'job-2', 'job-3'] as JobId[];
      for (const jobId of ids) await store.putResult(token, { jobId, endedAt: 7, result: bytesOf(jobId) });
      await store.putJob(token, { jobId: job, submittedAt: 1, submission: bytesOf('job') });
      await store.removeResults(token, ['job-1', 'job-2', 'job-9'] as JobId[]);
      await store.removeResults(token, ['job-2'] as JobId[]);
      await store.removeResults(token, []);
      const next = await open();
      await lead(next, 'jm-b', 'jm-a');
      assert.deepEqual((await next.results()).map((each) => each.jobId as string).sort(), ['job-1', 'job-3']);
      assert.equal(await next.result('job-2' as JobId), undefined);
    },
  },
  {
    name: 'checkpoint ids start at 1 and never repeat, across leaders; raising moves them up only',
    async run({ open }) {
      const store = await open();
      const token = await lead(store, 'jm-a');
      assert.equal(await store.nextCheckpointId(token, job), 1);
      assert.equal(await store.nextCheckpointId(token, job), 2);
      assert.equal(await store.nextCheckpointId(token, 'job-2' as JobId), 1);
      const next = await open();
      const successor = await lead(next, 'jm-b', 'jm-a');
      assert.equal(await next.nextCheckpointId(successor, job), 3);
      await next.raiseCheckpointId(successor, job, id(40));
      await next.raiseCheckpointId(successor, job, id(7));
      assert.equal(await next.nextCheckpointId(successor, job), 41);
    },
  },
  {
    name: 'adding a checkpoint drops the oldest beyond the retained ones and tells which; adding it again tells the same',
    async run({ open }) {
      const store = await open();
      const token = await lead(store, 'jm-a');
      assert.deepEqual(await store.addCheckpoint(token, job, pointer(1), 2), []);
      assert.deepEqual(await store.addCheckpoint(token, job, pointer(9), 2), []);
      assert.deepEqual(await store.addCheckpoint(token, job, pointer(10), 2), [pointer(1)]);
      assert.deepEqual(await store.addCheckpoint(token, job, pointer(10), 2), [pointer(1)]);
      assert.deepEqual(await (await open()).checkpoints(job), [pointer(9), pointer(10)]);
      assert.deepEqual(idsOf(await store.addCheckpoint(token, job, pointer(11), 1)), [9, 10]);
      const next = await open();
      await lead(next, 'jm-b', 'jm-a');
      assert.deepEqual(await next.checkpoints(job), [pointer(11)]);
    },
  },
  {
    name: 'retaining less than the checkpoint itself is refused',
    async run({ open }) {
      const store = await open();
      const token = await lead(store, 'jm-a');
      for (const retained of [0, -1, 1.5, Number.NaN])
        await rejectsWith('RETAINED_INVALID', store.addCheckpoint(token, job, pointer(1), retained));
      assert.deepEqual(await store.checkpoints(job), []);
    },
  },
  {
    name: 'removing a job removes its checkpoints and leaves those of others',
    async run({ open }) {
      const store = await open();
      const token = await lead(store, 'jm-a');
      await store.addCheckpoint(token, job, pointer(1), 1);
      await store.addCheckpoint(token, 'job-2' as JobId, pointer(2), 1);
      await store.removeJob(token, job, { keepCheckpoints: false });
      assert.deepEqual(await (await open()).checkpoints(job), []);
      assert.deepEqual(idsOf(await store.checkpoints('job-2' as JobId)), [2]);
    },
  },
  {
    name: 'a job removed with its checkpoints kept is no longer recovered, and its checkpoints and counter stay',
    async run({ open }) {
      const store = await open();
      const token = await lead(store, 'jm-a');
      await store.putJob(token, { jobId: job, submittedAt: 1, submission: bytesOf('job') });
      await store.nextCheckpointId(token, job);
      await store.addCheckpoint(token, job, pointer(1), 1);
      await store.removeJob(token, job, { keepCheckpoints: true });
      await store.removeJob(token, job, { keepCheckpoints: true });
      const reader = await open();
      assert.deepEqual(await reader.jobs(), []);
      assert.deepEqual(await reader.checkpoints(job), [pointer(1)]);
      assert.equal(await store.nextCheckpointId(token, job), 2);
      await store.removeJob(token, job, { keepCheckpoints: false });
      assert.deepEqual(await (await open()).checkpoints(job), []);
    },
  },
  {
    name: 'it says what its records survive',
    async run({ open }) {
      assert.ok((await open()).durability.length > 10);
    },
  },
];
