/** How long a task holds its thread, under a clock that functions move. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChannelId, EdgeId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { ChannelNetwork } from '../../dataflow/channels/channel-network.js';
import { GateCredit } from '../../dataflow/channels/gate-credit.js';
import type { InputOptions } from '../../dataflow/channels/network-contracts.js';
import { InputChannel } from '../../dataflow/channels/input-channel.js';
import { RecordClock } from '../../dataflow/task/record-clock.js';
import { RecordReader } from '../../dataflow/task/record-reader.js';
import { SliceBudget } from '../../dataflow/task/slice-budget.js';
import { ManualClock } from '../../testing/manual-clock.js';

const test = suite('slices');

/** Slices of a source whose records take `recordMs` each: how long they take, and how many records they emit. */
function sourceSlices(count: number, recordMs: (record: number) => number): { readonly ms: number; readonly records: number }[] {
  const clock = new ManualClock();
  const budget = new SliceBudget({ clock, recordsPerSlice: undefined });
  let records = 0;
  return Array.from({ length: count }, () => {
    const startedAt = clock.monotonic();
    const before = records;
    budget.begin(startedAt, records);
    do {
      for (let left = budget.pollRecords; left > 0; left -= 1) clock.advance(recordMs((records += 1)));
    } while (!budget.isSpent(records));
    return { ms: clock.monotonic() - startedAt, records: records - before };
  });
}

test('a slice of a source ends in time, whatever a record costs, from the first one on (SB1, SB3)', () => {
  for (const recordMs of [0.000_1, 0.01, 0.3, 1, 4]) {
    for (const { ms } of sourceSlices(20, () => recordMs)) {
      assert.ok(ms >= limits.sliceMs && ms <= limits.sliceMs + Math.max(recordMs, 1), `${ms} ms with ${recordMs} ms a record`);
    }
  }
});

test('cheap records are asked for by the thousand (SB3)', () => {
  const slices = sourceSlices(20, () => 0.000_1);
  const last = slices.at(-1);
  assert.ok((last?.records as number) > 30_000, `${last?.records} records in a slice`);
});

test('records that get dear all at once cost one long poll, not a long slice for ever (SB3)', () => {
  const slices = sourceSlices(20, (record) => (record > 100_000 ? 1 : 0.000_1));
  const long = slices.filter(({ ms }) => ms > limits.sliceMs + 1.5);
  assert.is(long.length, 1, `${long.map(({ ms }) => ms).join(', ')} ms`);
});

test('where work takes no time a slice ends after a number of records, and of steps (SB2)', () => {
  const clock = new ManualClock();
  const budget = new SliceBudget({ clock, recordsPerSlice: 100 });
  budget.begin(0, 1_000);
  assert.not(budget.isSpent(1_099));
  assert.ok(budget.isSpent(1_100));
  budget.begin(0, 1_100);
  for (let step = 1; step < limits.stepsPerSlice; step += 1) assert.not(budget.isSpent(1_100));
  assert.ok(budget.isSpent(1_100));
  assert.ok(budget.pollRecords <= 100);
});

/** A reader with one local channel, and the means to fill it. */
function readerOf(clock: ManualClock): {
  readonly reader: RecordReader;
  readonly recordClock: RecordClock;
  readonly fill: (records: number) => void;
} {
  let channel: InputChannel | undefined;
  const openInput = ({ channelId, index, listener }: InputOptions): InputChannel => {
    channel = new InputChannel({
      channelId,
      index,
      listener,
      gate: new GateCredit({ floating: 8 }),
      exclusive: 2,
      isBlocked: () => false,
      sendControl: () => undefined,
    });
    channel.grant();
    return channel;
  };
  const channelId = 'channel' as ChannelId;
  const recordClock = new RecordClock(clock);
  const reader = new RecordReader({
    gates: [
      {
        edgeId: 'edge' as EdgeId,
        inputIndex: 0,
        partitioner: 'FORWARD',
        channels: [{ channelId, peerSubtask: 0, peer: { taskManagerId: 'tm' as never, slot: 0 } }],
      },
    ],
    network: { openInput, openGate: () => undefined } as unknown as ChannelNetwork,
    clock,
    recordClock,
    isAlignmentOff: false,
    wake: () => undefined,
    fail: (error) => {
      throw error;
    },
    onAligned: () => undefined,
    onAbandoned: () => undefined,
    onTime: () => undefined,
    onLatencyMarker: () => undefined,
    onInputEnded: () => undefined,
    onEndOfData: () => undefined,
  });
  reader.open();
  let seq = 0;
  const fill = (records: number): void => {
    channel?.receive(seq, { kind: 'data', values: new Array<number>(records).fill(0), timestamps: undefined }, 0);
    seq += 1;
  };
  return { reader, recordClock, fill };
}

test('a task with inputs gives the thread back in time, in the middle of a batch, whatever a record costs (RR2)', () => {
  for (const recordMs of [0.001, 0.1, 1, 20]) {
    const clock = new ManualClock();
    const { reader, fill } = readerOf(clock);
    fill(1_000);
    reader.step(clock.monotonic(), [() => 0]);
    let slices = 0;
    while (reader.recordsIn < 1_000 && slices < 2_000) {
      const startedAt = clock.monotonic();
      reader.step(startedAt, [
        (_, from, to) => {
          clock.advance((to - from) * recordMs);
          return to;
        },
      ]);
      slices += 1;
      const ms = clock.monotonic() - startedAt;
      assert.ok(ms <= limits.sliceMs + Math.max(recordMs, 1), `${ms} ms with ${recordMs} ms a record`);
    }
    assert.is(reader.recordsIn, 1_000);
    assert.ok(slices <= Math.ceil((1_000 * recordMs) / limits.sliceMs) + 1, `${slices} slices`);
  }
});

/** How far the clock of records was behind at most, and after record 500 + 64, when the cost is `recordMs(record)`. */
function behindOf(recordMs: (record: number) => number): { readonly most: number; readonly atLast: number } {
  const clock = new ManualClock();
  const { reader, recordClock, fill } = readerOf(clock);
  fill(1_000);
  reader.step(clock.monotonic(), [() => 0]);
  let most = 0;
  let atLast = 0;
  while (reader.recordsIn < 1_000) {
    recordClock.look();
    reader.step(clock.monotonic(), [
      (_, from, to) => {
        for (let record = from; record < to; record += 1) {
          const behind = clock.now() - recordClock.time;
          most = Math.max(most, behind);
          if (record > 564) atLast = Math.max(atLast, behind);
          clock.advance(recordMs(record));
        }
        return to;
      },
    ]);
  }
  return { most, atLast };
}

test('the clock that records see is behind by a tenth of a slice, or by one record; by 64 when they get dear all at once (RR2)', () => {
  const tenth = limits.sliceMs / 10 + 1e-6;
  for (const recordMs of [0.001, 0.1, 1, 20]) {
    const { most } = behindOf(() => recordMs);
    assert.ok(most <= Math.max(tenth, recordMs), `${most} ms with ${recordMs} ms a record`);
  }
  const { most, atLast } = behindOf((record) => (record < 500 ? 0.001 : 1));
  assert.ok(most > 1 && most <= 64, `${most} ms when records got dear`);
  assert.ok(atLast <= 1, `${atLast} ms once that is known`);
});

test.run();
