/** What a source reader learns from the JobManager: whether splits elsewhere hold its time, and how far it may read. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { limits } from '../../core/limits.js';
import { SplitTimes } from '../../dataflow/task/split-times.js';
import type { SplitTimeReply, SplitTimeReport } from '../../dataflow/task-runtime.js';
import { ManualClock } from '../../testing/manual-clock.js';

const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

class Room {
  readonly clock = new ManualClock();
  readonly reports: (SplitTimeReport | undefined)[] = [];
  readonly failures: unknown[] = [];
  readonly time = {
    received: 0,
    readWatermark: (): number | undefined => this.watermark,
    watermarkOf: (): number | undefined => this.watermark,
    refresh: () => void (this.refreshes += 1),
  };
  readonly times: SplitTimes;
  watermark: number | undefined;
  reply: SplitTimeReply | Error = { holding: 1, owned: 0 };
  wakes = 0;
  refreshes = 0;

  constructor(options: { readonly isOpen?: boolean; readonly isAligned?: boolean } = {}) {
    this.times = new SplitTimes({
      clock: this.clock,
      isOpen: options.isOpen === true,
      alignment: options.isAligned === true ? { group: 'g', maxDriftMs: 100, updateIntervalMs: 10 } : undefined,
      time: this.time,
      exchange: (report) => {
        this.reports.push(report);
        return this.reply instanceof Error ? Promise.reject(this.reply) : Promise.resolve(this.reply);
      },
      wake: () => void (this.wakes += 1),
      fail: (error) => this.failures.push(error),
    });
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settle();
  }
}

const test = suite('split times');

test('time is held until every split has a reader and all that are its own have come to this one (SI1)', async () => {
  const room = new Room();
  assert.ok(room.times.isHeld, 'nothing is known yet');
  room.times.start();
  await settle();
  assert.ok(room.times.isHeld, 'a split has no reader');
  room.reply = { holding: 0, owned: 1 };
  await room.pass(limits.splitTimesPauseMinMs);
  assert.ok(room.times.isHeld, 'a split is on its way to this reader');
  room.time.received = 1;
  await room.pass(2 * limits.splitTimesPauseMinMs);
  assert.not.ok(room.times.isHeld);
});

test('a split that comes is a reason to ask at once while time is held, one exchange at a time (SI2)', async () => {
  const room = new Room();
  room.times.start();
  room.times.splitsMoved();
  assert.is(room.reports.length, 1);
  room.reply = { holding: 0, owned: 0 };
  await settle();
  await settle();
  assert.is(room.reports.length, 2, 'as soon as the one under way is answered');
  assert.not.ok(room.times.isHeld);
  assert.is(room.refreshes, 1);
  room.times.splitsMoved();
  assert.is(room.reports.length, 2, 'nothing holds time any more');
});

test('exchanges become rarer while time is held, and end when nothing is left to ask (SI2)', async () => {
  const room = new Room();
  room.times.start();
  await settle();
  await room.pass(limits.splitTimesPauseMinMs - 1);
  assert.is(room.reports.length, 1);
  await room.pass(1);
  assert.is(room.reports.length, 2);
  await room.pass(limits.splitTimesPauseMinMs);
  assert.is(room.reports.length, 2, 'the next pause is twice as long');
  for (let step = 0; step < 20; step += 1) await room.pass(limits.splitTimesPauseMaxMs);
  const asked = room.reports.length;
  await room.pass(limits.splitTimesPauseMaxMs);
  assert.is(room.reports.length, asked + 1, 'the longest pause');
  room.reply = { holding: 0, owned: 0 };
  await room.pass(limits.splitTimesPauseMaxMs);
  const last = room.reports.length;
  await room.pass(100 * limits.splitTimesPauseMaxMs);
  assert.is(room.reports.length, last);
});

test('a source that finds splits while the job runs is asked on, and may be held again (SI2)', async () => {
  const room = new Room({ isOpen: true });
  room.reply = { holding: 0, owned: 0 };
  room.times.start();
  await settle();
  assert.not.ok(room.times.isHeld);
  room.reply = { holding: 2, owned: 0 };
  await room.pass(limits.splitTimesPauseMaxMs);
  assert.ok(room.times.isHeld);
});

test('a reader that is ahead of its group waits, and is woken when it may read further', async () => {
  const room = new Room({ isAligned: true });
  room.reply = { holding: 0, owned: 0, readUpTo: 150 };
  room.watermark = 50;
  room.times.start();
  await settle();
  assert.equal(room.reports, [{ group: 'g', maxDriftMs: 100, watermark: 50 }]);
  assert.not.ok(room.times.isAhead('a'));
  room.watermark = 151;
  assert.ok(room.times.isAhead('a'));
  const wakes = room.wakes;
  await room.pass(10);
  assert.is(room.wakes, wakes, 'it may not read further');
  room.reply = { holding: 0, owned: 0, readUpTo: 300 };
  await room.pass(10);
  assert.is(room.wakes, wakes + 1);
  assert.not.ok(room.times.isAhead('a'));
  room.watermark = 301;
  room.reply = { holding: 0, owned: 0 };
  await room.pass(10);
  assert.not.ok(room.times.isAhead('a'), 'nobody of the group is left');
  assert.is(room.wakes, wakes + 2);
});

test('a reader at its end says once that it holds nobody, and asks no more (SI3)', async () => {
  const room = new Room({ isAligned: true });
  room.watermark = 50;
  room.reply = { holding: 0, owned: 0, readUpTo: 150 };
  room.times.start();
  await settle();
  room.times.end();
  room.times.end();
  await room.pass(0);
  assert.is(room.reports.at(-1)?.watermark, null);
  const asked = room.reports.length;
  await room.pass(1_000);
  assert.is(room.reports.length, asked);
});

test('what a reader said before its end is answered before it says so (SI2, SI3)', async () => {
  const room = new Room({ isAligned: true });
  room.watermark = 50;
  room.reply = { holding: 0, owned: 0, readUpTo: 150 };
  room.times.start();
  room.times.end();
  assert.is(room.reports.length, 1);
  await settle();
  await settle();
  assert.equal(
    room.reports.map((report) => report?.watermark),
    [50, null],
  );
});

test('a refusal fails the task, unless it has stopped', async () => {
  for (const isStopped of [false, true]) {
    const room = new Room();
    room.reply = new Error('no such source');
    room.times.start();
    if (isStopped) room.times.stop();
    await settle();
    assert.is(room.failures.length, isStopped ? 0 : 1);
  }
});

test.run();
