import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Bus } from '../../bus/contracts.js';
import { InProcessHub } from '../../bus/transports/in-process/hub.js';
import { ThreadBus } from '../../bus/transports/thread/thread-bus.js';
import { ThreadBusRouter } from '../../bus/transports/thread/thread-bus-router.js';
import type { BusCommand, BusNews } from '../../bus/transports/thread/thread-messages.js';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { busContract } from '../../testing/contracts/bus.js';
import { createThreadChannelPair } from '../../testing/thread-channel-pair.js';
import { runContract } from '../support/run-contract.js';
import { silentLogger } from '../support/silent-logger.js';
import { within } from '../support/within.js';

const test = suite('thread bus');
const ownPrefix = 'millrace.default.task-manager.tm-1.';
const isDataSubject = (subject: string): boolean => subject.includes('.data.');

interface Bench {
  readonly hub: InProcessHub;
  readonly connection: Bus;
  readonly router: ThreadBusRouter;
  /** A new slot on the router. */
  slot(): { readonly bus: ThreadBus; readonly detach: () => void };
}

function createBench(): Bench {
  const hub = new InProcessHub({ clock: systemClock, logger: silentLogger, defer: setImmediate });
  const connection = hub.connect('connection');
  const router = new ThreadBusRouter({ connection, ownPrefix, clock: systemClock, logger: silentLogger });
  return {
    hub,
    connection,
    router,
    slot: () => {
      const { left, right } = createThreadChannelPair<BusCommand, BusNews>(setImmediate);
      const attached = router.attach((message, transfer) => left.post(message, transfer));
      left.onMessage((message) => attached.receive(message));
      const bus = new ThreadBus({
        post: (message, transfer) => right.post(message, transfer),
        logger: silentLogger,
        payloadBytesMax: router.payloadBytesMax,
        isDataSubject,
      });
      right.onMessage((message) => bus.receive(message));
      return { bus, detach: () => attached.detach() };
    },
  };
}

/** Resolves with the next message of a pattern. */
function next(bus: Bus, pattern: string): Promise<{ readonly subject: string; readonly bytes: number[] }> {
  const message = new Promise<{ subject: string; bytes: number[] }>((resolve) => {
    bus.subscribe(pattern, ({ subject, payload }) => resolve({ subject, bytes: [...payload] }));
  });
  return within(2_000, message, `a message on ${pattern}`);
}

let prefixes = 0;
for (const [kind, prefix] of [
  ['over the connections', 'case'],
  ['between slots of one TaskManager', `${ownPrefix}case`],
] as const) {
  const { slot } = createBench();
  runContract(`thread bus contract, ${kind}`, busContract, () =>
    Promise.resolve({ fixture: { connect: () => Promise.resolve(slot().bus), prefix: `${prefix}-${(prefixes += 1)}` } }),
  );
}

test('what a slot sends to a slot of its own TaskManager never touches a connection (TR1)', async () => {
  const { hub, slot } = createBench();
  const [sender, receiver] = [slot().bus, slot().bus];
  let seen = 0;
  hub.connect('observer').subscribe('>', () => (seen += 1));
  const got = next(receiver, `${ownPrefix}data.1`);
  await receiver.flush();
  sender.publish(`${ownPrefix}data.1`, Uint8Array.of(7));
  assert.equal((await got).bytes, [7]);
  await sender.flush();
  assert.is(seen, 0);
});

test('what others send to a slot reaches it over the connection (TR2)', async () => {
  const { hub, slot } = createBench();
  const receiver = slot().bus;
  const message = next(receiver, `${ownPrefix}slot.0`);
  await receiver.flush();
  hub.connect('outside').publish(`${ownPrefix}slot.0`, Uint8Array.of(12));
  assert.equal((await message).bytes, [12]);
});

test('a frame is given away without a copy, anything else stays with the caller (TB1)', () => {
  const { slot } = createBench();
  const { bus } = slot();
  const frame = new Uint8Array(16);
  bus.publish(`${ownPrefix}data.9`, frame);
  assert.is(frame.length, 0);
  const message = new Uint8Array(16);
  bus.publish(`${ownPrefix}slot.9`, message);
  assert.is(message.length, 16);
});

test('a frame that is a view of a larger buffer leaves its neighbours alone (TB1)', async () => {
  const { slot } = createBench();
  const [sender, receiver] = [slot().bus, slot().bus];
  const pool = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const got = next(receiver, `${ownPrefix}data.2`);
  await receiver.flush();
  sender.publish(`${ownPrefix}data.2`, pool.subarray(2, 4));
  assert.equal((await got).bytes, [3, 4]);
  assert.is(pool.length, 6);
});

test('a frame to an own slot without a subscriber is counted, a request there fails at once (TR1, TR3)', async () => {
  const { router, slot } = createBench();
  const { bus } = slot();
  bus.publish(`${ownPrefix}data.5`, new Uint8Array(1));
  const failure = await bus.request(`${ownPrefix}slot.5`, new Uint8Array(1), { timeoutMs: 60_000 }).then(
    () => 'answered',
    (error: { failure?: string }) => error.failure,
  );
  assert.is(failure, 'no-responders');
  assert.is(router.lost, 1);
});

test('a detached slot hears nothing any more and its subscriptions are gone (TR4)', async () => {
  const { hub, connection, slot } = createBench();
  const { bus, detach } = slot();
  let seen = 0;
  let sent = 0;
  hub.connect('reader').subscribe('late', () => (sent += 1));
  bus.subscribe('news', () => (seen += 1));
  await bus.flush();
  detach();
  bus.publish('late', new Uint8Array(1));
  const outside = hub.connect('outside');
  const failure = await outside.request('news', new Uint8Array(1), { timeoutMs: 60_000 }).then(
    () => 'answered',
    (error: { failure?: string }) => error.failure,
  );
  assert.is(failure, 'no-responders');
  await connection.flush();
  assert.is(seen, 0);
  assert.is(sent, 0);
});

test('a slot is told when the connection of its TaskManager closes', async () => {
  const { connection, slot } = createBench();
  const { bus } = slot();
  const told = new Promise((resolve) => void bus.onStatus(resolve));
  await connection.close();
  assert.is(await within(2_000, told, 'the status'), 'closed');
});

test.run();
