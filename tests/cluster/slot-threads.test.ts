/** Which slot threads are introduced to each other and when, and how many are loaded ahead. */
import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SlotPeers, type PeerThread } from '../../cluster/adapters/slot-peers.js';
import { WorkerSlotSpawner, type SpawnerOptions } from '../../cluster/adapters/worker-slot-spawner.js';
import type { PeerIntroduction } from '../../cluster/slot-settings.js';
import { allocationId, jobId, sessionId, taskManagerId } from '../../core/ids.js';
import type { SlotStart } from '../../core/ports.js';
import { eventually } from '../support/within.js';

const test = suite('slot threads');

const startOf = (slot: number, { job = 'job-1', taskManager = 'tm-1' } = {}): SlotStart => ({
  taskManagerId: taskManagerId(taskManager),
  sessionId: sessionId('session'),
  slot,
  jobId: jobId(job),
  allocationId: allocationId(`allocation-${slot}`),
  payloadBytesMax: 1_048_576,
  subjectPrefix: 'millrace',
  clusterId: 'default',
});

function spawnerWith(slots: number, spareThreads: number, options: SpawnerOptions = {}): WorkerSlotSpawner {
  return new WorkerSlotSpawner({ log: { level: 'silent', fields: {} }, storage: { kind: 'main-thread' }, slots, spareThreads }, options);
}

class RecordingThread implements PeerThread {
  readonly start: SlotStart;
  readonly met: PeerIntroduction[] = [];

  constructor(start: SlotStart) {
    this.start = start;
  }
  introduce(peer: PeerIntroduction): void {
    this.met.push(peer);
  }
  get names(): string[] {
    return this.met.map((peer) => `${peer.taskManagerId}/${peer.slot}`);
  }
}

test('threads of one job are introduced to each other, each by the name of the other; those of other jobs, and those that left, to nobody (SP1)', () => {
  const peers = new SlotPeers();
  const [one, two, other, three] = [startOf(0), startOf(1, { taskManager: 'tm-2' }), startOf(2, { job: 'job-2' }), startOf(3)].map(
    (start) => new RecordingThread(start),
  ) as [RecordingThread, RecordingThread, RecordingThread, RecordingThread];
  peers.join(one);
  peers.join(two);
  peers.join(other);
  assert.equal([one.names, two.names, other.names], [['tm-2/1'], ['tm-1/0'], []]);
  peers.leave(one);
  peers.join(three);
  assert.equal([one.names, two.names, other.names, three.names], [['tm-2/1'], ['tm-1/0', 'tm-1/3'], [], ['tm-2/1']]);
  for (const { port } of [one, two, three].flatMap(({ met }) => met)) port.close();
});

/** What is posted to threads while `act` runs, by thread in the order of their first message. */
function postsOf(act: () => void): string[][] {
  const posts = new Map<Worker, string[]>();
  const own = Object.getOwnPropertyDescriptor(Worker.prototype, 'postMessage') as PropertyDescriptor;
  const post = own.value as Worker['postMessage'];
  Worker.prototype.postMessage = function record(this: Worker, message: { layer: string }, ...rest): void {
    posts.set(this, [...(posts.get(this) ?? []), message.layer]);
    post.call(this, message, ...rest);
  };
  try {
    act();
  } finally {
    Object.defineProperty(Worker.prototype, 'postMessage', own);
  }
  return [...posts.values()];
}

test('a thread hears what it is for, then of its peers, and only then what its TaskManager has to say (SP1, WS4)', async () => {
  const peers = new SlotPeers();
  const spawners = [spawnerWith(2, 0, { peers }), spawnerWith(1, 0, { peers })] as const;
  const posts = postsOf(() => {
    const starts = [startOf(0), startOf(1, { job: 'job-2' }), startOf(0, { taskManager: 'tm-2' })];
    for (const [index, start] of starts.entries()) {
      const thread = (index < 2 ? spawners[0] : spawners[1]).start(start);
      thread.channel.post({ layer: 'slot', kind: 'cancel', attemptId: 'none' } as never);
    }
  });
  assert.equal(posts, [
    ['start', 'slot', 'peer'],
    ['start', 'slot'],
    ['start', 'peer', 'slot'],
  ]);
  await Promise.all(spawners.flatMap(({ alive }) => alive.map((thread) => thread.terminate())));
});

test('as many threads are loaded ahead as slots are free, and at once when one is freed (WS5)', async () => {
  const spawner = spawnerWith(2, 2);
  assert.is(spawner.spares, 2);
  spawner.start(startOf(0));
  spawner.start(startOf(1));
  assert.is(spawner.spares, 0);
  await spawner.alive[0]?.terminate();
  await eventually(1_000, () => spawner.spares === 1, 'a thread for the free slot');
  await spawner.alive[0]?.terminate();
  await eventually(1_000, () => spawner.spares === 2, 'a thread for the other one');
  await spawner.close();
  assert.is(spawner.spares, 0);
});

test('none is loaded while all slots are taken, however long that lasts (WS5)', async () => {
  const full = spawnerWith(1, 1, { replenishMs: 10 });
  const half = spawnerWith(2, 1, { replenishMs: 10 });
  full.start(startOf(0));
  half.start(startOf(0, { taskManager: 'tm-2' }));
  await eventually(5_000, () => half.spares === 1, 'a thread for the second slot, whose time came after that of the first spawner');
  assert.is(full.spares, 0);
  await Promise.all([...full.alive, ...half.alive].map((thread) => thread.terminate()));
  await Promise.all([full.close(), half.close()]);
});

test.run();
