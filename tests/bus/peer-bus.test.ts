import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FrameBus } from '../../bus/contracts.js';
import { InProcessHub } from '../../bus/transports/in-process/hub.js';
import { PeerBus } from '../../bus/transports/thread/peer-bus.js';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { limits } from '../../core/limits.js';
import type { Logger } from '../../core/ports.js';
import { createThreadChannelPair } from '../../testing/thread-channel-pair.js';
import { silentLogger } from '../support/silent-logger.js';
import { within } from '../support/within.js';

const test = suite('frames between the slots of a process');

const subjectOf = (slot: number): string => `frames.${slot}`;

/** Two slots on one bus; `introduce` gives each the way to the other. */
function createSlots(logger: Logger = silentLogger) {
  const hub = new InProcessHub({ clock: systemClock, logger, defer: setImmediate });
  const create = (slot: number): PeerBus => new PeerBus({ behind: hub.connect(`slot ${slot}`), ownSubject: subjectOf(slot), logger });
  const slots = [create(0), create(1)] as const;
  return {
    hub,
    slots,
    introduce: () => {
      const { left, right } = createThreadChannelPair<ArrayBuffer, ArrayBuffer>(setImmediate);
      slots[0].addPeer(subjectOf(1), left);
      slots[1].addPeer(subjectOf(0), right);
    },
  };
}

/** The first `count` payloads that come to a slot. */
function received(bus: FrameBus, slot: number, count: number): Promise<{ readonly bytes: number[]; readonly isOwned: boolean }[]> {
  const all: { bytes: number[]; isOwned: boolean }[] = [];
  const complete = new Promise<typeof all>((resolve) => {
    bus.subscribe(subjectOf(slot), ({ payload, isOwned = false }) => {
      all.push({ bytes: [...payload], isOwned });
      if (all.length === count) resolve(all);
    });
  });
  return within(2_000, complete, `${count} frames for slot ${slot}`);
}

test('slots that know each other send frames past the bus, in order, as buffers of their own (PB1)', async () => {
  const { hub, slots, introduce } = createSlots();
  introduce();
  let seen = 0;
  hub.connect('observer').subscribe('>', () => (seen += 1));
  const [there, back] = [received(slots[1], 1, 2), received(slots[0], 0, 1)];
  slots[0].publish(subjectOf(1), Uint8Array.of(1));
  slots[0].publish(subjectOf(1), Uint8Array.of(2));
  slots[1].publish(subjectOf(0), Uint8Array.of(3));
  assert.equal(await there, [
    { bytes: [1], isOwned: true },
    { bytes: [2], isOwned: true },
  ]);
  assert.equal((await back)[0]?.bytes, [3]);
  await slots[0].flush();
  assert.is(seen, 0);
});

test('frames for a slot of the process are larger than those that take the bus', () => {
  const { slots, introduce } = createSlots();
  introduce();
  assert.is(slots[0].frameBytesTarget(subjectOf(1)), limits.peerFrameBytesTarget);
  assert.is(slots[0].frameBytesTarget(subjectOf(2)), limits.frameBytesTarget);
  assert.ok(limits.peerFrameBytesTarget < limits.segmentBytes, 'one message carries it');
});

test('frames for anybody else, and from anybody else, take the bus behind', async () => {
  const { hub, slots, introduce } = createSlots();
  introduce();
  const outside = hub.connect('outside');
  const far = received(outside, 7, 1);
  const near = received(slots[0], 0, 1);
  slots[0].publish(subjectOf(7), Uint8Array.of(7));
  outside.publish(subjectOf(0), Uint8Array.of(8));
  assert.equal((await far)[0]?.bytes, [7]);
  assert.equal((await near)[0]?.bytes, [8]);
});

test('a payload is given away, a view of a larger buffer is copied (PB2)', async () => {
  const { slots, introduce } = createSlots();
  introduce();
  const got = received(slots[1], 1, 2);
  const whole = Uint8Array.of(1, 2);
  const pool = Uint8Array.of(3, 4, 5, 6);
  slots[0].publish(subjectOf(1), whole);
  slots[0].publish(subjectOf(1), pool.subarray(1, 3));
  assert.is(whole.length, 0);
  assert.equal([...pool], [3, 4, 5, 6]);
  assert.equal(
    (await got).map(({ bytes }) => bytes),
    [
      [1, 2],
      [4, 5],
    ],
  );
});

test('a slot that took the place of another gets what is sent from then on, the former one nothing (PB3)', async () => {
  const { slots, introduce } = createSlots();
  const ports = [
    createThreadChannelPair<ArrayBuffer, ArrayBuffer>(setImmediate),
    createThreadChannelPair<ArrayBuffer, ArrayBuffer>(setImmediate),
  ];
  const heard: string[] = [];
  const last = new Promise<void>((resolve) => {
    ports.forEach(({ right }, life) =>
      right.onMessage((buffer) => {
        heard.push(`life ${life}: ${new Uint8Array(buffer)[0]}`);
        if (life === 1) resolve();
      }),
    );
  });
  introduce();
  for (const [life, { left }] of ports.entries()) {
    slots[0].addPeer(subjectOf(1), left);
    if (life === 1) slots[0].publish(subjectOf(1), Uint8Array.of(9));
  }
  await within(2_000, last, 'the frame for the second life');
  assert.equal(heard, ['life 1: 9']);
});

test('a handler that throws is told to the log and the next frame comes all the same', async () => {
  const lines: string[] = [];
  const logger: Logger = { log: (_level, message) => void lines.push(message), child: () => logger };
  const { slots, introduce } = createSlots(logger);
  introduce();
  let calls = 0;
  const second = new Promise<void>((resolve) => {
    slots[1].subscribe(subjectOf(1), () => {
      calls += 1;
      if (calls === 2) resolve();
      throw new Error('no');
    });
  });
  slots[0].publish(subjectOf(1), Uint8Array.of(1));
  slots[0].publish(subjectOf(1), Uint8Array.of(2));
  await within(2_000, second, 'the second frame');
  assert.equal(lines, ['a handler of frames threw', 'a handler of frames threw']);
});

test('the congestion of the bus behind holds what goes there, never what takes a port, and its relief is passed on', () => {
  let relieve: (() => void) | undefined;
  const { left } = createThreadChannelPair<ArrayBuffer, ArrayBuffer>(setImmediate);
  const behind: FrameBus = {
    payloadBytesMax: 1_024,
    publish: () => undefined,
    subscribe: () => ({ unsubscribe: () => undefined }),
    flush: () => Promise.resolve(),
    isCongested: () => true,
    onRelief: (listener) => (relieve = listener),
  };
  const bus = new PeerBus({ behind, ownSubject: subjectOf(0), logger: silentLogger });
  bus.addPeer(subjectOf(1), left);
  let reliefs = 0;
  bus.onRelief(() => (reliefs += 1));
  assert.not(bus.isCongested(subjectOf(1)));
  assert.ok(bus.isCongested(subjectOf(2)));
  relieve?.();
  assert.is(reliefs, 1);
});

test.run();
