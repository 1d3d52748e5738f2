/** Sources that deliver at most once: a core NATS subject against a real server, and a TCP server's lines. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { connect } from 'nats';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { textMessages } from '../../connectors/formats/message-format.js';
import { LiveBuffer } from '../../connectors/live-buffer.js';
import { natsSubjectSource } from '../../connectors/nats/nats-subject-source.js';
import { LineCutter } from '../../connectors/socket/line-cutter.js';
import { socketTextSource, type SocketTextOptions } from '../../connectors/socket/socket-text-source.js';
import { limits } from '../../core/limits.js';
import { atMostOnceSourceContract } from '../../testing/contracts/source.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { OperatorBench } from '../../testing/operator-bench.js';
import { boundTests } from '../support/bounds.js';
import { runContract } from '../support/run-contract.js';
import { freePort, sharedNatsUrl } from '../support/servers.js';
import { recordingLogger } from '../support/silent-logger.js';
import { SourceReading } from '../support/source-reading.js';
import { eventually } from '../support/within.js';

boundTests({ testMs: 40_000 });

const files = new MemoryFileSystem();
const words = Array.from({ length: 60 }, (_, index) => `word ${index} ${['Mühle', '粉ひき', ''][index % 3]}`);
const nats = await connect({ servers: sharedNatsUrl() });
let subjects = 0;
const nameSubject = (): string => `live.${process.pid}.${subjects++}`;

runContract('source contract, at most once: a core NATS subject', atMostOnceSourceContract, async () => {
  const subject = nameSubject();
  const feed = async (): Promise<void> => {
    for (const word of [...words, 'the end']) nats.publish(`${subject}.a`, word);
    await nats.flush();
  };
  return {
    fixture: {
      files,
      clock: systemClock,
      makeSource: () => natsSubjectSource({ servers: sharedNatsUrl(), subject: `${subject}.*`, format: textMessages() }),
      expected: () => words,
      seal: async () => 'the end',
      feed,
    },
  };
});

/** A TCP server that sends what it is told to whoever is connected. */
class LineServer {
  readonly #server: Server;
  readonly sockets: Socket[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      this.sockets.push(socket);
    });
  }

  static async start(port = 0): Promise<LineServer> {
    const server = createServer();
    const started = new LineServer(server);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return started;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async send(text: string | Buffer, count = 1): Promise<void> {
    const socket = await eventually(5_000, () => this.sockets[count - 1], 'a connection');
    socket.write(text);
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const socketSource = (port: number, options: SocketTextOptions = {}) => socketTextSource('127.0.0.1', port, options);

runContract('source contract, at most once: lines of a socket', atMostOnceSourceContract, async () => {
  const server = await LineServer.start();
  let reads = 0;
  const feed = (): Promise<void> => server.send(`${words.join('\r\n')}\nthe end\n`, ++reads);
  const makeSource = () => socketSource(server.port);
  const fixture = { files, clock: systemClock, makeSource, expected: () => words, seal: async () => 'the end', feed };
  return { fixture, dispose: () => server.stop() };
});

const subject = suite('NATS subject source');

subject('two readers share the messages, each comes to one of them (NU2); the log says that they come at most once (NU1)', async () => {
  const name = nameSubject();
  const source = natsSubjectSource({ servers: sharedNatsUrl(), subject: name, format: textMessages() });
  const readings = [new SourceReading(source), new SourceReading(source)];
  const splits = await (readings[0] as SourceReading).splits(2);
  assert.is(splits.length, 2);
  for (const [index, reading] of readings.entries()) await reading.start(undefined, splits[index]);
  for (let n = 0; n < 200; n++) nats.publish(name, String(n));
  await nats.flush();
  const reads = readings.map((reading) => reading.until(201).catch(() => reading.records));
  await eventually(10_000, () => readings.reduce((sum, { records }) => sum + records.length, 0) >= 200, 'all messages');
  for (const reading of readings) assert.ok(reading.records.length > 20, `${reading.records.length} came to one reader`);
  const all = readings.flatMap(({ records }) => records.map(Number)).sort((left, right) => left - right);
  assert.equal(
    all,
    Array.from({ length: 200 }, (_, n) => n),
  );
  for (const reading of readings) await reading.close();
  void reads;
});

subject('what comes faster than it is taken is dropped past the bound, and counted (NU3, LB1)', () => {
  const { logger, lines } = recordingLogger();
  const clock = new ManualClock();
  const { context } = new OperatorBench({ files, clock });
  const buffer = new LiveBuffer<number>({ context: { clock, logger, metrics: context.metrics }, sourceName: 'live', messagesMax: 3 });
  const taken = [1, 2, 3, 4, 5].map((n) => buffer.push(n, 10));
  assert.equal(taken, [true, true, true, false, false]);
  assert.is(context.metrics.counter('messagesDropped').count, 2);
  assert.is(lines.length, 1, 'not a line a message');
  assert.is(buffer.shift(), 1);
  assert.ok(buffer.push(6, 10));
  clock.advance(limits.messageCheckMs);
  buffer.push(7, 10);
  assert.is(lines.at(-1)?.fields['dropped'], 3);
  assert.equal([buffer.shift(), buffer.shift(), buffer.shift(), buffer.shift()], [2, 3, 6, undefined]);
  assert.ok(buffer.push(8, limits.liveBytesMax + 1), 'one message is taken however large it is');
  assert.not(buffer.push(9, 1));
});

subject('a buffer hands out what it took, in order, through a long backlog (LB1)', () => {
  const { context } = new OperatorBench({ files });
  const buffer = new LiveBuffer<number>({ context, sourceName: 'live', messagesMax: 10_000 });
  let [next, expected] = [0, 0];
  for (let round = 0; round < 40; round++) {
    for (let n = 0; n < 900; n++) assert.ok(buffer.push(next++, 1));
    for (let n = 0; n < 700; n++) assert.is(buffer.shift(), expected++);
  }
  while (buffer.length > 0) assert.is(buffer.shift(), expected++);
  assert.is(expected, next);
});

subject('options that make no sense are refused when the job is built', () => {
  const base = { servers: sharedNatsUrl(), format: textMessages() };
  assert.throws(() => natsSubjectSource({ ...base, subject: 'a..b' }), /not a subject/);
  assert.throws(() => natsSubjectSource({ ...base, subject: 'a', queue: 'a b' }), /queue group/);
  assert.throws(() => natsSubjectSource({ ...base, subject: 'a', messagesMax: 0 }), /messagesMax/);
});
subject.after(() => nats.close());
subject.run();

const socket = suite('socket source');

socket('when the server closes, the source ends, with the last line though it has no end (ST3)', async () => {
  const server = await LineServer.start();
  const reading = new SourceReading(socketSource(server.port));
  await reading.start();
  await server.send('one\ntw');
  await reading.until(1);
  server.sockets[0]?.end('o\nthree');
  assert.equal(await reading.until(4), ['one', 'two', 'three']);
  assert.ok(reading.isFinished);
  await reading.close();
  await server.stop();
});

socket('it connects again as often as it may, and fails when it may no more', async () => {
  const server = await LineServer.start();
  const { port } = server;
  const reading = new SourceReading(socketSource(port, { retriesMax: 2, retryDelay: '10 ms' }));
  await reading.start();
  await server.send('one\n');
  await reading.until(1);
  server.sockets[0]?.destroy();
  await server.send('two\n', 2);
  assert.equal(await reading.until(2), ['one', 'two']);
  await server.stop();
  await reading.until(3);
  assert.is(reading.failure?.code, 'SOCKET_UNREACHABLE');
  assert.match(reading.failure?.message ?? '', `127.0.0.1:${port}`);
  await reading.close();
  const nobody = new SourceReading(socketSource(await freePort()));
  await nobody.start();
  await nobody.until(1);
  assert.is(nobody.failure?.code, 'SOCKET_UNREACHABLE');
});

socket('a server that is faster than the job is held back (ST2)', async () => {
  const server = await LineServer.start();
  const reading = new SourceReading(socketSource(server.port));
  await reading.start();
  const line = `${'x'.repeat(65_535)}\n`;
  const connection = await eventually(5_000, () => server.sockets[0], 'a connection');
  let written = 0;
  const sending = (async () => {
    for (; written < 1_000; written++) await new Promise<void>((resolve) => void connection.write(line, () => resolve()));
  })();
  let [before, looks] = [0, 0];
  const isStill = (): boolean => {
    looks = written === before ? looks + 1 : 0;
    before = written;
    return looks >= 20;
  };
  await eventually(10_000, isStill, 'the server to get rid of no more');
  assert.ok(written < 600, `${written} lines of 64 KiB were taken`);
  assert.is((await reading.until(1_000)).length, 1_000);
  await sending;
  await reading.close();
  await server.stop();
});

socket('lines that are not UTF-8 or too long fail', async () => {
  for (const [bytes, message] of [
    [Buffer.from([0x61, 0xff, 0x0a]), /not UTF-8/],
    [Buffer.alloc(300, 0x61), /longer than 100 bytes/],
  ] as const) {
    const server = await LineServer.start();
    const reading = new SourceReading(socketSource(server.port, { lineBytesMax: 100 }));
    await reading.start();
    await server.send(bytes);
    await reading.until(1);
    assert.is(reading.failure?.code, 'SOURCE_MALFORMED');
    assert.match(reading.failure?.message ?? '', message);
    await reading.close();
    await server.stop();
  }
});

socket('lines are the same however they are cut into pieces, with any delimiter', () => {
  for (const [delimiter, text, expected] of [
    ['\n', 'a\r\nbb\n\n漢\nlast', ['a', 'bb', '', '漢', 'last']],
    ['||', 'a|b||c|||d', ['a|b', 'c', '|d']],
    ['aab', 'xaabaaaabb', ['x', 'aa', 'b']],
  ] as const) {
    const bytes = Buffer.from(text);
    for (let size = 1; size <= bytes.length; size++) {
      const cutter = new LineCutter(delimiter);
      for (let at = 0; at < bytes.length; at += size) cutter.push(bytes.subarray(at, at + size));
      cutter.end();
      const lines: string[] = [];
      for (let line = cutter.shift(); line !== undefined; line = cutter.shift()) lines.push(String(line));
      assert.equal(lines, expected, `${JSON.stringify(text)} in pieces of ${size}`);
      assert.is(cutter.bytes, 0);
    }
  }
});

socket('options that make no sense are refused when the job is built', async () => {
  assert.throws(() => socketTextSource('', 1), /not the address/);
  assert.throws(() => socketTextSource('host', 0), /not the address/);
  assert.throws(() => socketTextSource('host', 1, { delimiter: '' }), /delimiter/);
  assert.throws(() => socketTextSource('host', 1, { retriesMax: -1 }), /retriesMax/);
  assert.throws(() => socketTextSource('host', 1, { retryDelay: 'soon' as '1 s' }), /retryDelay/);
});
socket.run();
