import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TimerQueue } from '../../../storage/state/heap/timer-queue.js';

const test = suite('queue of timers');

interface Timer {
  readonly entry: number;
  readonly time: number;
  readonly version: number;
}

/** A queue, and a list in the order of registration that should hold the same. */
class Subject {
  readonly queue = new TimerQueue();
  held: Timer[] = [];

  register(entry: number, time: number, version: number): void {
    const isNew = this.#find(entry, time) === undefined;
    assert.is(this.queue.register(entry, time, version), isNew);
    if (isNew) this.held.push({ entry, time, version });
  }

  delete(entry: number, time: number): void {
    const known = this.#find(entry, time);
    assert.is(this.queue.versionOf(entry, time), known?.version);
    if (known === undefined) return;
    this.queue.delete(entry, time);
    this.held.splice(this.held.indexOf(known), 1);
  }

  take(due: number): void {
    const earliest = this.held.reduce<Timer | undefined>(
      (first, timer) => (first !== undefined && first.time <= timer.time ? first : timer),
      undefined,
    );
    assert.is(this.queue.nextTime(), earliest?.time);
    const entry = this.queue.take(due);
    if (earliest === undefined || earliest.time > due) return assert.is(entry, -1);
    assert.equal({ entry, time: this.queue.takenTime, version: this.queue.takenVersion }, earliest);
    this.held.splice(this.held.indexOf(earliest), 1);
  }

  /** As a snapshot sees it. */
  expectAll(): void {
    const { queue } = this;
    const found: Timer[] = [];
    for (let timer = 0; timer < queue.end; timer += 1) {
      const entry = queue.entryAt(timer);
      if (entry >= 0) found.push({ entry, time: queue.timeAt(timer), version: queue.versionAt(timer) });
    }
    const order = (a: Timer, b: Timer): number => a.entry - b.entry || a.time - b.time;
    assert.equal(found.sort(order), this.held.toSorted(order));
  }

  #find(entry: number, time: number): Timer | undefined {
    return this.held.find((timer) => timer.entry === entry && timer.time === time);
  }
}

const someTime = fc.oneof(fc.integer({ min: -3, max: 30 }), fc.constantFrom(0.5, 1_448_236_800_000, Number.MAX_SAFE_INTEGER));

test('timers come by time, then in the order they were registered, each once, whatever was deleted (TQ1, TQ3)', () => {
  const step = fc.record({ op: fc.constantFrom('register', 'register', 'delete', 'take'), entry: fc.nat({ max: 5 }), time: someTime });
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 300 }), (steps) => {
      const subject = new Subject();
      steps.forEach(({ op, entry, time }, version) => {
        if (op === 'register') subject.register(entry, time, version);
        else if (op === 'delete') subject.delete(entry, time);
        else subject.take(time);
      });
      subject.expectAll();
      while (subject.held.length > 0) subject.take(Infinity);
      subject.take(Infinity);
    }),
    { numRuns: 300, seed: 5 },
  );
});

test('an entry may have many timers, and few again (TN1)', () => {
  const subject = new Subject();
  const count = 100;
  for (const entry of [0, 1]) for (let time = 0; time < count; time += 1) subject.register(entry, (time * 37) % count, 1);
  for (let time = 0; time < count; time += 1) subject.register(0, time, 2);
  subject.expectAll();
  for (let time = 0; time < count; time += 2) subject.delete(0, time);
  for (let time = 0; time < count; time += 4) subject.register(0, time, 3);
  for (let time = 0; time < count; time += 1) subject.delete(0, time);
  for (let time = 0; time < count; time += 5) subject.register(0, time, 4);
  subject.expectAll();
  while (subject.held.length > 0) subject.take(count);
  for (const time of [3, 1, 2]) subject.register(0, time, 3);
  subject.expectAll();
  for (let left = 4; left > 0; left -= 1) subject.take(count);
});

test('a queue that was large and became empty starts anew (TN2, TB1)', () => {
  const { queue } = new Subject();
  const count = 10_000;
  for (let round = 0; round < 2; round += 1) {
    for (let entry = 0; entry < count; entry += 1) assert.ok(queue.register(entry, count - entry, 1));
    for (let entry = count - 1; entry >= 0; entry -= 1) assert.is(queue.take(Infinity), entry);
    assert.is(queue.nextTime(), undefined);
    assert.is(queue.end, 0);
  }
});

test('times whose timers were deleted are not kept (TQ2)', () => {
  const { queue } = new Subject();
  for (let time = 0; time < 10_000; time += 1) {
    queue.register(0, time, 1);
    queue.delete(0, time);
  }
  assert.ok(queue.timesHeld < 100, `${queue.timesHeld} times`);
});

test.run();
