/** The aligner, case by case (Flink: SingleCheckpointBarrierHandler), and against a plain model at random. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CheckpointId } from '../../core/ids.js';
import { BarrierAligner } from '../../dataflow/task/barrier-aligner.js';
import { SeededRandom } from '../../testing/simulator/seeded-random.js';

type Input =
  | readonly ['barrier', channel: number, id: number]
  | readonly ['cancel', id: number]
  | readonly ['end', channel: number]
  | readonly ['abort', id: number];

class Bench {
  readonly log: string[] = [];
  readonly aligner: BarrierAligner;
  now = 0;

  constructor(channels: number) {
    this.aligner = new BarrierAligner({
      channels,
      now: () => this.now,
      listener: {
        onAligned: ({ checkpointId, isFinal }, alignmentMs) =>
          this.log.push(`aligned ${checkpointId}${isFinal ? ' final' : ''} after ${alignmentMs}`),
        onAbandoned: (id, reason) => this.log.push(`abandoned ${id} ${reason}`),
        onUnblocked: (unblocked) => this.log.push(`unblocked ${unblocked.join()}`),
      },
    });
  }

  feed(input: Input): void {
    switch (input[0]) {
      case 'barrier':
        this.aligner.onBarrier(input[1], { checkpointId: input[2] as CheckpointId, triggeredAt: 0, isFinal: false });
        return;
      case 'cancel':
        this.aligner.onCancelBarrier(input[1] as CheckpointId);
        return;
      case 'end':
        this.aligner.onEndOfPartition(input[1]);
        return;
      case 'abort':
        this.aligner.abort(input[1] as CheckpointId);
        return;
    }
  }

  blocked(channels: number): string {
    return Array.from({ length: channels }, (_, channel) => channel)
      .filter((channel) => this.aligner.isBlocked(channel))
      .join();
  }
}

interface Case {
  readonly claim: string;
  readonly channels: number;
  readonly inputs: readonly Input[];
  readonly log: readonly string[];
  /** Blocked channels at the end. */
  readonly blocked?: string;
}

const cases: readonly Case[] = [
  { claim: 'a single channel aligns at once (B2)', channels: 1, inputs: [['barrier', 0, 1]], log: ['unblocked 0', 'aligned 1 after 0'] },
  {
    claim: 'a channel that delivered its barrier is blocked until the last one (B1)',
    channels: 3,
    inputs: [
      ['barrier', 1, 1],
      ['barrier', 0, 1],
    ],
    log: [],
    blocked: '0,1',
  },
  {
    claim: 'the last barrier aligns and frees all (B2, B7)',
    channels: 2,
    inputs: [
      ['barrier', 0, 1],
      ['barrier', 1, 1],
    ],
    log: ['unblocked 0,1', 'aligned 1 after 0'],
  },
  {
    claim: 'a barrier of a lower id is ignored and does not block (B3)',
    channels: 2,
    inputs: [
      ['barrier', 0, 5],
      ['barrier', 1, 4],
    ],
    log: [],
    blocked: '0',
  },
  {
    claim: 'a barrier of a finished id is ignored (B3)',
    channels: 2,
    inputs: [
      ['barrier', 0, 1],
      ['barrier', 1, 1],
      ['barrier', 0, 1],
    ],
    log: ['unblocked 0,1', 'aligned 1 after 0'],
  },
  {
    claim: 'a barrier of a later id abandons the pending one and blocks its own channel only (B4)',
    channels: 3,
    inputs: [
      ['barrier', 0, 1],
      ['barrier', 1, 1],
      ['barrier', 2, 2],
    ],
    log: ['unblocked 0,1', 'abandoned 1 subsumed'],
    blocked: '2',
  },
  {
    claim: 'a late barrier of the abandoned id is ignored, the later one still aligns (B3, B4)',
    channels: 2,
    inputs: [
      ['barrier', 0, 1],
      ['barrier', 1, 2],
      ['barrier', 0, 2],
    ],
    log: ['unblocked 0', 'abandoned 1 subsumed', 'unblocked 0,1', 'aligned 2 after 0'],
  },
  {
    claim: 'a cancel marker abandons the pending checkpoint (B5)',
    channels: 2,
    inputs: [
      ['barrier', 0, 1],
      ['cancel', 1],
    ],
    log: ['unblocked 0', 'abandoned 1 cancel-marker'],
  },
  {
    claim: 'after a cancel marker later barriers of it are ignored (B5)',
    channels: 2,
    inputs: [
      ['barrier', 0, 1],
      ['cancel', 1],
      ['barrier', 1, 1],
    ],
    log: ['unblocked 0', 'abandoned 1 cancel-marker'],
  },
  {
    claim: 'a cancel marker before the first barrier abandons it once (B5)',
    channels: 2,
    inputs: [
      ['cancel', 3],
      ['cancel', 3],
      ['barrier', 0, 3],
    ],
    log: ['abandoned 3 cancel-marker'],
  },
  {
    claim: 'a cancel marker of a lower id is ignored (B3)',
    channels: 2,
    inputs: [
      ['barrier', 0, 5],
      ['cancel', 4],
    ],
    log: [],
    blocked: '0',
  },
  {
    claim: 'a cancel marker of a later id abandons both (B4, B5)',
    channels: 2,
    inputs: [
      ['barrier', 0, 1],
      ['cancel', 2],
    ],
    log: ['unblocked 0', 'abandoned 1 subsumed', 'abandoned 2 cancel-marker'],
  },
  {
    claim: 'the end of a partition counts as its barrier (B6)',
    channels: 2,
    inputs: [
      ['barrier', 0, 1],
      ['end', 1],
    ],
    log: ['unblocked 0', 'aligned 1 after 0'],
  },
  {
    claim: 'an ended channel is not waited for later (B6)',
    channels: 2,
    inputs: [
      ['end', 1],
      ['barrier', 0, 1],
    ],
    log: ['unblocked 0', 'aligned 1 after 0'],
  },
  {
    claim: 'the end of a partition without a pending checkpoint does nothing',
    channels: 2,
    inputs: [
      ['end', 0],
      ['end', 1],
      ['end', 1],
    ],
    log: [],
  },
  {
    claim: 'a second end of the same partition does not count twice',
    channels: 3,
    inputs: [
      ['barrier', 0, 1],
      ['end', 1],
      ['end', 1],
    ],
    log: [],
    blocked: '0',
  },
  {
    claim: 'an abort of the pending checkpoint frees all, and its barriers are ignored from then on (B5, B7)',
    channels: 2,
    inputs: [
      ['barrier', 0, 1],
      ['abort', 1],
      ['barrier', 1, 1],
    ],
    log: ['unblocked 0'],
  },
  {
    claim: 'an abort of another id does nothing',
    channels: 2,
    inputs: [
      ['barrier', 0, 2],
      ['abort', 1],
      ['abort', 3],
    ],
    log: [],
    blocked: '0',
  },
];

const test = suite('barrier aligner');

for (const { claim, channels, inputs, log, blocked } of cases) {
  test(claim, () => {
    const bench = new Bench(channels);
    for (const input of inputs) bench.feed(input);
    assert.equal(bench.log, log);
    assert.is(bench.blocked(channels), blocked ?? '');
  });
}

test('alignment time runs from the first barrier to the last, and final stays final', () => {
  const bench = new Bench(2);
  bench.now = 100;
  bench.aligner.onBarrier(0, { checkpointId: 7 as CheckpointId, triggeredAt: 90, isFinal: true });
  bench.now = 130;
  bench.aligner.onBarrier(1, { checkpointId: 7 as CheckpointId, triggeredAt: 90, isFinal: true });
  assert.equal(bench.log, ['unblocked 0,1', 'aligned 7 final after 30']);
});

test('random inputs: ids finish once and in order, aligned only with a barrier or an end of every channel, nothing stays blocked (B2, B3, B7)', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = new SeededRandom(seed);
    const channels = random.between(1, 4);
    const bench = new Bench(channels);
    const delivered = new Map<number, Set<number>>();
    const ended = new Set<number>();
    let lastFinished = 0;
    for (let step = 0; step < 60; step += 1) {
      const channel = random.between(0, channels - 1);
      const id = random.between(1, 8);
      const what = random.next();
      if (what < 0.8) {
        if (ended.has(channel) || bench.aligner.isBlocked(channel)) continue;
        delivered.set(id, (delivered.get(id) ?? new Set()).add(channel));
        bench.feed(['barrier', channel, id]);
      } else if (what < 0.9) bench.feed(['cancel', id]);
      else if (what < 0.95 && !bench.aligner.isBlocked(channel)) {
        ended.add(channel);
        bench.feed(['end', channel]);
      } else bench.feed(['abort', id]);
      for (const line of bench.log.splice(0)) {
        const [what, text] = line.split(' ');
        if (what === 'unblocked') continue;
        const finished = Number(text);
        assert.ok(finished > lastFinished, `seed ${seed}: ${line} after ${lastFinished}`);
        lastFinished = finished;
        if (what !== 'aligned') continue;
        for (let one = 0; one < channels; one += 1) {
          assert.ok(ended.has(one) || delivered.get(finished)?.has(one) === true, `seed ${seed}: ${line} without channel ${one}`);
        }
      }
      if (bench.aligner.pending === undefined) assert.is(bench.blocked(channels), '', `seed ${seed}`);
    }
  }
});

test.run();
