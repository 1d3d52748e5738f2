/** What the watermark of a task does when its channels say something: a table a case, after the tests of Flink's valve. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { maxWatermark, minWatermark } from '../../dataflow/contracts.js';
import { InputTime } from '../../dataflow/task/input-time.js';
import { WatermarkValve, type ValveChange } from '../../dataflow/time/watermark-valve.js';

type Word = number | 'idle' | 'active' | 'finished' | 'max';
/** Channel, what it says, what comes out in this order. */
type Row = readonly [channel: number, says: Word, out: readonly (number | 'idle' | 'active' | 'max')[]];

interface Case {
  readonly name: string;
  readonly channels: number;
  readonly rows: readonly Row[];
}

function shown({ watermark, isIdle }: ValveChange): readonly (number | string)[] {
  return [
    ...(isIdle === false ? ['active'] : []),
    ...(watermark === undefined ? [] : [watermark === maxWatermark ? 'max' : watermark]),
    ...(isIdle === true ? ['idle'] : []),
  ];
}

function say(valve: Pick<WatermarkValve, 'advance' | 'setIdle' | 'finish'>, channel: number, word: Word): ValveChange {
  if (word === 'finished') return valve.finish(channel);
  if (word === 'idle' || word === 'active') return valve.setIdle(channel, word === 'idle');
  return valve.advance(channel, word === 'max' ? maxWatermark : word);
}

const cases: readonly Case[] = [
  {
    name: 'one channel: rising watermarks pass (W1)',
    channels: 1,
    rows: [
      [0, 0, [0]],
      [0, 25, [25]],
    ],
  },
  {
    name: 'one channel: watermarks that do not rise are ignored (W4)',
    channels: 1,
    rows: [
      [0, 25, [25]],
      [0, 18, []],
      [0, 25, []],
      [0, 42, [42]],
    ],
  },
  {
    name: 'one channel: each change of its status passes once (W3)',
    channels: 1,
    rows: [
      [0, 'active', []],
      [0, 'idle', ['idle']],
      [0, 'idle', []],
      [0, 'active', ['active']],
      [0, 'active', []],
    ],
  },
  {
    name: 'one channel: what it says while idle is ignored (W4)',
    channels: 1,
    rows: [
      [0, 25, [25]],
      [0, 'idle', ['idle']],
      [0, 50, []],
      [0, 'active', ['active']],
      [0, 50, [50]],
    ],
  },
  {
    name: 'nothing passes before every channel has spoken (W1)',
    channels: 3,
    rows: [
      [0, 0, []],
      [1, 0, []],
      [2, 0, [0]],
    ],
  },
  {
    name: 'the lowest channel counts (W1)',
    channels: 3,
    rows: [
      [0, 0, []],
      [1, 0, []],
      [2, 0, [0]],
      [0, 12, []],
      [2, 8, []],
      [2, 10, []],
      [1, 15, [10]],
      [2, 17, [12]],
      [0, 20, [15]],
    ],
  },
  {
    name: 'lower watermarks of several channels are ignored (W4)',
    channels: 3,
    rows: [
      [0, 25, []],
      [1, 10, []],
      [2, 17, [10]],
      [0, 12, []],
      [1, 8, []],
      [2, 15, []],
    ],
  },
  {
    name: 'idle once all are, active once one is (W3)',
    channels: 2,
    rows: [
      [0, 'idle', []],
      [1, 'idle', ['idle']],
      [1, 'active', ['active']],
      [0, 'active', []],
      [0, 'idle', []],
      [1, 'idle', ['idle']],
    ],
  },
  {
    name: 'idle channels do not hold the others (W3)',
    channels: 3,
    rows: [
      [0, 15, []],
      [1, 10, []],
      [2, 12, [10]],
      [2, 'idle', []],
      [1, 18, [15]],
      [1, 'idle', []],
      [0, 17, [17]],
    ],
  },
  {
    name: 'a channel that held time and becomes idle lets it go on to the next lowest (W3)',
    channels: 3,
    rows: [
      [0, 25, []],
      [1, 10, []],
      [2, 17, [10]],
      [1, 'idle', [17]],
      [2, 'idle', [25]],
    ],
  },
  {
    name: 'when the last one becomes idle, time goes on to the furthest (W3)',
    channels: 3,
    rows: [
      [0, 10, []],
      [1, 5, []],
      [2, 3, [3]],
      [0, 'idle', []],
      [1, 'idle', []],
      [2, 'idle', [10, 'idle']],
    ],
  },
  {
    name: 'a channel that comes back holds nothing before it has caught up (W1)',
    channels: 3,
    rows: [
      [0, 10, []],
      [1, 7, []],
      [2, 3, [3]],
      [2, 'idle', [7]],
      [1, 'idle', [10]],
      [1, 'active', []],
      [1, 8, []],
      [0, 15, [15]],
      [1, 14, []],
      [0, 16, [16]],
      [1, 18, []],
      [0, 20, [18]],
    ],
  },
  {
    name: 'a channel that comes back and is not behind counts at once, but says nothing new (W1)',
    channels: 2,
    rows: [
      [0, 10, []],
      [1, 30, [10]],
      [1, 'idle', []],
      [1, 'active', []],
      [0, 40, [30]],
    ],
  },
  {
    name: 'nothing passes while all active channels lag (W1)',
    channels: 3,
    rows: [
      [0, 10, []],
      [1, 7, []],
      [1, 'idle', []],
      [2, 'idle', [10]],
      [1, 'active', []],
      [0, 'idle', []],
      [1, 9, []],
      [1, 10, []],
      [1, 11, [11]],
    ],
  },
  {
    name: 'a channel that lags and becomes idle moves nothing (W3)',
    channels: 2,
    rows: [
      [0, 10, []],
      [1, 7, [7]],
      [1, 'idle', [10]],
      [1, 'active', []],
      [1, 9, []],
      [1, 'idle', []],
      [0, 12, [12]],
    ],
  },
  {
    name: 'a channel that lags is the last to become idle: time stands (W3)',
    channels: 2,
    rows: [
      [0, 10, []],
      [1, 7, [7]],
      [1, 'idle', [10]],
      [1, 'active', []],
      [0, 'idle', []],
      [1, 'idle', ['idle']],
    ],
  },
  {
    name: 'after all were idle, the one that comes back first and is ahead moves time alone (W1)',
    channels: 2,
    rows: [
      [0, 10, []],
      [1, 7, [7]],
      [0, 'idle', []],
      [1, 'idle', [10, 'idle']],
      [0, 'active', ['active']],
      [0, 11, [11]],
      [1, 'active', []],
      [1, 10, []],
      [1, 12, []],
      [0, 13, [12]],
    ],
  },
  {
    name: 'a finished channel does not hold time (W2)',
    channels: 2,
    rows: [
      [0, 10, []],
      [1, 5, [5]],
      [1, 'finished', [10]],
      [0, 20, [20]],
    ],
  },
  {
    name: 'the largest watermark says that a channel finished; it is no time that others could jump to (W2)',
    channels: 2,
    rows: [
      [0, 10, []],
      [1, 'max', [10]],
      [0, 'idle', ['idle']],
      [0, 'active', ['active']],
      [0, 11, [11]],
      [0, 'max', ['max']],
      [0, 'finished', []],
      [1, 'finished', []],
    ],
  },
  {
    name: 'when the others are idle and the last active one finishes, the output is idle, not at its end (W2, W3)',
    channels: 3,
    rows: [
      [0, 10, []],
      [1, 7, []],
      [2, 5, [5]],
      [0, 'idle', []],
      [1, 'idle', []],
      [2, 'max', [10, 'idle']],
      [1, 'active', ['active']],
      [1, 9, []],
      [1, 12, [12]],
    ],
  },
  {
    name: 'finished channels are passed over when the last unfinished one becomes idle (W2, W3)',
    channels: 3,
    rows: [
      [0, 10, []],
      [1, 7, []],
      [2, 5, [5]],
      [0, 'max', []],
      [1, 'idle', []],
      [2, 'idle', [7, 'idle']],
    ],
  },
  {
    name: 'an idle channel that finishes is finished (W2, W4)',
    channels: 2,
    rows: [
      [0, 10, []],
      [1, 'idle', [10]],
      [1, 'max', []],
      [1, 'active', []],
      [0, 20, [20]],
      [0, 'finished', ['max']],
    ],
  },
  {
    name: 'when all are finished, time is over, also from idle (W2)',
    channels: 2,
    rows: [
      [0, 'idle', []],
      [1, 'idle', ['idle']],
      [0, 'finished', []],
      [1, 'finished', ['max']],
      [1, 5, []],
      [0, 'active', []],
    ],
  },
  {
    name: 'a channel that finishes before it said anything holds nothing (W2)',
    channels: 2,
    rows: [
      [1, 'finished', []],
      [0, 3, [3]],
    ],
  },
];

const test = suite('watermark valve');

for (const { name, channels, rows } of cases) {
  test(name, () => {
    const valve = new WatermarkValve(channels);
    for (const [step, [channel, word, out]] of rows.entries()) {
      assert.equal(shown(say(valve, channel, word)), out, `row ${step}: channel ${channel} says ${word}`);
    }
  });
}

test('a channel that does not exist says nothing', () => {
  const valve = new WatermarkValve(1);
  assert.equal([valve.advance(7, 1), valve.setIdle(7, true), valve.finish(7)], [{}, {}, {}]);
  assert.is(valve.watermark, minWatermark);
});

/** Two inputs: the first of two gates (a union), the second of one. */
const gate = (inputIndex: number, channels: number) => ({ inputIndex, channels: new Array(channels).fill(undefined) as never });

const twoInputs: readonly Case[] = [
  {
    name: 'two inputs: the lower one counts, and channels of a union belong to one input (IT1)',
    channels: 4,
    rows: [
      [0, 10, []],
      [1, 8, []],
      [3, 20, []],
      [2, 5, [5]],
      [2, 30, [8]],
      [3, 7, []],
    ],
  },
  {
    name: 'two inputs: an idle one holds nothing, and time stands when both are (IT1)',
    channels: 4,
    rows: [
      [0, 10, []],
      [1, 10, []],
      [3, 10, []],
      [2, 5, [5]],
      [0, 'idle', []],
      [1, 'idle', []],
      [3, 'idle', []],
      [2, 7, [7]],
      [2, 'idle', ['idle']],
      [2, 'active', ['active']],
      [2, 11, [11]],
    ],
  },
  {
    name: 'two inputs: a finished one holds nothing; with the other idle the task is idle, not at its end (IT2)',
    channels: 4,
    rows: [
      [0, 10, []],
      [1, 10, []],
      [3, 10, []],
      [2, 5, [5]],
      [2, 'finished', [10]],
      [0, 'idle', []],
      [1, 'idle', []],
      [3, 'idle', ['idle']],
      [3, 'finished', []],
      [0, 'finished', []],
      [1, 'finished', ['max']],
    ],
  },
];

for (const { name, rows } of twoInputs) {
  test(name, () => {
    const input = new InputTime([gate(0, 2), gate(1, 1), gate(0, 1)]);
    for (const [step, [channel, word, out]] of rows.entries()) {
      assert.equal(shown(say(input, channel, word)), out, `row ${step}: channel ${channel} says ${word}`);
    }
  });
}

test.run();
