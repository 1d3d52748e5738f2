import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BusError, BusStatus } from '../../bus/contracts.js';
import type { NatsBus } from '../../bus/transports/nats/connection.js';
import { connectNats, type NatsBusOptions } from '../../bus/transports/nats/connect.js';
import { systemClock, systemRandom } from '../../cluster/adapters/system-clock.js';
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { busContract } from '../../testing/contracts/bus.js';
import { boundTests } from '../support/bounds.js';
import { runContract } from '../support/run-contract.js';
import { freePort, natsUrl, type ServerProcess, sharedNatsUrl, startOwnNats } from '../support/servers.js';
import { recordingLogger, silentLogger } from '../support/silent-logger.js';
import { within } from '../support/within.js';

boundTests({ testMs: 20_000, fileMs: 120_000 });
const test = suite('NATS bus');

const connect = (url: string, more: Partial<NatsBusOptions> = {}): Promise<NatsBus> =>
  connectNats({ servers: [url], name: 'test', clock: systemClock, logger: silentLogger, ...more });

runContract('NATS bus contract', busContract, async () => ({
  fixture: {
    connect: () => connect(sharedNatsUrl()),
    prefix: `bus-contract-${systemRandom.hex(6)}`,
  },
}));

function becomes(bus: NatsBus, status: BusStatus): Promise<void> {
  const reached = new Promise<void>((resolve) => {
    if (bus.status() === status) resolve();
    bus.onStatus((next) => next === status && resolve());
  });
  return within(10_000, reached, `the bus to be ${status}`);
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

async function withServer(body: (server: ServerProcess) => Promise<void>): Promise<void> {
  const server = await startOwnNats();
  try {
    await body(server);
  } finally {
    await server.dispose();
  }
}

test('a server that dies and comes back is noticed, publishes in between fail, subscriptions live on (T1, T2)', () =>
  withServer(async (server) => {
    const [near, far] = await Promise.all([connect(natsUrl(server)), connect(natsUrl(server))]);
    const seen: number[] = [];
    far.subscribe('a', (message) => {
      seen.push(message.payload[0] as number);
      message.respond?.(message.payload);
    });
    far.subscribe('silent', () => undefined);
    await far.flush();
    await near.request('a', Uint8Array.of(1), { timeoutMs: 5_000 });

    const lost = failure(near.request('silent', Uint8Array.of(0), { timeoutMs: 60_000 }));
    await near.flush();
    await server.kill();
    await Promise.all([becomes(near, 'disconnected'), becomes(far, 'disconnected')]);
    assert.is(((await lost) as BusError).failure, 'disconnected');
    assert.throws(
      () => near.publish('a', Uint8Array.of(2)),
      (error: BusError) => error.failure === 'disconnected',
    );
    assert.is(((await failure(near.request('a', Uint8Array.of(3), { timeoutMs: 5_000 }))) as BusError).failure, 'disconnected');
    assert.is(((await failure(near.flush())) as BusError).failure, 'disconnected');
    far.subscribe('born-in-between', (message) => message.respond?.(Uint8Array.of(5)));

    await server.start();
    await Promise.all([becomes(near, 'connected'), becomes(far, 'connected')]);
    await far.flush();
    assert.equal([...(await near.request('a', Uint8Array.of(4), { timeoutMs: 5_000 }))], [4]);
    assert.equal([...(await near.request('born-in-between', Uint8Array.of(4), { timeoutMs: 5_000 }))], [5]);
    assert.equal(seen, [1, 4]);
    await Promise.all([near.close(), far.close()]);
  }));

test('reconnecting is given up after the tries it was given, and the bus is closed', () =>
  withServer(async (server) => {
    const { logger, lines } = recordingLogger();
    const bus = await connect(natsUrl(server), { reconnectAttemptsMax: 2, reconnectDelayMs: 20, logger });
    await server.kill();
    await becomes(bus, 'closed');
    assert.throws(
      () => bus.publish('a', Uint8Array.of(1)),
      (error: BusError) => error.failure === 'closed',
    );
    assert.ok(lines.some((line) => line.level === 'error' && line.message.includes(natsUrl(server))));
    await bus.close();
  }));

test('closing while disconnected ends soon', () =>
  withServer(async (server) => {
    const bus = await connect(natsUrl(server));
    await server.kill();
    await becomes(bus, 'disconnected');
    await within(3_000, bus.close(), 'close');
    assert.is(bus.status(), 'closed');
  }));

test('the first connection waits for a server that comes later', async () => {
  const port = await freePort();
  const { logger, lines } = recordingLogger();
  const connecting = connect(`127.0.0.1:${port}`, { logger });
  await within(
    5_000,
    new Promise<void>((resolve) => {
      const look = (): void => void (lines.length > 0 ? resolve() : setImmediate(look));
      look();
    }),
    'the first failed try',
  );
  const server = await startOwnNats(port);
  const bus = await within(10_000, connecting, 'the connection');
  assert.is(bus.status(), 'connected');
  assert.match(lines[0]?.message ?? '', `nats://127.0.0.1:${port}`);
  await bus.close();
  await server.dispose();
});

test('an unreachable server is named, without credentials, when the tries are used up', async () => {
  const port = await freePort();
  const { logger, lines } = recordingLogger();
  const error = await failure(connect(`nats://bob:geheim@127.0.0.1:${port}`, { connectAttemptsMax: 2, logger }));
  assert.instance(error, MillraceError);
  assert.is((error as MillraceError).code, 'NATS_UNREACHABLE');
  assert.match((error as MillraceError).message, `127.0.0.1:${port}`);
  assert.not.match(JSON.stringify([(error as MillraceError).message, lines]), 'geheim');
});

test('an abort ends the tries', async () => {
  const port = await freePort();
  const abort = new AbortController();
  const connecting = failure(connect(`127.0.0.1:${port}`, { signal: abort.signal }));
  abort.abort();
  const error = await within(5_000, connecting, 'the end of the tries');
  assert.is((error as MillraceError).code, 'NATS_UNREACHABLE');
});

test('an address that is none is refused without its credentials', async () => {
  for (const address of ['http://bob:geheim@host:4222', 'nats://', 'nats://bob:geheim@host:4222/path', 'nats://host:port']) {
    const error = await failure(connect(address));
    assert.is((error as MillraceError).code, 'BAD_NATS_ADDRESS', address);
    assert.not.match((error as MillraceError).message, 'geheim');
  }
});

test('a server that reads nothing is congestion, which ends when it reads again (T3)', () =>
  withServer(async (server) => {
    const bus = await connect(natsUrl(server));
    const relief = new Promise<void>((resolve) => bus.onRelief(resolve));
    const frame = new Uint8Array(32 * 1_024);
    try {
      server.pause();
      const most = 4 * limits.outboundHighBytes;
      let sent = 0;
      while (!bus.isCongested() && sent < most) {
        bus.publish('frames', frame);
        sent += frame.length;
      }
      assert.ok(bus.isCongested());
      assert.is(sent, limits.outboundHighBytes + frame.length, 'the first frame beyond the mark');
    } finally {
      server.resume();
    }
    await within(10_000, relief, 'the end of the congestion');
    assert.not(bus.isCongested());
    assert.is(bus.congestions(), 1);
    await bus.close();
  }));

test('a connection that is away is congestion, and its return is relief (T3)', () =>
  withServer(async (server) => {
    const bus = await connect(natsUrl(server));
    let reliefs = 0;
    bus.onRelief(() => (reliefs += 1));
    await server.kill();
    await becomes(bus, 'disconnected');
    assert.ok(bus.isCongested());
    assert.is(reliefs, 0);
    await server.start();
    await becomes(bus, 'connected');
    assert.not(bus.isCongested());
    assert.is(reliefs, 1);
    await bus.close();
  }));

test.run();
