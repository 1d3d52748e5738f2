/** The HTTP sink against a real HTTP server. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { httpSink, type HttpSinkOptions } from '../../connectors/http/http-sink.js';
import { retryAfterMs } from '../../connectors/http/http-request.js';
import { MillraceError } from '../../core/errors.js';
import { checkpointId } from '../../core/ids.js';
import type { Clock } from '../../core/ports.js';
import type { Sink } from '../../dataflow/contracts.js';
import { atLeastOnceSinkContract } from '../../testing/contracts/at-least-once-sink.js';
import { SinkBench } from '../../testing/contracts/sink.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { boundTests } from '../support/bounds.js';
import { failureOf } from '../support/failure-of.js';
import { eventually } from '../support/within.js';

boundTests({ testMs: 40_000, fileMs: 120_000 });

interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Answer = (received: Received, response: ServerResponse, number: number) => void;

/** A server that keeps what it took; `answer` says what it does with the n-th request, from 0. */
class TestServer {
  readonly received: Received[] = [];
  /** Requests without an answer, now and at most. */
  underWay = 0;
  mostUnderWay = 0;
  answer: Answer = (_received, response) => response.end('ok');
  readonly #server: Server = createServer((request, response) => this.#take(request, response));

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get bodies(): string[] {
    return this.received.map(({ body }) => body);
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
    response.on('close', () => (this.underWay -= 1));
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const received = { method, path: url, headers, body: Buffer.concat(chunks).toString('utf8') };
      this.answer(received, response, this.received.push(received) - 1);
    });
  }
}

/** Pauses are over at once, and noted; what waits for an answer (10 s) waits as ever. */
class HastyPauses implements Clock {
  readonly pauses: number[] = [];
  readonly now = (): number => systemClock.now();
  readonly monotonic = (): number => systemClock.monotonic();

  setTimer(delayMs: number, callback: () => void): ReturnType<Clock['setTimer']> {
    if (delayMs === 10_000) return systemClock.setTimer(delayMs, callback);
    this.pauses.push(delayMs);
    return systemClock.setTimer(0, callback);
  }
}

const servers: TestServer[] = [];
const benches: SinkBench<never>[] = [];
const serve = async (): Promise<TestServer> => {
  const server = await new TestServer().start();
  servers.push(server);
  return server;
};
type BenchOptions = Partial<ConstructorParameters<typeof SinkBench>[1]>;
async function start<T>(sink: Sink<T>, options: BenchOptions = {}): Promise<SinkBench<T>> {
  const bench = new SinkBench(sink, { files: new MemoryFileSystem(), clock: systemClock, ...options });
  benches.push(bench as SinkBench<never>);
  return bench.open();
}
const closeAll = async (): Promise<void> => {
  for (const bench of benches.splice(0)) await bench.close();
  for (const server of servers.splice(0)) await server.close();
};

for (const [name, options] of [
  ['one request a record, one at a time', { requestsMax: 1 }],
  ['eight requests at a time', {}],
  ['batches', { requestsMax: 1, batch: { recordsMax: 7 } }],
] as const) {
  const contract = suite(`sink contract: HTTP, ${name}`);
  for (const { name: promise, run } of atLeastOnceSinkContract) {
    contract(promise, async () => {
      const server = await serve();
      await run({
        files: new MemoryFileSystem(),
        clock: systemClock,
        makeSink: () => httpSink<number>({ url: server.url, ...options }) as Sink<unknown>,
        record: (number) => number,
        visible: async () => server.bodies.flatMap((body) => JSON.parse(body) as number | number[]),
        isOrdered: 'requestsMax' in options,
      });
    });
  }
  contract.after.each(closeAll);
  contract.run();
}

const test = suite('HTTP sink');
test.after.each(closeAll);

test('method, path, headers and body are what the record says', async () => {
  const server = await serve();
  const sink = await start(
    httpSink<number>({
      url: (number) => `${server.url}/numbers/${number}?a=b`,
      method: 'PUT',
      headers: (number) => ({ 'X-Number': String(number) }),
      encode: (number) => `number ${number}: ä`,
    }),
  );
  await sink.write(7);
  await sink.snapshot(1);
  const [received] = server.received;
  assert.equal(
    [received?.method, received?.path, received?.body, received?.headers['x-number']],
    ['PUT', '/numbers/7?a=b', 'number 7: ä', '7'],
  );
});

test('batches are JSON arrays, or what is made of their parts', async () => {
  const server = await serve();
  const plain = await start(httpSink<number>({ url: server.url, batch: { recordsMax: 2 } }));
  await plain.write(1, 2, 3);
  await plain.snapshot(1);
  const lines = await start(httpSink<number>({ url: server.url, batch: { recordsMax: 9, join: (parts) => parts.join('\n') } }));
  await lines.write(4, 5);
  await lines.snapshot(1);
  assert.equal(server.bodies, ['[1,2]', '[3]', '4\n5']);
  assert.is(server.received[0]?.headers['content-type'], 'application/json');
});

test('a batch that does not fill goes out when its first record has waited for long enough (AL3)', async () => {
  const server = await serve();
  const sink = await start(httpSink<number>({ url: server.url, batch: { recordsMax: 9, linger: 5 } }));
  await sink.write(1, 2);
  await eventually(5_000, () => server.bodies.length > 0, 'the batch');
});

for (const status of [408, 425, 429, 500, 502, 503, 504, 599]) {
  test(`${status} is tried again, after longer and longer pauses (HR1)`, async () => {
    const server = await serve();
    server.answer = (_received, response, number) => {
      response.statusCode = number < 4 ? status : 200;
      response.end();
    };
    const clock = new HastyPauses();
    const sink = await start(httpSink<number>({ url: server.url, requestsMax: 1 }), { clock });
    await sink.write(1);
    await sink.snapshot(1);
    assert.equal(server.bodies, ['1', '1', '1', '1', '1']);
    const pauses = clock.pauses.filter((ms) => ms !== 20);
    assert.is(pauses.length, 4);
    for (const [index, ms] of pauses.entries()) assert.ok(ms >= 50 * 2 ** index && ms <= 100 * 2 ** index, `${ms} ms`);
  });
}

for (const status of [301, 302, 307, 400, 401, 403, 404, 409, 422]) {
  test(`${status} fails the job at once: trying again cannot help`, async () => {
    const server = await serve();
    server.answer = (_received, response) => {
      response.writeHead(status, { Location: `${server.url}/elsewhere` });
      response.end('because');
    };
    const sink = await start(httpSink<number>({ url: server.url }));
    const error = await failureOf(sink.write(1).then(() => sink.snapshot(1)));
    assert.is(error.code, 'SINK_HTTP_REFUSED');
    assert.is(error.recovery, 'fail-job');
    assert.is(error.where, 'operator under test');
    assert.match(error.message, status < 400 ? /redirects/ : /because/);
    assert.is(server.received.length, 1);
    assert.is(sink.bench.failures.length, 1);
  });
}

test('a connection that breaks, and an answer that does not come, are tried again', async () => {
  const server = await serve();
  server.answer = (_received, response, number) => {
    if (number === 0) response.destroy();
    else if (number > 1) response.end();
  };
  const sink = await start(httpSink<number>({ url: server.url, timeout: '200 ms' }));
  await sink.write(1);
  await sink.snapshot(1);
  assert.equal(server.bodies, ['1', '1', '1']);
});

test('the server says when: Retry-After in seconds and as a date', async () => {
  const clock = { now: () => Date.parse('2015-07-15T00:00:00Z') };
  const table: readonly (readonly [text: string | null, ms: number])[] = [
    [null, 0],
    ['0', 0],
    ['3', 3_000],
    ['Wed, 15 Jul 2015 00:00:07 GMT', 7_000],
    ['Tue, 14 Jul 2015 00:00:00 GMT', 0],
    ['soon', 0],
    ['-5', 0],
    ['', 0],
  ];
  for (const [text, ms] of table) assert.is(retryAfterMs(text, clock), ms, String(text));
  const server = await serve();
  server.answer = (_received, response, number) => {
    if (number === 0) response.writeHead(429, { 'Retry-After': '30' });
    response.end();
  };
  const hasty = new HastyPauses();
  const sink = await start(httpSink<number>({ url: server.url }), { clock: hasty });
  await sink.write(1);
  await sink.snapshot(1);
  assert.ok(hasty.pauses.includes(30_000), hasty.pauses.join(', '));
});

test('when patience ends the task fails, to be started again; also when the server asks for more of it', async () => {
  const server = await serve();
  server.answer = (_received, response) => {
    response.writeHead(503, { 'Retry-After': '3600' });
    response.end();
  };
  const sink = await start(httpSink<number>({ url: server.url, patience: '1 min' }));
  const error = await failureOf(sink.write(1).then(() => sink.snapshot(1)));
  assert.is(error.code, 'SINK_HTTP_FAILED');
  assert.is(error.recovery, 'restart-job');
  assert.match(error.message, /1 try/);
});

test('no more requests are under way than asked for, and the input waits meanwhile (AL2)', async () => {
  const server = await serve();
  const waiting: ServerResponse[] = [];
  server.answer = (_received, response) => void waiting.push(response);
  const sink = httpSink<number>({ url: server.url, requestsMax: 3 });
  const bench = await start(sink);
  const writing = bench.write(1, 2, 3, 4, 5);
  await eventually(5_000, () => waiting.length === 3, 'three requests');
  assert.ok(bench.bench.isParked);
  server.answer = (_received, response) => response.end();
  for (const response of waiting) response.end();
  await writing;
  await bench.snapshot(1);
  assert.is(server.mostUnderWay, 3);
  assert.is(server.received.length, 5);
});

test('a key of the record, or of its position, is the same after a restart (HW2)', async () => {
  const server = await serve();
  const keys = (): string[] => server.received.map(({ headers }) => String(headers['idempotency-key']));
  const byRecord = await start(httpSink<number>({ url: server.url, idempotencyKey: (number) => `number-${number}` }));
  await byRecord.write(7);
  await byRecord.snapshot(1);
  assert.equal(keys(), ['number-7']);
  server.received.length = 0;
  const make = (): Sink<number> => httpSink<number>({ url: server.url, requestsMax: 1, idempotencyKey: 'position' });
  const first = await start(make());
  await first.write(1);
  const state = await first.snapshot(1);
  await first.write(2, 3);
  await first.snapshot(2);
  const restored = { attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) };
  const second = await start(make(), restored);
  await second.write(2, 3);
  await second.snapshot(3);
  assert.is(new Set(keys()).size, 3);
  assert.equal(keys().slice(1, 3), keys().slice(3));
  const rescaled = await start(make(), { ...restored, parallelism: 2 });
  await rescaled.write(9);
  await rescaled.snapshot(4);
  assert.is(new Set(keys()).size, 4);
});

test('user and password go as basic authentication, and nothing but the host is told of a URL (HR2)', async () => {
  const server = await serve();
  server.answer = (_received, response) => {
    response.statusCode = 403;
    response.end();
  };
  const url = server.url.replace('http://', 'http://me:secret-word@').concat('/hook/secret-path?key=secret-key');
  const sink = httpSink<number>({ url });
  const bench = await start(sink);
  const error = await failureOf(bench.write(1).then(() => bench.snapshot(1)));
  assert.is(server.received[0]?.headers.authorization, `Basic ${Buffer.from('me:secret-word').toString('base64')}`);
  assert.is(server.received[0]?.path, '/hook/secret-path?key=secret-key');
  assert.not.match([error.message, error.hint, error.stack, JSON.stringify([sink.name, sink.data])].join(' '), 'secret');
  await server.close();
  const unreachable = await start(httpSink<number>({ url, patience: 1 }));
  const failure = await failureOf(unreachable.write(1).then(() => unreachable.snapshot(1)));
  assert.not.match(`${failure.message} ${String(failure.stack)}`, 'secret');
  assert.match(failure.message, 'ECONNREFUSED');
});

const badRecords: readonly (readonly [what: string, options: Partial<HttpSinkOptions<number>>, code: string])[] = [
  ['an address that is none', { url: () => 'secret' }, 'SINK_BAD_URL'],
  ['an address of another protocol', { url: () => 'ftp://x/secret' }, 'SINK_BAD_URL'],
  ['a header with a line feed', { headers: () => ({ Key: 'secret\nX: y' }) }, 'SINK_BAD_HEADER'],
  ['a header without a name', { headers: () => ({ '': 'secret' }) }, 'SINK_BAD_HEADER'],
  ['a body that is no text', { encode: () => undefined as unknown as string }, 'SINK_BAD_BODY'],
  ['a key that cannot be a header', { idempotencyKey: () => 'secret\n' + String.fromCharCode(0) }, 'SINK_BAD_HEADER'],
];
for (const [what, options, code] of badRecords) {
  test(`${what} fails the job at the record (HW1)`, async () => {
    const sink = await start(httpSink<number>({ url: 'http://127.0.0.1:1', ...options }));
    const error = await failureOf(sink.write(1));
    assert.is(error.code, code);
    assert.is(error.recovery, 'fail-job');
    assert.is(error.where, 'operator under test');
    assert.not.match(error.message, 'secret');
  });
}

test('closing ends what is under way at once', async () => {
  const server = await serve();
  server.answer = () => undefined;
  const sink = await start(httpSink<number>({ url: server.url }));
  await sink.write(1);
  await eventually(5_000, () => server.underWay === 1, 'the request');
  await sink.close();
  await eventually(5_000, () => server.underWay === 0, 'its end');
  assert.equal(sink.bench.failures, []);
});

test('options that cannot work are refused when the job is built', () => {
  const url = 'http://x';
  assert.throws(
    () => httpSink({ url: 'x' }),
    (error: unknown) => error instanceof MillraceError && error.code === 'HTTP_URL_INVALID',
  );
  assert.throws(() => httpSink({ url, requestsMax: 0 }), /requestsMax/);
  assert.throws(() => httpSink({ url, timeout: 0 }), /timeout/);
  assert.throws(() => httpSink({ url, patience: 'soon' as '1 s' }), /patience/);
  assert.throws(() => httpSink({ url, batch: { recordsMax: 0 } }), /recordsMax/);
  assert.throws(() => httpSink({ url: () => url, batch: { recordsMax: 2 } }), /depend on the record/);
  assert.throws(() => httpSink({ url, idempotencyKey: 'position', batch: { recordsMax: 2 } }), /depend on the record/);
});
test.run();
