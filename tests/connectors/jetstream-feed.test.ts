/** How the feed of a JetStream stream finds out what was lost on the way, against a server that the test plays. */
import type { ConsumerConfig, Msg, NatsConnection } from 'nats';
import * as nats from 'nats';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { JetStreamFeed, type JetStreamFeedOptions } from '../../connectors/nats/jetstream-feed.js';
import type { JetStreamSession } from '../../connectors/nats/jetstream-session.js';
import type { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { silentLogger } from '../support/silent-logger.js';

const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

class Room {
  readonly clock = new ManualClock();
  /** Start sequences of the consumers that were made. */
  readonly starts: (number | undefined)[] = [];
  /** Messages asked for, a request at a time. */
  readonly pulls: number[] = [];
  failure: MillraceError | undefined;
  /** What the server says of the stream and the consumer. */
  stream = { first_seq: 1, last_seq: 100 };
  consumer = { num_pending: 50, num_waiting: 1, delivered: { consumer_seq: 0 } };
  readonly feed: JetStreamFeed;
  #deliver: ((message: Msg) => void) | undefined;
  #delivered = 0;

  constructor(options: Partial<JetStreamFeedOptions> = {}) {
    const connection = {
      subscribe: (_inbox: string, { callback }: { callback: (error: null, message: Msg) => void }) => {
        this.#deliver = (message) => callback(null, message);
        this.#delivered = 0;
        return { unsubscribe: () => undefined };
      },
      publish: (_subject: string, request: string) => void this.pulls.push((JSON.parse(request) as { batch: number }).batch),
      isClosed: () => false,
    } as unknown as NatsConnection;
    const manager = {
      streams: { info: async () => ({ config: { retention: 'limits' }, state: this.stream }) },
      consumers: {
        add: async (_stream: string, config: ConsumerConfig) => {
          this.starts.push(config.opt_start_seq);
          return { num_pending: this.consumer.num_pending };
        },
        info: async () => this.consumer,
        delete: async () => true,
      },
    };
    const session = { nats, connection, manager, name: 'source', clock: this.clock, onReconnect: () => () => undefined };
    this.feed = new JetStreamFeed({
      session: session as unknown as JetStreamSession,
      stream: 'S',
      filter: undefined,
      from: 1,
      isFresh: true,
      until: undefined,
      trimmed: 'fail',
      logger: silentLogger,
      signals: { wake: () => undefined, fail: (error) => void (this.failure ??= error as MillraceError) },
      ...options,
    });
  }

  async open(): Promise<this> {
    await this.feed.open();
    return this;
  }

  /** Delivers a message of the stream, with the server's count of deliveries. */
  deliver(sequence: number, { skipped = 0, pending = 1 } = {}): void {
    this.#delivered += 1 + skipped;
    this.consumer.delivered = { consumer_seq: this.#delivered };
    this.#deliver?.({
      subject: 's',
      data: Buffer.from(String(sequence)),
      reply: `$JS.ACK.S.c.1.${sequence}.${this.#delivered}.1700000000123000000.${pending}`,
    } as unknown as Msg);
  }

  taken(): number[] {
    const sequences: number[] = [];
    for (let message = this.feed.take(); message !== undefined; message = this.feed.take()) sequences.push(message.sequence);
    return sequences;
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    for (let turn = 0; turn < 5; turn++) await settle();
  }
}

const test = suite('JetStream feed');

test('a delivery that did not come is noticed by the next one: another consumer starts behind what came (SF1)', async () => {
  const room = await new Room().open();
  room.deliver(1);
  room.deliver(2);
  room.deliver(4, { skipped: 1 });
  assert.equal(room.taken(), [1, 2], 'what came behind the gap is not taken');
  await room.pass(1_000);
  assert.equal(room.starts, [1, 3]);
  for (const sequence of [3, 4, 5]) room.deliver(sequence);
  assert.equal(room.taken(), [3, 4, 5]);
  await room.feed.close();
});

test('a last delivery that did not come is noticed when two checks find the same (SF1)', async () => {
  const room = await new Room().open();
  room.deliver(1);
  room.consumer.delivered = { consumer_seq: 2 };
  await room.pass(limits.messageCheckMs);
  assert.equal(room.starts, [1], 'it may be on its way');
  await room.pass(limits.messageCheckMs);
  await room.pass(1_000);
  assert.equal(room.starts, [1, 2]);
  await room.feed.close();
});

test('a request that the server does not have any more is made again', async () => {
  const room = await new Room().open();
  assert.is(room.pulls.length, 1);
  room.consumer.num_waiting = 0;
  await room.pass(limits.messageCheckMs);
  assert.is(room.pulls.length, 2);
  await room.feed.close();
});

test('the position moves on when everything was seen, and only then (SF3)', async () => {
  const room = await new Room({ filter: 's' }).open();
  room.deliver(7);
  assert.equal(room.taken(), [7]);
  await room.pass(limits.messageCheckMs);
  assert.is(room.feed.position, 7, 'messages are pending');
  room.consumer.num_pending = 0;
  room.stream = { first_seq: 1, last_seq: 4_000 };
  room.consumer.delivered = { consumer_seq: 2 };
  await room.pass(limits.messageCheckMs);
  assert.is(room.feed.position, 7, 'a delivery is on its way');
  room.consumer.delivered = { consumer_seq: 1 };
  await room.pass(limits.messageCheckMs);
  assert.is(room.feed.position, 4_000);
  await room.feed.close();
});

test('the position of messages that were not taken yet is behind the last that was (SF3)', async () => {
  const room = await new Room().open();
  for (const sequence of [1, 2, 3]) room.deliver(sequence, { pending: 0 });
  assert.is(room.feed.take()?.sequence, 1);
  assert.is(room.feed.position, 1);
  assert.equal(room.taken(), [2, 3]);
  assert.is(room.feed.position, 3);
  await room.feed.close();
});

test('with a filter, messages that were removed while some still wait count as a gap (SF2)', async () => {
  for (const trimmed of ['fail', 'skip'] as const) {
    const room = await new Room({ filter: 's', trimmed }).open();
    room.deliver(7);
    room.stream = { first_seq: 50, last_seq: 100 };
    await room.pass(limits.messageCheckMs);
    assert.is(room.failure?.code, trimmed === 'fail' ? 'NATS_STREAM_TRIMMED' : undefined);
    if (trimmed === 'fail') assert.match(room.failure?.message ?? '', 'S (s) has removed messages 8 to 49');
    await room.feed.close();
  }
});

test('of a whole stream, what follows a jump is not taken before it is known to be no gap (SF2)', async () => {
  const room = await new Room().open();
  room.deliver(1);
  room.deliver(5);
  room.deliver(9);
  assert.equal(room.taken(), [1]);
  await settle();
  await settle();
  assert.equal(room.taken(), [5, 9], 'the first sequence is still 1: the others were deleted one by one');
  room.stream = { first_seq: 15, last_seq: 100 };
  room.deliver(15);
  await settle();
  await settle();
  assert.is(room.failure?.code, 'NATS_STREAM_TRIMMED');
  assert.equal(room.taken(), []);
  await room.feed.close();
});

test('no more is asked for than may be ahead (SF4)', async () => {
  const room = await new Room().open();
  const ahead = limits.messagesAheadMax;
  assert.equal(room.pulls, [ahead]);
  for (let sequence = 1; sequence <= ahead; sequence++) room.deliver(sequence);
  assert.equal(room.pulls, [ahead], 'the messages that wait count');
  for (let taken = 0; taken < ahead / 2; taken++) room.feed.take();
  assert.equal(room.pulls, [ahead, ahead / 2]);
  await room.feed.close();
});
test.run();
