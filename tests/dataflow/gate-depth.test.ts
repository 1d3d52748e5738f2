/** Gates whose frames are read fast get more floating buffers: GD1 to GD3 of dataflow/channels/gate-depth.ts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../../core/limits.js';
import { GateCredit } from '../../dataflow/channels/gate-credit.js';
import { GateDepth } from '../../dataflow/channels/gate-depth.js';
import { GrantBudget } from '../../dataflow/channels/grant-budget.js';

const test = suite('gate depth');
const beatMs = 500;
const floatingMax = 64;

function bench(segments = 512) {
  const budget = new GrantBudget({ exclusive: 2, floating: 8, bytesMax: segments * limits.segmentBytes });
  const share = budget.reserve(1);
  const credit = new GateCredit(share);
  const channel = credit.open({
    exclusive: 2,
    isNextReadable: () => true,
    onGranted: () => undefined,
    onBuffers: (change) => budget.count(change),
  });
  const depth = new GateDepth({ credit, share, budget, floatingMax, beatMs });
  /** So many frames come and are read between two beats. */
  const beatAfter = (frames: number): void => {
    for (let frame = 0; frame < frames; frame += 1) {
      channel.onFrame(0);
      channel.release(1);
    }
    depth.onBeat();
  };
  return { budget, credit, channel, depth, beatAfter };
}

/** Frames read in a beat, and the floating buffers after it: those of 100 ms in 500. */
const depths: readonly (readonly [frames: number, floating: number])[] = [
  [0, 8],
  [40, 8],
  [41, 9],
  [100, 20],
  [320, 64],
  [10_000, 64],
  [100, 20],
  [0, 8],
];

test('a gate has floating buffers for what it reads in 100 ms, within its bounds (GD1)', () => {
  const { credit, beatAfter } = bench();
  for (const [frames, floating] of depths) {
    beatAfter(frames);
    assert.is(credit.free, floating, `after ${frames} frames in a beat`);
  }
});

test('what comes on top leaves half of the budget to other gates, and goes back with the gate (GD2)', () => {
  const { budget, credit, depth, beatAfter } = bench(40);
  beatAfter(10_000);
  assert.is(credit.free, 18, 'of 40 buffers 20 may be reserved, two are the own ones of the channel');
  const later = budget.reserve(1);
  assert.equal([later.exclusive, later.floating], [2, 8]);
  budget.release(later);
  depth.close();
  assert.is(budget.extend(100), 20, 'nothing is reserved any more');
});

test('a gate shrinks as its buffers come back, never below what is borrowed (GD3, GC1)', () => {
  const { budget, credit, channel, depth, beatAfter } = bench();
  beatAfter(10_000);
  for (let frame = 0; frame < 50; frame += 1) channel.onFrame(4);
  const { borrowed } = channel;
  assert.ok(borrowed > 40, `${borrowed} borrowed`);
  depth.onBeat();
  depth.onBeat();
  assert.is(credit.free, 0, 'nothing is free that was not given back');
  assert.is(channel.borrowed, borrowed);
  assert.is(budget.extend(1_000), 256 - 2 - borrowed, 'what is borrowed stays reserved');
  channel.onBacklog(0, false);
  channel.release(50);
  depth.onBeat();
  depth.onBeat();
  assert.is(credit.free + channel.borrowed, 8);
});

test.run();
