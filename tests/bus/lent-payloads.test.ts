/** What NATS is lent: read until the server has it, then handed back. nats.js keeps payloads after `publish`. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectNats } from '../../bus/transports/nats/connect.js';
import type { NatsBus } from '../../bus/transports/nats/connection.js';
import { systemClock, systemRandom } from '../../cluster/adapters/system-clock.js';
import { limits } from '../../core/limits.js';
import { SegmentPool } from '../../dataflow/channels/segment-pool.js';
import { boundTests } from '../support/bounds.js';
import { natsUrl, sharedNatsUrl, startOwnNats } from '../support/servers.js';
import { silentLogger } from '../support/silent-logger.js';
import { within } from '../support/within.js';

boundTests({ testMs: 20_000, fileMs: 60_000 });
const test = suite('payloads lent to NATS');

async function connect(url: string): Promise<NatsBus> {
  const bus = await connectNats({ servers: [url], name: 'test', clock: systemClock, logger: silentLogger, reconnectDelayMs: 20 });
  bus.onRelief(() => undefined);
  return bus;
}

interface Lender {
  readonly pool: SegmentPool;
  /** Fills a segment with the number of the frame and publishes it; false when there is none. */
  lend(bus: NatsBus, subject: string, number: number, isEarly?: boolean): boolean;
  /** Resolves when a segment came home. */
  relief(): Promise<void>;
}

function createLender(): Lender {
  let relieve = (): void => undefined;
  const pool = new SegmentPool({ segmentsMax: limits.segmentsPerSlotMin, onRelief: () => relieve(), isPoisoning: true });
  const comesHome = (payload: Uint8Array): void => pool.release(payload);
  return {
    pool,
    lend: (bus, subject, number, isEarly = false) => {
      if (pool.isExhausted()) return false;
      const segment = pool.take();
      const payload = segment.subarray(0, 8 + ((number * 7_919) % (segment.length - 8)));
      new Uint32Array(segment.buffer).fill(number);
      bus.publish(subject, payload, isEarly ? undefined : comesHome);
      if (isEarly) pool.release(payload);
      return true;
    },
    relief: () =>
      within(
        5_000,
        new Promise<void>((resolve) => {
          relieve = resolve;
        }),
        'a segment to come home',
      ),
  };
}

/** Publishes so many back to back as the segments allow; the numbers of those that came altered. */
async function publishMany(frames: number, isEarly: boolean): Promise<{ readonly altered: number; readonly lender: Lender }> {
  const [near, far] = await Promise.all([connect(sharedNatsUrl()), connect(sharedNatsUrl())]);
  const subject = `lent.${systemRandom.hex(6)}`;
  const lender = createLender();
  let received = 0;
  let altered = 0;
  const complete = new Promise<void>((resolve) => {
    far.subscribe(subject, ({ payload }) => {
      const words = new Uint32Array(payload.slice(0, payload.length & ~3).buffer);
      if (words.some((word) => word !== received)) altered += 1;
      received += 1;
      if (received === frames) resolve();
    });
  });
  await far.flush();
  for (let number = 0; number < frames; number += 1) {
    while (!lender.lend(near, subject, number, isEarly)) await lender.relief();
  }
  await within(10_000, complete, `${frames} frames`);
  await Promise.all([near.close(), far.close()]);
  return { altered, lender };
}

test('thousands of frames from a few poisoned segments arrive as they were, and all segments come home (OW4)', async () => {
  const { altered, lender } = await publishMany(3_000, false);
  assert.is(altered, 0);
  assert.is(lender.pool.inUse, 0);
  assert.is(lender.pool.peak, limits.segmentsPerSlotMin);
});

test('what is used again right after it was published arrives altered: the trap is real', async () => {
  const { altered } = await publishMany(300, true);
  assert.ok(altered > 30, `${altered} of 300`);
});

test('what was lent when the server died comes home with the next connection, and what is published then arrives', async () => {
  const server = await startOwnNats();
  try {
    const [near, far] = await Promise.all([connect(natsUrl(server)), connect(natsUrl(server))]);
    const lender = createLender();
    const changed = (bus: NatsBus, to: string): Promise<void> =>
      within(
        10_000,
        new Promise((resolve) => {
          bus.onStatus((status) => status === to && resolve());
        }),
        `the bus to be ${to}`,
      );
    const down = Promise.all([changed(near, 'disconnected'), changed(far, 'disconnected')]);
    // Stopped, the server takes no more than fits the buffers of the socket: nothing is confirmed.
    server.pause();
    for (let number = 0; lender.lend(near, 'lost', number); number += 1);
    assert.is(lender.pool.inUse, limits.segmentsPerSlotMin);
    await server.kill();
    await down;
    assert.is(lender.pool.inUse, limits.segmentsPerSlotMin, 'nothing comes home before a new connection stands');
    const up = Promise.all([changed(near, 'connected'), changed(far, 'connected')]);
    const home = lender.relief();
    await server.start();
    await up;
    await home;
    assert.is(lender.pool.inUse, 0);
    const arrived = new Promise<number>((resolve) => {
      far.subscribe('after', ({ payload }) => resolve(new Uint32Array(payload.slice(0, 8).buffer)[0] as number));
    });
    await far.flush();
    lender.lend(near, 'after', 77);
    assert.is(await within(5_000, arrived, 'the frame after the loss'), 77);
    await Promise.all([near.close(), far.close()]);
    assert.is(lender.pool.inUse, 0);
  } finally {
    await server.dispose();
  }
});

test.run();
