import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MillraceError } from '../../core/errors.js';
import type { CheckpointId, JobId, OperatorId, VertexId } from '../../core/ids.js';
import { formatChunkName, parseChunkName } from '../../storage/checkpoints/chunk-name.js';
import { CheckpointStore } from '../../storage/checkpoints/checkpoint-store.js';
import { MemoryCheckpointStorage } from '../../storage/checkpoints/memory-checkpoint-storage.js';
import type { ChunkHandle, CompletedCheckpoint, HaStore, LeaderToken } from '../../storage/contracts.js';
import { createMemoryHaWorld, MemoryHaStore } from '../../storage/ha/memory-ha-store.js';
import { rejectsWith } from '../../testing/contracts/contract.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { recordingLogger } from '../support/silent-logger.js';
import { eventually } from '../support/within.js';

const test = suite('completed checkpoints');
const job = 'job' as JobId;
const id = (value: number) => value as CheckpointId;

class World {
  readonly chunks = new Map<string, Uint8Array>();
  readonly clock = new ManualClock();
  readonly ha: MemoryHaStore;
  readonly storage: MemoryCheckpointStorage;
  readonly log = recordingLogger();
  private readonly records = createMemoryHaWorld();
  private leaders = 0;

  constructor() {
    this.ha = new MemoryHaStore({ clock: this.clock, world: this.records });
    this.storage = new MemoryCheckpointStorage({ chunks: this.chunks, fence: this.records.records });
  }

  store(ha: HaStore = this.ha): CheckpointStore {
    return new CheckpointStore({ ha, storage: this.storage, clock: this.clock, logger: this.log.logger });
  }

  async lead(): Promise<LeaderToken> {
    this.leaders += 1;
    const answer = await this.ha.acquire(`jm-${this.leaders}`, 1_000_000, `jm-${this.leaders - 1}`);
    if (answer.kind !== 'granted') throw new Error('nobody leads');
    return answer.token;
  }

  write(checkpoint: number, index: number, attempt = 'v_0_1_0'): Promise<ChunkHandle> {
    const name = formatChunkName({ jobId: job, checkpointId: id(checkpoint), writer: attempt, name: 'state', index });
    return this.storage.write(name, new TextEncoder().encode(name));
  }

  async checkpoint(value: number, reused: readonly ChunkHandle[] = []): Promise<CompletedCheckpoint> {
    const chunks = [await this.write(value, 0), await this.write(value, 1), ...reused];
    return {
      formatVersion: 1,
      jobId: job,
      checkpointId: id(value),
      leaderEpoch: 1 as CompletedCheckpoint['leaderEpoch'],
      fingerprint: 'f'.repeat(64),
      isFinal: false,
      triggeredAt: 1,
      completedAt: 2,
      vertices: [{ vertexId: 'v' as VertexId, parallelism: 1, maxParallelism: 128 }],
      tasks: [
        {
          vertexId: 'v' as VertexId,
          subtaskIndex: 0,
          isFinished: false,
          stateBytes: 10,
          operators: [
            {
              operatorId: 'o' as OperatorId,
              operatorState: Uint8Array.from([1, 2]),
              keyed: [{ keyGroups: { start: 0, end: 127 }, chunks }],
            },
          ],
        },
      ],
      sources: [{ operatorId: 'o' as OperatorId, splits: [{ id: 's', split: { from: 1n, at: new Date(5) } }] }],
      sharedResources: { sink: 'token' },
    };
  }

  checkpointsWithChunks(): number[] {
    return [...new Set([...this.chunks.keys()].map((name) => parseChunkName(name).checkpointId as number))].sort((a, b) => a - b);
  }
}

test('a completed checkpoint is found by any store, whole, and the newest is the latest (CS1)', async () => {
  const world = new World();
  const token = await world.lead();
  assert.is(await world.store().latest(job), undefined);
  const first = await world.checkpoint(1);
  const second = await world.checkpoint(2);
  const store = world.store();
  const pointer = await store.complete(token, first, 3);
  await store.complete(token, second, 3);
  assert.equal(await world.store().latest(job), second);
  assert.equal(await world.store().load(pointer), first);
});

test('completing again what was completed changes nothing (CS1)', async () => {
  const world = new World();
  const ledger = world.store().forJob(await world.lead(), job);
  const checkpoint = await world.checkpoint(1);
  await ledger.complete(checkpoint, 1);
  await ledger.complete(checkpoint, 1);
  assert.is((await world.ha.checkpoints(job)).length, 1);
});

test('an old leader cannot complete: its checkpoint is not there (CS1)', async () => {
  const world = new World();
  const old = await world.lead();
  await world.lead();
  await rejectsWith('FENCED', world.store().complete(old, await world.checkpoint(1), 1));
  assert.is(await world.store().latest(job), undefined);
});

test('while the outcome of the pointer write is unknown it is written again, with growing pauses, until it is known (CS1)', async () => {
  const world = new World();
  const token = await world.lead();
  let failures = 5;
  const flaky = Object.create(world.ha) as HaStore;
  flaky.addCheckpoint = async (...write) => {
    const dropped = await world.ha.addCheckpoint(...write);
    if (failures-- > 0) throw new MillraceError('REDIS_FAILED', 'the reply was cut', { domain: 'external', recovery: 'retry' });
    return dropped;
  };
  const completing = world.store(flaky).complete(token, await world.checkpoint(1), 1);
  for (const pause of [100, 200, 400, 800, 1_600]) {
    await eventually(1_000, () => world.clock.pendingTimers() === 1, 'the pause before the next write');
    world.clock.advance(pause - 1);
    assert.is(world.clock.pendingTimers(), 1);
    world.clock.advance(1);
  }
  await completing;
  assert.is((await world.ha.checkpoints(job)).length, 1);
  assert.is(world.log.lines.filter((line) => line.level === 'warn').length, 5);
});

test('chunks of dropped and aborted checkpoints go, those of retained and pending ones stay (CS2, CS3)', async () => {
  const world = new World();
  const token = await world.lead();
  const store = world.store();
  for (const value of [1, 2, 3, 4]) await store.complete(token, await world.checkpoint(value), 2);
  await world.write(5, 0);
  await world.write(2, 9, 'late_0_1_0');
  await store.sweep(token, job, id(5));
  assert.equal(world.checkpointsWithChunks(), [3, 4, 5]);
  await store.complete(token, await world.checkpoint(6), 1);
  await store.sweep(token, job, id(5));
  assert.equal(world.checkpointsWithChunks(), [5, 6]);
  await store.sweep(token, job, id(7));
  assert.equal(world.checkpointsWithChunks(), [6]);
  assert.is(store.counts().failures, 0);
  assert.ok((await store.latest(job)) !== undefined);
});

test('chunks of an old checkpoint that a retained one still references stay (CS2)', async () => {
  const world = new World();
  const token = await world.lead();
  const first = await world.checkpoint(1);
  await world.store().complete(token, first, 1);
  const reused = (first.tasks[0]?.operators[0]?.keyed[0]?.chunks ?? []).slice(0, 1);
  await world.store().complete(token, await world.checkpoint(2, reused), 1);
  // Another leader, which remembers nothing.
  const next = await world.lead();
  await world.store().sweep(next, job, id(3));
  assert.equal(
    [...world.chunks.keys()].filter((name) => parseChunkName(name).checkpointId === 1),
    [reused[0]?.name],
  );
  for (const chunk of (await world.store().latest(job))?.tasks[0]?.operators[0]?.keyed[0]?.chunks ?? []) await world.storage.read(chunk);
});

test('an old leader deletes nothing (CS2)', async () => {
  const world = new World();
  const old = await world.lead();
  const store = world.store();
  for (const value of [1, 2]) await store.complete(old, await world.checkpoint(value), 1);
  await world.lead();
  await rejectsWith('FENCED', store.sweep(old, job, id(3)));
  assert.equal(world.checkpointsWithChunks(), [1, 2]);
  await rejectsWith('FENCED', store.removeJob(old, job, { keepCheckpoints: false }));
  assert.equal(world.checkpointsWithChunks(), [1, 2]);
});

test('a delete that fails is logged and counted, harms nothing, and the next one makes up for it (CS3)', async () => {
  const world = new World();
  const token = await world.lead();
  const store = world.store();
  for (const value of [1, 2]) await store.complete(token, await world.checkpoint(value), 1);
  const { remove } = world.storage;
  world.storage.remove = () => Promise.reject(new MillraceError('REDIS_FAILED', 'away', { recovery: 'retry' }));
  await store.sweep(token, job, id(3));
  assert.is(store.counts().failures, 1);
  assert.is(world.log.lines.filter((line) => line.level === 'warn').length, 1);
  world.storage.remove = remove;
  await store.sweep(token, job, id(3));
  assert.equal(world.checkpointsWithChunks(), [2]);
  assert.equal(store.counts(), { running: 0, chunksRemoved: 3, failures: 1 });
});

test('a latest checkpoint that is damaged is an error, not a reason to take an older one', async () => {
  const world = new World();
  const token = await world.lead();
  const store = world.store();
  await store.complete(token, await world.checkpoint(1), 2);
  const { metadata } = await store.complete(token, await world.checkpoint(2), 2);
  world.chunks.set(metadata.name, new Uint8Array(3));
  await rejectsWith('CHUNK_CORRUPT', world.store().latest(job));
  world.chunks.delete(metadata.name);
  await rejectsWith('CHUNK_MISSING', world.store().latest(job));
});

test('a checkpoint is named by its job and id while its records exist, and by its path for ever', async () => {
  const world = new World();
  const token = await world.lead();
  const store = world.store();
  const checkpoint = await world.checkpoint(7);
  const pointer = await store.complete(token, checkpoint, 1);
  assert.equal(await store.resolve('job/7'), pointer);
  const path = store.pathOf(pointer);
  await store.removeJob(token, job, { keepCheckpoints: true });
  assert.equal(await store.resolve('job/7'), pointer);
  await store.forJob(token, job).sweep(id(8));
  assert.equal(await store.load(await store.resolve(path)), checkpoint);
  const error = await rejectsWith('CHECKPOINT_NOT_FOUND', store.resolve('job/6'));
  assert.match((error as MillraceError).hint ?? '', '7');
  for (const text of ['job', 'job/x', '../7', '']) await rejectsWith('CHECKPOINT_NOT_FOUND', store.resolve(text));
  await rejectsWith('CHUNK_NAME_INVALID', store.resolve(`../../etc/passwd?bytes=1&sha256=${'0'.repeat(64)}`));
});

test('a job that is removed leaves neither records nor chunks', async () => {
  const world = new World();
  const token = await world.lead();
  const store = world.store();
  await store.complete(token, await world.checkpoint(1), 1);
  await store.removeJob(token, job, { keepCheckpoints: false });
  await store.removeJob(token, job, { keepCheckpoints: false });
  assert.is(world.chunks.size, 0);
  assert.is(await store.latest(job), undefined);
});

test('metadata of another format is refused by name', async () => {
  const world = new World();
  const token = await world.lead();
  const checkpoint = { ...(await world.checkpoint(1)), formatVersion: 2 } as unknown as CompletedCheckpoint;
  const pointer = await world.store().complete(token, checkpoint, 1);
  await rejectsWith('CHECKPOINT_UNREADABLE', world.store().load(pointer));
});

test.run();
