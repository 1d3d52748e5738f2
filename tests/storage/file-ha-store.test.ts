import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MillraceError } from '../../core/errors.js';
import type { CheckpointId, JobId } from '../../core/ids.js';
import type { FileSystem } from '../../core/ports.js';
import type { CheckpointPointer, LeaderToken } from '../../storage/contracts.js';
import { FileHaStore } from '../../storage/ha/file-ha-store.js';
import { rejectsWith } from '../../testing/contracts/contract.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { countingRandom } from '../support/counting-random.js';
import { GatedFileSystem } from '../support/gated-file-system.js';

const test = suite('leader records in files');
const job = 'job' as JobId;
const random = countingRandom();
const clock = new ManualClock();

const open = (files: FileSystem, linesPerPartMax = 100) => new FileHaStore({ files, clock, random, directory: '/ha', linesPerPartMax });
const pointer = (id: number): CheckpointPointer => ({
  checkpointId: id as CheckpointId,
  metadata: { name: `job/${id}/epoch-1/metadata/0`, bytes: id, sha256: String(id).padStart(64, '0') },
});
const ids = (pointers: readonly CheckpointPointer[]) => pointers.map((each) => each.checkpointId as number);

async function lead(store: FileHaStore, holder: string, supersedes?: string): Promise<LeaderToken> {
  const answer = await store.acquire(holder, 1_000, supersedes);
  if (answer.kind !== 'granted') throw new Error(`${holder} does not lead`);
  return answer.token;
}

test('a leader paused before it appends cannot overwrite the pointer of its successor (FH1)', async () => {
  const disk = new MemoryFileSystem();
  const paused = new GatedFileSystem(disk);
  const old = open(paused.files);
  const oldToken = await lead(old, 'a');
  await old.addCheckpoint(oldToken, job, pointer(1), 1);
  const gate = paused.hold('append');
  const late = old.addCheckpoint(oldToken, job, pointer(2), 1);
  await gate.reached;
  const next = open(disk);
  const token = await lead(next, 'b', 'a');
  assert.equal(ids(await next.checkpoints(job)), [1]);
  await next.addCheckpoint(token, job, pointer(3), 1);
  gate.open();
  await rejectsWith('FENCED', late);
  assert.equal(ids(await next.checkpoints(job)), [3]);
  assert.equal(ids(await open(disk).checkpoints(job)), [3]);
});

for (const step of ['sync', 'list'] as const) {
  test(`a leader paused after its line was written, at ${step}, is not told it counted, whether its successor read it or not (FH2)`, async () => {
    const disk = new MemoryFileSystem();
    const paused = new GatedFileSystem(disk);
    const old = open(paused.files);
    const oldToken = await lead(old, 'a');
    const append = paused.hold('append');
    const late = old.addCheckpoint(oldToken, job, pointer(2), 1);
    await append.reached;
    const gate = paused.hold(step);
    append.open();
    await gate.reached;
    const next = open(disk);
    await lead(next, 'b', 'a');
    const seen = ids(await next.checkpoints(job));
    gate.open();
    await rejectsWith('FENCED', late);
    assert.equal(ids(await open(disk).checkpoints(job)), seen);
  });
}

test('a leader that was paused while it became one does not lead, when another did meanwhile (FH1)', async () => {
  const disk = new MemoryFileSystem();
  const first = open(disk);
  const firstToken = await lead(first, 'first');
  await first.nextCheckpointId(firstToken, job);
  const paused = new GatedFileSystem(disk);
  const slow = open(paused.files);
  const gate = paused.hold('append');
  const answer = slow.acquire('slow', 1_000, 'first');
  await gate.reached;
  const quick = open(disk);
  assert.is((await quick.acquire('quick', 1_000)).kind, 'held');
  clock.advance(2_000);
  const token = await lead(quick, 'quick');
  assert.is(await quick.nextCheckpointId(token, job), 2);
  gate.open();
  assert.is((await answer).kind, 'held');
  assert.is(await quick.nextCheckpointId(token, job), 3);
  assert.ok(token.epoch > firstToken.epoch + 1);
});

test('a wall clock set back does not keep a dead leader in office (FH4)', async () => {
  const disk = new MemoryFileSystem();
  await lead(new FileHaStore({ files: disk, clock: new ManualClock(5_000_000), random, directory: '/ha' }), 'dead');
  const behind = new ManualClock(1_000);
  const store = new FileHaStore({ files: disk, clock: behind, random, directory: '/ha' });
  assert.is((await store.acquire('b', 1_000)).kind, 'held');
  behind.advance(900);
  assert.is((await store.acquire('b', 1_000)).kind, 'held');
  behind.advance(200);
  assert.is((await store.acquire('b', 1_000)).kind, 'granted');
});

test('after a full disk a write fails with recovery retry, leaves no trace, and works once there is room (FH3)', async () => {
  let room = Infinity;
  const files = new MemoryFileSystem({
    before: (operation) => {
      if (operation === 'append' && room-- <= 0) throw new MillraceError('DISK_FULL', 'full');
    },
  });
  const store = open(files);
  const token = await lead(store, 'a');
  await store.addCheckpoint(token, job, pointer(1), 2);
  room = 0;
  const error = await rejectsWith('HA_STORE_FAILED', store.addCheckpoint(token, job, pointer(2), 2));
  assert.is((error as MillraceError).recovery, 'retry');
  await rejectsWith('HA_STORE_FAILED', store.addCheckpoint(token, job, pointer(2), 2));
  assert.equal(ids(await store.checkpoints(job)), [1]);
  room = Infinity;
  await store.addCheckpoint(token, job, pointer(3), 2);
  assert.equal(ids(await open(files).checkpoints(job)), [1, 3]);
  const next = open(files);
  const successor = await lead(next, 'b', 'a');
  assert.equal(ids(await next.checkpoints(job)), [1, 3]);
  assert.is(await next.nextCheckpointId(successor, job), 1);
});

test('a disk that fills in the middle of a line costs that line only (HL1, FH3)', async () => {
  for (let capacityBytes = 800; capacityBytes < 1_400; capacityBytes += 37) {
    const files = new MemoryFileSystem({ capacityBytes });
    const store = open(files);
    let token: LeaderToken | undefined;
    let told = 0;
    try {
      token = await lead(store, 'a');
      while (true) told = await store.nextCheckpointId(token, job);
    } catch (error) {
      assert.is((error as MillraceError).code, 'HA_STORE_FAILED');
    }
    assert.ok(token !== undefined && told > 0, 'the disk filled after the first id');
    const records = await open(files).checkpoints(job);
    assert.equal(records, []);
    files.capacityBytes = Infinity;
    const afterwards = await store.nextCheckpointId(token, job);
    assert.ok(afterwards > told);
    const next = open(files);
    const successor = await lead(next, 'b', 'a');
    assert.ok((await next.nextCheckpointId(successor, job)) > afterwards);
  }
});

test('what was told survives the loss of power, at any moment and whatever part of the rest survives (DF1, FH2)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ op: fc.constantFrom('id', 'add', 'job', 'takeover', 'crash'), partial: fc.boolean() }), {
        minLength: 5,
        maxLength: 40,
      }),
      fc.nat(),
      async (steps, seed) => {
        // Each life of the machine has a mount of its own: what is under way when the power goes must not go on writing
        // afterwards, next to its successor, as no process of a machine without power does.
        const files = new MemoryFileSystem();
        const dice = countingRandom(seed);
        let leader = 0;
        let store = open(files.mount(), 3);
        let token = await lead(store, 'leader-0');
        let lastId = 0;
        let added: number | undefined;
        const jobs = new Set<string>();
        const takeOver = async () => {
          store = open(files.mount(), 3);
          token = await lead(store, `leader-${++leader}`, `leader-${leader - 1}`);
        };
        for (const step of steps) {
          if (step.op === 'id') {
            const id = await store.nextCheckpointId(token, job);
            assert.ok(id > lastId, `${id} after ${lastId}`);
            lastId = id;
          } else if (step.op === 'add') {
            added = (added ?? 0) + 1;
            await store.addCheckpoint(token, job, pointer(added), 1);
          } else if (step.op === 'job') {
            jobs.add(`job-${jobs.size}`);
            await store.putJob(token, { jobId: `job-${jobs.size - 1}` as JobId, submittedAt: 1, submission: new Uint8Array([1]) });
          } else if (step.op === 'takeover') {
            await takeOver();
          } else {
            // Something may be under way when the power goes.
            const underWay = store.nextCheckpointId(token, job).catch(() => undefined);
            for (let turns = Math.floor(dice.next() * 30); turns > 0; turns -= 1) await Promise.resolve();
            files.crash(step.partial ? dice : undefined);
            lastId = (await underWay) ?? lastId;
            clock.advance(2_000);
            await takeOver();
          }
          assert.equal(ids(await store.checkpoints(job)), added === undefined ? [] : [added]);
          assert.equal(new Set((await store.jobs()).map((each) => each.jobId as string)), jobs);
        }
      },
    ),
    { numRuns: 200, seed: 5 },
  );
});

test('old logs and leases are removed, the newest stays (LD3)', async () => {
  const files = new MemoryFileSystem();
  for (let index = 0; index < 4; index += 1) {
    const store = open(files, 3);
    const token = await lead(store, `leader-${index}`, `leader-${index - 1}`);
    for (let count = 0; count < 10; count += 1) await store.nextCheckpointId(token, job);
  }
  const names = await files.list('/ha');
  assert.is(names.length, 2, names.join(' '));
  assert.match(names[0] as string, /^0{15}4\.0{7}[1-9]\.log$/);
  assert.is(names[1], '0000000000000004.lease');
});

test.run();
