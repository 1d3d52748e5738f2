/** How a source task goes through its splits, and what it says of them in a checkpoint. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decode, encode } from '../../bus/codec/cbor.js';
import type { MillraceError } from '../../core/errors.js';
import type { OperatorContext, PollStatus, SourceReader, Split } from '../../dataflow/contracts.js';
import { SourceDriver } from '../../dataflow/task/source-driver.js';
import { SourceTime } from '../../dataflow/task/source-time.js';
import { fromSourceRecord, splitsOwned, type SourceReaderRecord } from '../../dataflow/task/source-state.js';
import { timestampFunction } from '../../dataflow/time/timestamp-stage.js';
import { TrackerSeat } from '../../dataflow/time/tracker-seat.js';
import { deferred } from '../support/within.js';

const split = (id: string): Split => ({ id, data: { of: id } });
const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

interface RoomOptions {
  readonly splits: readonly string[];
  readonly restored?: readonly SourceReaderRecord[];
  readonly start?: SourceReader<unknown>['start'];
  readonly poll?: () => PollStatus;
  readonly time?: SourceTime;
}

class Room {
  readonly calls: string[] = [];
  readonly failures: unknown[] = [];
  readonly driver: SourceDriver;
  requests = 0;
  wakes = 0;
  position = 0;

  constructor(options: RoomOptions) {
    const splits = [...options.splits];
    const reader: SourceReader<unknown> = {
      start: (started, position) => {
        this.calls.push(`start ${started.id} at ${String(position)}`);
        this.position = typeof position === 'number' ? position : 0;
        return options.start?.(started, position);
      },
      poll: (output) => {
        if (options.poll !== undefined) return options.poll();
        if (this.position === 3) return 'split-finished';
        this.position += 1;
        output.emit(this.position, 0);
        return 'more';
      },
      whenAvailable: () => Promise.resolve(),
      position: () => this.position,
      close: () => void this.calls.push('close'),
    };
    this.driver = new SourceDriver({
      source: { name: 'source', boundedness: 'bounded', enumerate: () => Promise.resolve([]), createReader: () => reader },
      output: { emit: (value) => void this.calls.push(`emit ${String(value)}`), isAvailable: () => true },
      context: { operatorName: 'source', restored: options.restored } as OperatorContext,
      requestSplit: () => {
        this.requests += 1;
        const next = splits.shift();
        return Promise.resolve(next === undefined ? undefined : split(next));
      },
      time: options.time,
      wake: () => void (this.wakes += 1),
      fail: (error) => this.failures.push(error),
    });
  }

  /** Steps until the driver waits for nothing that is under way. */
  async run(stepsMax = 100): Promise<string> {
    for (let steps = 0; steps < stepsMax; steps += 1) {
      const step = this.driver.step(1);
      if (step === 'end') return step;
      await settle();
    }
    return 'stopped';
  }
}

const test = suite('source driver');

test('splits are asked for one at a time and read one after the other, until there are no more (SD1, SD2)', async () => {
  const room = new Room({ splits: ['a', 'b'] });
  assert.is(room.driver.step(1), 'waiting');
  assert.is(room.driver.step(1), 'waiting');
  assert.is(room.requests, 1, 'one request is under way');
  assert.is(await room.run(), 'end');
  const emits = ['emit 1', 'emit 2', 'emit 3'];
  assert.equal(room.calls, ['start a at undefined', ...emits, 'start b at undefined', ...emits]);
  assert.is(room.requests, 3);
  assert.equal(room.driver.snapshot(), { finished: ['a', 'b'], current: null, waiting: [] });
});

test('the state between two records is the position after the first, and a restored reader goes on there (SD1, SD3)', async () => {
  const room = new Room({ splits: ['a'] });
  await room.run(3);
  const state = decode(encode(room.driver.snapshot())) as SourceReaderRecord;
  assert.equal(state, { finished: [], current: { splitId: 'a', data: { of: 'a' }, position: 2 }, waiting: [] });
  const next = new Room({ splits: ['b'], restored: [state] });
  await next.run();
  assert.equal(next.calls.slice(0, 3), ['start a at 2', 'emit 3', 'start b at undefined']);
});

test('splits of several former readers are kept until their turn, in every snapshot (SD1)', async () => {
  const former = (id: string, finished: readonly string[]): SourceReaderRecord => ({
    finished,
    current: { splitId: id, data: { of: id }, position: 1 },
    waiting: [],
  });
  const room = new Room({ splits: [], restored: [former('a', ['x']), former('b', ['y'])] });
  assert.equal([...splitsOwned(room.driver.snapshot())].sort(), ['a', 'b', 'x', 'y']);
  room.driver.step(1);
  const state = room.driver.snapshot();
  assert.is(state.current?.splitId, 'a');
  assert.equal(state.waiting, [{ splitId: 'b', data: { of: 'b' }, position: 1 }]);
  assert.is(await room.run(), 'end');
  assert.equal([...room.driver.snapshot().finished].sort(), ['a', 'b', 'x', 'y']);
});

test('how far time came in a split stands beside its position, and a restored reader goes on from there (SM4)', async () => {
  const assignment = {
    assign: undefined,
    generator: { kind: 'bounded-out-of-orderness', delayMs: 0 },
    idleAfterMs: undefined,
    alignment: undefined,
  } as const;
  const timed = () => {
    const seat = new TrackerSeat();
    const time = new SourceTime({ assignment, seat, onDue: () => undefined });
    const stamp = timestampFunction({ assignment, seat });
    return { time, emit: (at: number) => stamp('value', at) };
  };
  const before = timed();
  const room = new Room({ splits: ['a'], time: before.time });
  await room.run(3);
  before.emit(77);
  const state = decode(encode(room.driver.snapshot())) as SourceReaderRecord;
  assert.equal(state.current, { splitId: 'a', data: { of: 'a' }, position: 2, highest: 77 });
  const waiting = { finished: [], current: null, waiting: [{ splitId: 'c', data: null, position: 0, highest: 60 }] };
  const after = timed();
  after.time.follow({ isHeld: false, isAhead: false });
  new Room({ splits: [], restored: [state, waiting], time: after.time });
  after.time.onPeriodicEmit(0);
  assert.is(after.time.watermark, 59, 'the split that waits holds with what it had come to');
  assert.is(after.time.received, 2);
  after.time.finish('c');
  after.time.onPeriodicEmit(0);
  assert.is(after.time.watermark, 76);
});

test('a split that is still being opened keeps the position it was given (SD3)', async () => {
  const opening = deferred();
  const room = new Room({
    splits: [],
    restored: [{ finished: [], current: { splitId: 'a', data: null, position: 2 }, waiting: [] }],
    start: () => opening.promise,
  });
  assert.is(room.driver.step(1), 'waiting');
  room.position = 99;
  assert.is(room.driver.snapshot().current?.position, 2);
  room.position = 2;
  opening.resolve();
  await settle();
  assert.is(room.wakes, 1);
  assert.is(await room.run(), 'end');
});

test('what a reader throws or rejects with names the source', async () => {
  const broken = new Room({ splits: ['a'], start: () => Promise.reject(new Error('no such file')) });
  await broken.run(3);
  assert.is((broken.failures[0] as MillraceError).where, 'source');
  const synchronous = new Room({
    splits: [],
    restored: [{ finished: [], current: { splitId: 'a', data: null, position: 0 }, waiting: [] }],
    start: () => {
      throw new Error('gone');
    },
  });
  assert.throws(
    () => synchronous.driver.step(1),
    (error: MillraceError) => error.where === 'source',
  );
});

test('a checkpoint that holds something else is refused', () => {
  for (const value of [
    null,
    7,
    {},
    { finished: [1], current: null, waiting: [] },
    { finished: [], current: {}, waiting: [] },
    { finished: [], current: null },
  ]) {
    assert.throws(
      () => fromSourceRecord(value),
      (error: MillraceError) => error.code === 'SOURCE_STATE_INVALID',
    );
  }
});

test.run();
