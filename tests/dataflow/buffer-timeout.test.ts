/** How long records wait for company in their frame. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChannelId, EdgeId, OperatorId } from '../../core/ids.js';
import type { ChannelNetwork } from '../../dataflow/channels/channel-network.js';
import type { OutputOptions } from '../../dataflow/channels/network-contracts.js';
import type { RecordBatch } from '../../dataflow/channels/elements.js';
import { createLocalCarrier } from '../../dataflow/channels/local-carrier.js';
import { OutputChannel } from '../../dataflow/channels/output-channel.js';
import { noTimestamp, type Operator } from '../../dataflow/contracts.js';
import { TaskOutputs, type OutputEdge } from '../../dataflow/task/task-outputs.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { SeededRandom } from '../../testing/simulator/seeded-random.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { silentLogger } from '../support/silent-logger.js';
import { streamGraph } from '../support/stream-jobs.js';
import { TappedSource } from '../support/tapped-source.js';

const test = suite('buffer timeout');

/** The outputs of a task with one channel, and what left by it: values of a frame, or the kind of an event. */
class Room {
  readonly clock = new ManualClock();
  readonly left: unknown[] = [];
  readonly outputs: TaskOutputs;
  readonly #edge: OutputEdge;
  #channel: OutputChannel<RecordBatch> | undefined;

  constructor(bufferTimeoutMs: number, grantedFrames = 1_000) {
    this.outputs = new TaskOutputs({
      partitions: [
        {
          edgeId: 'edge' as EdgeId,
          sourceOperator: 'source' as OperatorId,
          sideOutput: null,
          partitioner: 'FORWARD',
          consumerMaxParallelism: 1,
          channels: [{ channelId: 'channel' as ChannelId, peerSubtask: 0, peer: { taskManagerId: 'tm' as never, slot: 0 } }],
        },
      ],
      code: { keySelectors: new Map() },
      network: { openOutput: (options: OutputOptions) => this.#open(options) } as unknown as ChannelNetwork,
      owner: { wake: () => this.outputs.onSliceEnd(), fail: assert.unreachable },
      ports: { clock: this.clock, random: new SeededRandom(1), logger: silentLogger },
      isObjectReuse: true,
      bufferTimeoutMs,
      operatorName: (id) => id,
    });
    this.#edge = this.outputs.open()[0] as OutputEdge;
    this.grant(grantedFrames);
  }

  /** A slice that emits these. */
  slice(...values: readonly unknown[]): void {
    for (const value of values) this.#edge.emit(value, noTimestamp);
    this.outputs.onSliceEnd();
  }

  /** So many data frames in all. */
  grant(frames: number): void {
    this.#channel?.onGrant(frames, 0);
  }

  #open(options: OutputOptions): OutputChannel<RecordBatch> {
    const carrier = createLocalCarrier({
      isObjectReuse: true,
      deliver: (_, element) => void this.left.push(element.kind === 'data' ? element.values : element.kind),
      sendBacklog: () => undefined,
    });
    this.#channel = new OutputChannel({ ...options, carrier, waitingFramesMax: 1 });
    return this.#channel;
  }
}

test('records leave together when the first of them has waited so long (O2)', () => {
  const room = new Room(100);
  room.slice(1);
  room.clock.advance(60);
  room.slice(2, 3);
  room.clock.advance(39);
  assert.equal(room.left, []);
  room.clock.advance(1);
  assert.equal(room.left, [[1, 2, 3]]);
  room.clock.advance(1_000);
  room.slice(4);
  room.clock.advance(99);
  assert.is(room.left.length, 1, 'the next one has its own time');
  room.clock.advance(1);
  assert.equal(room.left, [[1, 2, 3], [4]]);
  assert.is(room.clock.pendingTimers(), 0, 'without records nothing is timed');
});

test('0: records leave at the end of the slice that emitted them, in one frame, without a timer (O2)', () => {
  const room = new Room(0);
  room.slice(1, 2);
  room.slice(3);
  room.slice();
  assert.equal(room.left, [[1, 2], [3]]);
  assert.is(room.clock.pendingTimers(), 0);
});

test('off: records leave with a full frame or before an event only (O2)', () => {
  const room = new Room(-1);
  room.slice(1, 2);
  room.clock.advance(3_600_000);
  assert.equal(room.left, []);
  room.slice(...Array.from({ length: 2_000 }, (_, index) => index));
  assert.is(room.left.length, 1);
  assert.is((room.left[0] as unknown[]).length, 1_024);
  room.outputs.broadcast({ kind: 'watermark', time: 1 });
  assert.equal([(room.left[1] as unknown[]).length, room.left[2]], [2_002 - 1_024, 'watermark']);
});

test('without credit records wait on and frames grow; they leave as soon as there is some (O2)', () => {
  for (const timeoutMs of [0, 100]) {
    const room = new Room(timeoutMs, 1);
    room.slice(1);
    room.clock.advance(100);
    assert.equal(room.left, [[1]]);
    room.slice(2);
    room.clock.advance(450);
    room.slice(3);
    assert.equal(room.left, [[1]]);
    assert.is(room.outputs.pressure.fullChannels, 0, 'a frame that has room does not hold the task back');
    room.grant(2);
    assert.equal(room.left, [[1], [2, 3]], `timeout ${timeoutMs}`);
  }
});

test('a grant takes along only what has waited its time', () => {
  const room = new Room(100, 1);
  room.slice(1);
  room.clock.advance(100);
  room.slice(2);
  room.clock.advance(50);
  room.grant(2);
  assert.equal(room.left, [[1]]);
  room.clock.advance(50);
  assert.equal(room.left, [[1], [2]]);
});

const marker = { kind: 'latency-marker', markedAt: 0, operatorId: 'source' as OperatorId, subtask: 0 } as const;

test('a latency marker leaves with the records before it, and before the next event (HM1)', () => {
  for (const timeoutMs of [-1, 0, 100]) {
    const room = new Room(timeoutMs);
    room.slice(1);
    room.clock.advance(50);
    room.outputs.forward(marker);
    room.outputs.broadcast({ kind: 'watermark', time: 1 });
    assert.equal(room.left, [[1], 'latency-marker', 'watermark'], `timeout ${timeoutMs}`);
  }
  const room = new Room(100);
  room.slice(1);
  room.clock.advance(50);
  room.outputs.forward(marker);
  room.slice(2);
  assert.equal(room.left, []);
  room.clock.advance(50);
  assert.equal(room.left, [[1, 2], 'latency-marker']);
});

test('a marker waits until the frame before it is full, and takes along what was collected since (HM1)', () => {
  const room = new Room(-1);
  room.slice(1);
  room.outputs.forward(marker);
  room.slice(2);
  assert.equal(room.left, [], 'it fills no frame');
  const many = Array.from({ length: 2_000 }, (_, n) => n);
  room.slice(...many);
  const frames = room.left.slice(0, -1) as (readonly unknown[])[];
  assert.equal(frames.flat(), [1, 2, ...many]);
  assert.ok(frames.length > 1 && (frames.at(-1)?.length ?? 0) < (frames[0]?.length ?? 0), 'the last frame was not full');
  assert.is(room.left.at(-1), 'latency-marker');
});

/** Keeps each record for so long. */
const slow =
  (ms: number, seen: unknown[]): (() => Operator) =>
  () => ({
    bind:
      (_, { park, clock }) =>
      (value) => {
        seen.push(value);
        park(() => true, new Promise<void>((resolve) => clock.setTimer(ms, resolve)));
      },
  });

test('the last records before a pause of the input reach a slow consumer all the same, whatever the timeout', async () => {
  for (const bufferTimeoutMs of [0, 50]) {
    for (const slot of [0, 1]) {
      const tap = new TappedSource();
      const seen: unknown[] = [];
      const graph = streamGraph({
        nodes: [
          { name: 'tap', source: tap.source },
          { name: 'slow', isSink: true, isChained: false, create: slow(300, seen) },
        ],
        edges: [{ from: 'tap', to: 'slow', partitioner: 'REBALANCE' }],
        settings: { bufferTimeoutMs },
      });
      const placement = (vertex: { readonly name: string }) => ({ taskManagerId: 'tm', slot: vertex.name === 'slow' ? slot : 0 });
      const harness = new TaskHarness({ graph, creditFrames: 1, placement });
      harness.deploy();
      await harness.runUntil(() => harness.isRunning);
      for (const [index, value] of ['a', 'b', 'c'].entries()) harness.world.schedule(60 * index, 'a record', () => tap.emit(value));
      await harness.runUntil(() => seen.length === 3, 2_000);
      assert.equal(seen, ['a', 'b', 'c']);
    }
  }
});

test.run();
