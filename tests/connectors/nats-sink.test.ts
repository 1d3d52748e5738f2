/** The core NATS sink against a real nats-server. */
import type { Msg } from 'nats';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { natsSink, type NatsSinkOptions } from '../../connectors/nats/nats-sink.js';
import { limits } from '../../core/limits.js';
import { MillraceError } from '../../core/errors.js';
import type { Sink } from '../../dataflow/contracts.js';
import { atLeastOnceSinkContract } from '../../testing/contracts/at-least-once-sink.js';
import { SinkBench } from '../../testing/contracts/sink.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { CutProxy } from '../support/cut-proxy.js';
import { failureOf } from '../support/failure-of.js';
import { runContract } from '../support/run-contract.js';
import { natsUrl, startOwnNats } from '../support/servers.js';
import { connectTo } from '../support/stream-content.js';
import { eventually } from '../support/within.js';

const server = await startOwnNats();
const connection = await connectTo(server.port);
const test = suite('NATS sink');

let subjects = 0;
const newSubject = (): string => `numbers-${subjects++}`;

const open: SinkBench<never>[] = [];
async function start<T>(options: Omit<NatsSinkOptions<T>, 'servers'> & Partial<NatsSinkOptions<T>>): Promise<SinkBench<T>> {
  const sink = natsSink<T>({ servers: natsUrl(server), ...options });
  const bench = new SinkBench(sink, { files: new MemoryFileSystem(), clock: systemClock });
  open.push(bench as SinkBench<never>);
  return bench.open();
}
test.after.each(async () => {
  for (const bench of open.splice(0)) await bench.close();
});

async function listen(subject: string): Promise<Msg[]> {
  const received: Msg[] = [];
  connection.subscribe(subject, { callback: (_error, message) => void received.push(message) });
  await connection.flush();
  return received;
}

runContract('at-least-once sink contract: core NATS, for those who listen and while nothing is lost', atLeastOnceSinkContract, async () => {
  const subject = newSubject();
  const received = await listen(subject);
  return {
    fixture: {
      files: new MemoryFileSystem(),
      clock: systemClock,
      makeSink: () => natsSink<number>({ servers: natsUrl(server), subject }) as Sink<unknown>,
      record: (number: number) => number,
      visible: async () => {
        await connection.flush();
        return received.map((message) => Number(message.string()));
      },
      isOrdered: true,
    },
  };
});

test('what was published before a barrier is with the server when the barrier passes (NS1)', async () => {
  const subject = newSubject();
  const received = await listen(`${subject}.>`);
  const sink = await start<number>({ subject: (number) => `${subject}.${number}`, headers: (number) => ({ Kind: `k${number}` }) });
  await sink.write(1, 2);
  await sink.snapshot(1);
  await connection.flush();
  assert.equal(
    received.map((message) => [message.subject, message.string(), message.headers?.get('Kind')]),
    [
      [`${subject}.1`, '1', 'k1'],
      [`${subject}.2`, '2', 'k2'],
    ],
  );
});

test('a message that is lost with its connection fails the attempt, though the connection is back (NS1)', async () => {
  const subject = newSubject();
  const received = await listen(subject);
  const proxy = await CutProxy.start('nats', server.port);
  const sink = await start<number>({ servers: `nats://127.0.0.1:${proxy.port}`, subject });
  await sink.write(1);
  await sink.snapshot(1);
  proxy.cutAt(1, 'lost');
  await sink.write(2);
  await eventually(10_000, () => proxy.connections === 2, 'a second connection');
  const error = await failureOf(sink.snapshot(2));
  assert.is(error.code, 'NATS_UNREACHABLE');
  assert.is(error.recovery, 'restart-job');
  await connection.flush();
  assert.equal(
    received.map((message) => message.string()),
    ['1'],
  );
  await sink.close();
  await proxy.close();
});

test('a connection that broke with nothing on its way is no failure (NS1)', async () => {
  const subject = newSubject();
  const received = await listen(subject);
  const proxy = await CutProxy.start('nats', server.port);
  const quiet = await start<number>({ servers: `nats://127.0.0.1:${proxy.port}`, subject });
  const other = await start<number>({ servers: `nats://127.0.0.1:${proxy.port}`, subject: newSubject() });
  await quiet.write(1);
  await quiet.snapshot(1);
  proxy.cutAt(1, 'lost');
  await other.write(1);
  await eventually(10_000, () => proxy.connections === 4, 'two more connections');
  await quiet.snapshot(2);
  await quiet.write(2);
  await quiet.snapshot(3);
  await connection.flush();
  assert.equal(
    received.map((message) => message.string()),
    ['1', '2'],
  );
  await quiet.close();
  await other.close();
  await proxy.close();
});

test('at the end of input everything is with the server', async () => {
  const subject = newSubject();
  const received = await listen(subject);
  const sink = await start<number>({ subject, encode: (number) => Uint8Array.of(number) });
  await sink.write(1, 2);
  await sink.finish();
  await eventually(5_000, () => received.length === 2, 'two messages');
  assert.equal([...(received[1]?.data ?? [])], [2]);
});

test('the input waits while more than the window is on its way (NS2)', async () => {
  const subject = newSubject();
  const received = await listen(subject);
  const sink = natsSink<string>({ servers: natsUrl(server), subject, encode: (text) => text });
  const { OperatorBench } = await import('../../testing/operator-bench.js');
  const bench = new OperatorBench({ files: new MemoryFileSystem(), clock: systemClock });
  const writer = sink.createWriter();
  const write = writer.bind(assert.unreachable, bench.context);
  await writer.open?.(bench.context);
  const text = 'x'.repeat(100_000);
  let written = 0;
  while (!bench.isParked) {
    write(text, 0);
    written += 1;
    assert.ok(written * text.length < 2 * limits.sinkPublishWindowBytes, 'never held back');
  }
  await bench.settle();
  await eventually(5_000, () => received.length === written, 'all messages');
  await writer.close?.();
});

const badRecords: readonly (readonly [what: string, options: Partial<NatsSinkOptions<number>>, code: string])[] = [
  ['a subject with a wildcard', { subject: () => 'a.>' }, 'SINK_BAD_SUBJECT'],
  ['no subject', { subject: () => undefined as unknown as string }, 'SINK_BAD_SUBJECT'],
  ['a payload the server does not take', { encode: () => new Uint8Array(2 * 1024 * 1024) }, 'SINK_MESSAGE_TOO_LARGE'],
  ['neither text nor bytes', { encode: () => undefined as unknown as string }, 'SINK_BAD_PAYLOAD'],
  ['a header without a name', { headers: () => ({ '': 'x' }) }, 'SINK_BAD_HEADER'],
];
for (const [what, options, code] of badRecords) {
  test(`${what} fails the job at the record`, async () => {
    const sink = await start<number>({ subject: 'numbers', ...options });
    const error = await sink.write(1).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.instance(error, MillraceError);
    assert.is((error as MillraceError).code, code);
    assert.is((error as MillraceError).recovery, 'fail-job');
  });
}

test('what cannot work is refused when the job is built, and a password is in no plan', () => {
  assert.throws(() => natsSink({ servers: natsUrl(server), subject: 'a b' }), /not a subject/);
  const sink = natsSink({ servers: 'nats://me:secret@x', subject: 'a' });
  assert.not.match(JSON.stringify([sink.name, sink.data]), 'secret');
});

test.after(async () => {
  await connection.close();
  await server.dispose();
});
test.run();
