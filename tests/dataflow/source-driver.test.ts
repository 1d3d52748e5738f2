/** How a source task goes through its splits, and what it says of them in a checkpoint. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decode, encode } from '../../bus/codec/cbor.js';
import type { MillraceError } from '../../core/errors.js';
import type { OperatorContext, PollStatus, SourceReader, Split } from '../../dataflow/contracts.js';
import { SourceDriver } from '../../dataflow/task/source-driver.js';
import type { SplitTimes } from '../../dataflow/task/split-times.js';
import { SourceTime } from '../../dataflow/task/source-time.js';
import { fromSourceRecord, splitsOwned, type SourceReaderRecord } from '../../dataflow/task/source-state.js';
import { timestampFunction } from '../../dataflow/time/timestamp-stage.js';
import { TrackerSeat } from '../../dataflow/time/tracker-seat.js';
import { userCalls } from '../support/user-calls.js';
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
      calls: userCalls(),
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
  assert.equal(room.driver.snapshot(), { finished: ['a', 'b'], unfinished: [] });
});

test('the state between two records is the position after the first, and a restored reader goes on there (SD1, SD3)', async () => {
  const room = new Room({ splits: ['a'] });
  await room.run(3);
  const state = decode(encode(room.driver.snapshot())) as SourceReaderRecord;
  assert.equal(state, { finished: [], unfinished: [{ splitId: 'a', data: { of: 'a' }, position: 2 }] });
  const next = new Room({ splits: ['b'], restored: [state] });
  await next.run();
  assert.equal(next.calls.slice(0, 3), ['start a at 2', 'emit 3', 'start b at undefined']);
});

test('splits of several former readers are kept until their turn, in every snapshot (SD1)', async () => {
  const former = (id: string, finished: readonly string[]): SourceReaderRecord => ({
    finished,
    unfinished: [{ splitId: id, data: { of: id }, position: 1 }],
  });
  const room = new Room({ splits: [], restored: [former('a', ['x']), former('b', ['y'])] });
  assert.equal([...splitsOwned(room.driver.snapshot())].sort(), ['a', 'b', 'x', 'y']);
  room.driver.step(1);
  const state = room.driver.snapshot();
  assert.equal(state.unfinished, [
    { splitId: 'a', data: { of: 'a' }, position: 2 },
    { splitId: 'b', data: { of: 'b' }, position: 1 },
  ]);
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
  assert.equal(state.unfinished[0], { splitId: 'a', data: { of: 'a' }, position: 2, highest: 77 });
  const waiting = { finished: [], unfinished: [{ splitId: 'c', data: null, position: 0, highest: 60 }] };
  const after = timed();
  after.time.follow({ isHeld: false, isAhead: () => false });
  new Room({ splits: [], restored: [state, waiting], time: after.time });
  after.time.onPeriodicEmit(0);
  assert.is(after.time.watermark, 59, 'the split that waits holds with what it had come to');
  assert.is(after.time.received, 2);
  after.time.finish('c');
  after.time.onPeriodicEmit(0);
  assert.is(after.time.watermark, 76);
});

test('a split that is too far ahead is not missed: it becomes idle once it is read again and quiet (SM5)', () => {
  const assignment = { assign: undefined, generator: { kind: 'none' }, idleAfterMs: 100, alignment: undefined } as const;
  const time = new SourceTime({ assignment, seat: new TrackerSeat(), onDue: () => undefined });
  let isAhead = true;
  time.follow({ isHeld: false, isAhead: () => isAhead });
  time.add('a');
  time.begin('a');
  const idleAt = (now: number): boolean => {
    time.onPeriodicEmit(now);
    return time.isIdle;
  };
  assert.equal([0, 500, 1_000].map(idleAt), [false, false, false]);
  isAhead = false;
  assert.equal([1_099, 1_100].map(idleAt), [false, true]);
});

test('a split that is still being opened keeps the position it was given (SD3)', async () => {
  const opening = deferred();
  const room = new Room({
    splits: [],
    restored: [{ finished: [], unfinished: [{ splitId: 'a', data: null, position: 2 }] }],
    start: () => opening.promise,
  });
  assert.is(room.driver.step(1), 'waiting');
  room.position = 99;
  assert.is(room.driver.snapshot().unfinished[0]?.position, 2);
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
    restored: [{ finished: [], unfinished: [{ splitId: 'a', data: null, position: 0 }] }],
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
  for (const value of [null, 7, {}, { finished: [1], unfinished: [] }, { finished: [], unfinished: [{}] }, { finished: [] }]) {
    assert.throws(
      () => fromSourceRecord(value),
      (error: MillraceError) => error.code === 'SOURCE_STATE_INVALID',
    );
  }
});

/** Splits side by side: a reader each, that emits `<split> <number>` up to 2 and then has nothing more to say. */
function sideBySide(splits: readonly string[], restored?: readonly SourceReaderRecord[], isAhead?: (splitId: string) => boolean) {
  const emitted: string[] = [];
  const starts: string[] = [];
  const waiting = new Map<string, ReturnType<typeof deferred>>();
  const failures: unknown[] = [];
  const left = [...splits];
  let readers = 0;
  let closed = 0;
  const createReader = (): SourceReader<unknown> => {
    readers += 1;
    let id = '';
    let next = 0;
    return {
      start: async (started, position) => {
        id = started.id;
        next = (position as number | undefined) ?? 0;
        starts.push(`${id} at ${next}`);
      },
      poll: (output) => {
        if (next === 2) return 'pending';
        output.emit(`${id} ${(next += 1)}`, 0);
        return 'more';
      },
      whenAvailable: () => {
        const gate = deferred();
        waiting.set(id, gate);
        return gate.promise.then(() => void (next = 0));
      },
      position: () => next,
      close: () => void (closed += 1),
    };
  };
  const driver = new SourceDriver({
    source: { name: 'source', boundedness: 'unbounded', enumerate: async () => [], createReader },
    output: { emit: (value) => void emitted.push(String(value)), isAvailable: () => true },
    context: { operatorName: 'source', restored } as unknown as OperatorContext,
    requestSplit: async () => {
      const next = left.shift();
      return next === undefined ? undefined : split(next);
    },
    times: isAhead && ({ isAhead, splitsMoved: () => undefined, stop: () => undefined } as unknown as SplitTimes),
    calls: userCalls(),
    wake: () => undefined,
    fail: (error) => failures.push(error),
  });
  const run = async (): Promise<void> => {
    for (let steps = 0; steps < 60; steps += 1) {
      driver.step(1);
      await settle();
    }
    assert.equal(failures, []);
  };
  const counts = () => ({ readers, closed });
  return { driver, emitted, starts, waiting, run, counts };
}

test('splits that never end are read side by side, each by its own reader, though all are quiet (SD4)', async () => {
  const room = sideBySide(['a', 'b', 'c']);
  await room.run();
  assert.equal([...room.emitted].sort(), ['a 1', 'a 2', 'b 1', 'b 2', 'c 1', 'c 2']);
  assert.is(room.driver.step(1), 'waiting', 'it never ends');
  assert.is(room.counts().readers, 3);
  room.waiting.get('b')?.resolve(undefined);
  await room.run();
  assert.equal(room.emitted.slice(6), ['b 1', 'b 2'], 'what comes in one is read while the others wait');
  assert.equal(
    room.driver.snapshot().unfinished.map(({ splitId, position }) => `${splitId} at ${String(position)}`),
    ['a at 2', 'b at 2', 'c at 2'],
  );
  await room.driver.close();
  assert.is(room.counts().closed, 3);
});

test('splits that are busy take turns (SD4)', async () => {
  const room = sideBySide(['a', 'b']);
  await room.run();
  for (const id of ['a', 'b']) room.waiting.get(id)?.resolve(undefined);
  await settle();
  for (let steps = 0; steps < 4; steps += 1) room.driver.step(1);
  const [first, second, third, fourth] = room.emitted.slice(4).map((value) => value.slice(0, 1));
  assert.is(first, third);
  assert.is(second, fourth);
  assert.is.not(first, second);
});

test('all splits of a checkpoint are read beside new ones, each from its position (SD1, SD4)', async () => {
  const unfinished = ['x', 'y'].map((splitId) => ({ splitId, data: { of: splitId }, position: 1 }));
  const room = sideBySide(['a'], [{ finished: ['f'], unfinished }]);
  await room.run();
  assert.equal(room.starts, ['x at 1', 'y at 1', 'a at 0']);
  assert.equal([...room.emitted].sort(), ['a 1', 'a 2', 'x 2', 'y 2']);
  assert.equal([...splitsOwned(room.driver.snapshot())].sort(), ['a', 'f', 'x', 'y']);
});

test('a split that is too far ahead of the others waits, and they go on without it (SD4, SM5)', async () => {
  let isAhead = true;
  const room = sideBySide(['a', 'b'], undefined, (splitId) => splitId === 'a' && isAhead);
  await room.run();
  assert.equal(room.emitted, ['b 1', 'b 2']);
  assert.is(room.driver.step(1), 'waiting');
  isAhead = false;
  await room.run();
  assert.equal(room.emitted, ['b 1', 'b 2', 'a 1', 'a 2']);
});

test('a source without splits for this subtask ends (SD4)', async () => {
  const room = sideBySide([]);
  await room.run();
  assert.is(room.driver.step(1), 'end');
});

test.run();
