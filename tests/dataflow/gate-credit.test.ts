/** The buffers of a gate, as numbers alone: what is granted, lent, given back, and who comes next. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../../core/limits.js';
import { GateCredit, type ChannelCredit } from '../../dataflow/channels/gate-credit.js';
import { GrantBudget } from '../../dataflow/channels/grant-budget.js';
import { SeededRandom } from '../../testing/simulator/seeded-random.js';

interface Bench {
  readonly gate: GateCredit;
  readonly channels: readonly ChannelCredit[];
  /** Buffers in use or promised, as the gate's user hears of them. */
  readonly counted: { buffers: number };
}

function bench(options: { exclusive: number; floating: number; channels: number; isReadable?: (index: number) => boolean }): Bench {
  const gate = new GateCredit(options);
  const counted = { buffers: 0 };
  const channels = Array.from({ length: options.channels }, (_, index) =>
    gate.open({
      exclusive: options.exclusive,
      isNextReadable: () => options.isReadable?.(index) ?? true,
      onGranted: () => undefined,
      onBuffers: (change) => {
        counted.buffers += change;
      },
    }),
  );
  return { gate, channels, counted };
}

const test = suite('gate credit');

test('a channel begins with its own buffers, and a backlog brings floating ones: as many as wait and its own beside them (GC1, GC3)', () => {
  const { gate, channels } = bench({ exclusive: 2, floating: 8, channels: 1 });
  const [channel] = channels as [ChannelCredit];
  assert.equal([channel.granted, channel.borrowed, gate.free], [2, 0, 8]);
  channel.onFrame(3);
  assert.equal([channel.granted, channel.borrowed, gate.free], [6, 4, 4], 'one came, three wait, two of its own');
  channel.onFrame(100);
  assert.equal([channel.granted, gate.free], [10, 0], 'never more than there are');
  channel.release(1);
  assert.is(channel.granted, 11, 'what comes back is granted again while it is wanted');
});

test('floating buffers that are not needed any more go back to the gate (GC4)', () => {
  const { gate, channels } = bench({ exclusive: 2, floating: 8, channels: 1 });
  const [channel] = channels as [ChannelCredit];
  channel.onFrame(3);
  for (let backlog = 2; backlog >= 0; backlog -= 1) channel.onFrame(backlog);
  assert.equal([channel.held, channel.borrowed, gate.free], [4, 4, 4]);
  channel.release(4);
  assert.equal([channel.held, channel.borrowed, gate.free, channel.granted - channel.received], [0, 0, 8, 2]);
});

test('channels that want floating buffers get them in turn (GC3)', () => {
  const { gate, channels } = bench({ exclusive: 1, floating: 3, channels: 3 });
  const [first, second, third] = channels as [ChannelCredit, ChannelCredit, ChannelCredit];
  first.onFrame(9);
  assert.equal([first.borrowed, gate.free], [3, 0]);
  second.onFrame(9);
  third.onFrame(9);
  const lent: number[][] = [];
  for (let round = 0; round < 3; round += 1) {
    first.release(1);
    lent.push([first.borrowed, second.borrowed, third.borrowed]);
  }
  assert.equal(
    lent,
    [
      [3, 0, 0],
      [2, 1, 0],
      [1, 1, 1],
    ],
    'the first had queued up again before the others came',
  );
});

test('without buffers of its own a channel gets what its sender asks for, the last one only where it is sure to be read (GC5)', () => {
  const readable = new Set([0, 1, 2]);
  const { gate, channels } = bench({ exclusive: 0, floating: 3, channels: 3, isReadable: (index) => readable.has(index) });
  const [first, second, third] = channels as [ChannelCredit, ChannelCredit, ChannelCredit];
  assert.is(first.granted, 0);
  first.onBacklog(5, true);
  assert.equal([first.granted, gate.free], [2, 1], 'the last one is not for a channel that has some');
  readable.delete(0);
  second.onBacklog(2, false);
  assert.is(second.granted, 0, 'something may come before its frame');
  readable.delete(1);
  second.onBacklog(2, true);
  assert.is(second.granted, 0, 'its frame would not be read');
  third.onBacklog(1, true);
  assert.equal([third.granted, gate.free], [1, 0]);
  third.onFrame(0);
  readable.add(1);
  gate.serve();
  assert.is(second.granted, 0, 'there is none');
  third.release(1);
  assert.equal([second.granted, gate.free], [1, 0], 'what came back is for who became readable meanwhile');
});

test('what a closed channel held is for the others', () => {
  const { gate, channels, counted } = bench({ exclusive: 1, floating: 2, channels: 2 });
  const [first, second] = channels as [ChannelCredit, ChannelCredit];
  first.onFrame(5);
  second.onFrame(5);
  assert.equal([first.borrowed, second.borrowed], [2, 0]);
  first.close();
  first.release(3);
  assert.equal([second.borrowed, gate.free], [2, 0]);
  second.close();
  assert.equal([gate.free, counted.buffers], [2, 0]);
});

/** A sender and a reader at random; returns the number of frames that went through. */
function shuffleFrames(seed: number): number {
  const random = new SeededRandom(seed);
  const exclusive = random.between(0, 3);
  const floating = random.between(exclusive === 0 ? 1 : 0, 5);
  const count = random.between(1, 6);
  const toSend = Array.from({ length: count }, () => random.between(0, 60));
  const total = toSend.reduce((sum, frames) => sum + frames, 0);
  const held = new Array<number>(count).fill(0);
  const sent = new Array<number>(count).fill(0);
  const blocked = new Set<number>();
  const { gate, channels, counted } = bench({
    exclusive,
    floating,
    channels: count,
    isReadable: (index) => held[index] === 0 && !blocked.has(index),
  });
  const granted = channels.map((channel) => channel.granted);
  let steps = 0;
  while (toSend.some((frames) => frames > 0) || held.some((frames) => frames > 0)) {
    assert.ok((steps += 1) < 100_000, `seed ${seed}: nothing moves any more`);
    const index = random.between(0, count - 1);
    const channel = channels[index] as ChannelCredit;
    const waiting = toSend[index] as number;
    if (random.chance(0.5)) {
      if (waiting > 0 && (sent[index] as number) < channel.granted) {
        toSend[index] = waiting - 1;
        sent[index] = (sent[index] as number) + 1;
        held[index] = (held[index] as number) + 1;
        channel.onFrame(waiting - 1);
      } else channel.onBacklog(waiting, true);
    } else if ((held[index] as number) > 0 && !blocked.has(index)) {
      const frames = random.between(1, held[index] as number);
      held[index] = (held[index] as number) - frames;
      channel.release(frames);
    }
    // An alignment: some channels are not read until the others have sent something.
    if (random.chance(0.02)) blocked.add(index);
    if (blocked.size === count || random.chance(0.02)) {
      blocked.clear();
      gate.serve();
    }
    const borrowed = channels.reduce((sum, { borrowed: frames }) => sum + frames, 0);
    assert.is(borrowed + gate.free, floating, `seed ${seed}: floating buffers were lost or made`);
    assert.is(
      counted.buffers,
      channels.reduce((sum, { buffers }) => sum + buffers, 0),
    );
    for (const [at, { granted: now, buffers, exclusive: own }] of channels.entries()) {
      assert.ok(now >= (granted[at] as number), `seed ${seed}: granted fell (GC2)`);
      assert.ok(buffers <= own + floating, `seed ${seed}: ${buffers} buffers (GC1)`);
      granted[at] = now;
    }
  }
  return total;
}

test('whatever senders, readers and alignments do, no buffer is lost, none is made, and everything comes through (GC1 to GC5)', () => {
  let frames = 0;
  for (let seed = 1; seed <= 400; seed += 1) frames += shuffleFrames(seed);
  assert.ok(frames > 20_000);
});

test('an alignment over channels without buffers of their own ends, whatever the blocked ones hold (GC5)', () => {
  for (let floating = 1; floating <= 4; floating += 1) {
    const blocked = new Set<number>();
    const held = [0, 0, 0];
    const isReadable = (index: number): boolean => !blocked.has(index) && held[index] === 0;
    const { channels } = bench({ exclusive: 0, floating, channels: 3, isReadable });
    // Two channels got their barrier, and more data frames behind it than there are buffers.
    for (const index of [0, 1]) {
      const channel = channels[index] as ChannelCredit;
      blocked.add(index);
      channel.onBacklog(9, true);
      while (channel.received < channel.granted) {
        held[index] = (held[index] as number) + 1;
        channel.onFrame(9);
        channel.onBacklog(9, true);
      }
    }
    const last = channels[2] as ChannelCredit;
    for (let frame = 0; frame < 20; frame += 1) {
      last.onBacklog(20 - frame, true);
      assert.ok(last.granted > frame, `${floating} floating: frame ${frame} is not granted`);
      last.onFrame(19 - frame);
      last.release(1);
    }
  }
});

const segments = (count: number): number => count * limits.segmentBytes;

test('gates get what they would like while it lasts, then less, and one buffer always (GB1)', () => {
  const budget = new GrantBudget({ exclusive: 2, floating: 8, bytesMax: segments(64) });
  assert.equal(budget.reserve(0), { exclusive: 2, floating: 8, reserved: 0, isForced: false }, 'within the slot nothing is reserved');
  const first = budget.reserve(10);
  assert.equal(first, { exclusive: 2, floating: 8, reserved: 28, isForced: false });
  assert.equal(budget.reserve(20), { exclusive: 1, floating: 8, reserved: 28, isForced: false });
  assert.equal(budget.reserve(50), { exclusive: 0, floating: 8, reserved: 8, isForced: false });
  assert.equal(budget.reserve(50), { exclusive: 0, floating: 1, reserved: 1, isForced: true });
  assert.equal(
    [budget.bytesMax, budget.bytesForced],
    [segments(64), segments(1)],
    'the last gate has what is beyond the share of the slot',
  );
  const last = budget.reserve(1);
  budget.release(last);
  assert.is(budget.reserve(1).isForced, true);
  assert.is(budget.bytesForced, segments(2), 'the most at any moment');
  budget.release(first);
  assert.equal(budget.reserve(3), { exclusive: 2, floating: 8, reserved: 14, isForced: false });
});

test('the most that was granted at once is kept (GB2)', () => {
  const budget = new GrantBudget({ exclusive: 2, floating: 8, bytesMax: segments(64) });
  for (const change of [5, 7, -6, 3, -9]) budget.count(change);
  assert.is(budget.bytesPeak, segments(12));
  assert.is(budget.bytesMax, segments(64));
});

test.run();
