import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encode } from '../../bus/codec/cbor.js';
import { createEndpoint } from '../../bus/endpoint.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { NatsBus } from '../../bus/transports/nats/connection.js';
import { connectNats } from '../../bus/transports/nats/connect.js';
import { systemClock, systemRandom } from '../../cluster/adapters/system-clock.js';
import { jobId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import { boundTests } from '../support/bounds.js';
import { envelope, failureOf, jobManager, outcome, subjects } from '../support/endpoints.js';
import { natsUrl, type ServerProcess, startOwnNats } from '../support/servers.js';
import { silentLogger } from '../support/silent-logger.js';
import { eventually, within } from '../support/within.js';

boundTests({ testMs: 30_000, fileMs: 120_000 });
const test = suite('endpoint over NATS');

interface World {
  readonly server: ServerProcess;
  connect(name: string): Promise<{ readonly bus: NatsBus; readonly endpoint: Endpoint }>;
}

async function withWorld(body: (world: World) => Promise<void>): Promise<void> {
  const server = await startOwnNats();
  const open: { readonly bus: NatsBus; readonly endpoint: Endpoint }[] = [];
  try {
    await body({
      server,
      async connect(name) {
        const bus = await connectNats({ servers: [natsUrl(server)], name, clock: systemClock, logger: silentLogger });
        const endpoint = createEndpoint({ name, bus, subjects, clock: systemClock, random: systemRandom, logger: silentLogger });
        open.push({ bus, endpoint });
        return { bus, endpoint };
      },
    });
  } finally {
    for (const { bus, endpoint } of open) {
      endpoint.close();
      await bus.close();
    }
    await server.dispose();
  }
}

const idOf = (index: number) => jobId(index.toString(16).padStart(32, '0'));

test('a server that is killed and started again in the middle costs no ask, and no handler runs twice for one (E3)', () =>
  withWorld(async ({ server, connect }) => {
    const served = await connect('served');
    const asker = await connect('asker');
    const handled = new Map<string, number>();
    served.endpoint.serve(jobManager, {
      handlers: {
        'job.describe': ({ jobId: job }) => {
          handled.set(job, (handled.get(job) ?? 0) + 1);
          return { kind: 'unknown' };
        },
      },
    });
    await served.bus.flush();
    const asks: Promise<unknown>[] = [];
    const ask = (): void => {
      const index = asks.length;
      asks.push(outcome(asker.endpoint.ask(jobManager, 'job.describe', { jobId: idOf(index) }, { attempts: 6, timeoutMs: 5_000 })));
    };
    for (let index = 0; index < 100; index += 1) ask();
    await server.kill();
    for (let index = 0; index < 100; index += 1) ask();
    await eventually(10_000, () => asker.bus.status() === 'disconnected', 'the asker to notice');
    for (let index = 0; index < 100; index += 1) ask();
    await server.start();
    const answers = await within(20_000, Promise.all(asks), 'the answers');
    for (const [index, answer] of answers.entries()) assert.equal(answer, { kind: 'unknown' }, `ask ${index}`);
    assert.is(handled.size, 300);
    assert.equal([...new Set(handled.values())], [1]);
  }));

test('an ask with one more try waits for the connection to come back, instead of using it up', () =>
  withWorld(async ({ server, connect }) => {
    const { bus, endpoint } = await connect('asker');
    // On the same connection, so that it is back when the asker is.
    const served = createEndpoint({ name: 'served', bus, subjects, clock: systemClock, random: systemRandom, logger: silentLogger });
    served.serve(jobManager, { handlers: { 'job.list': () => ({ jobs: [] }) } });
    await server.kill();
    await eventually(10_000, () => bus.status() === 'disconnected', 'the loss to be noticed');
    const asking = outcome(endpoint.ask(jobManager, 'job.list', {}, { attempts: 2, timeoutMs: 10_000, retryDelayMs: 1 }));
    await server.start();
    assert.equal(await within(15_000, asking, 'the answer'), { jobs: [] });
    served.close();
  }));

test('while the server is gone, actors of one endpoint still reach each other; others are told, or counted (E2, N2)', () =>
  withWorld(async ({ server, connect }) => {
    const { bus, endpoint } = await connect('both');
    endpoint.serve(jobManager, { handlers: { 'job.list': () => ({ jobs: [] }) } });
    await server.kill();
    await eventually(10_000, () => bus.status() === 'disconnected', 'the loss to be noticed');
    assert.equal(await endpoint.ask(jobManager, 'job.list', {}), { jobs: [] });
    assert.is(
      failureOf(await outcome(endpoint.ask({ kind: 'resource-manager' }, 'cluster.overview' as never, {} as never))),
      'disconnected',
    );
    endpoint.tell({ kind: 'leader-events' }, 'leader.announced', { holder: 'x' });
    assert.is(endpoint.deadLetters().counts['undelivered'], 1);
  }));

test('an asker that goes away in the middle leaves the other side serving', () =>
  withWorld(async ({ connect }) => {
    const served = await connect('served');
    served.endpoint.serve(jobManager, { handlers: { 'job.list': () => ({ jobs: [] }) } });
    await served.bus.flush();
    const first = await connect('first');
    const asking = outcome(first.endpoint.ask(jobManager, 'job.list', {}));
    await first.bus.close();
    await asking;
    const second = await connect('second');
    assert.equal(await second.endpoint.ask(jobManager, 'job.list', {}), { jobs: [] });
  }));

test('hostile bytes on every subject are counted, and the connection lives on', () =>
  withWorld(async ({ connect }) => {
    const served = await connect('served');
    const stranger = await connect('stranger');
    served.endpoint.serve(jobManager, { handlers: { 'job.list': () => ({ jobs: [] }) } });
    served.endpoint.serve({ kind: 'leader-events' }, { handlers: {} });
    await served.bus.flush();
    const bignum = new Uint8Array(256 * 1024).fill(0xff);
    bignum.set([0xc2, 0x5a, 0x00, 0x03, 0xff, 0xfa]);
    const hostile = [
      new Uint8Array(0),
      new Uint8Array(limits.controlMessageBytesMax).fill(0x81),
      bignum,
      Uint8Array.of(0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
      new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'),
      encode(envelope({ type: '__proto__' })),
      encode(envelope({ type: 'job.list', body: { ['__proto__']: { polluted: 1 } }, to: '>' })),
    ];
    for (const bytes of hostile) {
      stranger.bus.publish(subjects.of(jobManager), bytes);
      stranger.bus.publish(subjects.of({ kind: 'leader-events' }), bytes);
    }
    assert.equal(await stranger.endpoint.ask(jobManager, 'job.list', {}), { jobs: [] });
    const { counts } = served.endpoint.deadLetters();
    assert.is(
      Object.values(counts).reduce((sum, count) => sum + count, 0),
      2 * hostile.length,
    );
    assert.is(served.bus.handlerFailures, 0);
    assert.is(served.bus.status(), 'connected');
  }));

test.run();
