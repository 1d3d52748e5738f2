/** One channel over a bus that loses, repeats and delays: credit, order, loss. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ChannelId, CheckpointId } from '../../core/ids.js';
import type { MillraceError } from '../../core/errors.js';
import { OutputPressure } from '../../dataflow/channels/channel-owner.js';
import { ChannelNetwork } from '../../dataflow/channels/channel-network.js';
import type { InputChannel } from '../../dataflow/channels/input-channel.js';
import type { OutputChannel, RecordOutput } from '../../dataflow/channels/output-channel.js';
import { createColumnarCodec } from '../../dataflow/columnar/columnar-codec.js';
import { noTimestamp } from '../../dataflow/contracts.js';
import { LossyBusRoom } from '../../testing/lossy-bus.js';
import type { SeededRandom } from '../../testing/simulator/seeded-random.js';
import { Simulation, type SimulatedProcess } from '../../testing/simulator/simulation.js';

const channelId = 'edge~producer_0_1_0~consumer_0_1_0' as ChannelId;
const producerSlot = { taskManagerId: 'tm-1', slot: 0 };
const consumerSlot = { taskManagerId: 'tm-2', slot: 0 };
const beatMs = 500;
const codec = createColumnarCodec();

interface PairOptions {
  readonly seed: number;
  readonly credit: number;
  readonly faults?: { drop: number; duplicate: number };
  readonly isLocal?: boolean;
}

/** Both ends of one channel. */
class ChannelPair {
  readonly world: Simulation;
  readonly room: LossyBusRoom;
  readonly random: SeededRandom;
  readonly pressure = new OutputPressure();
  readonly received: string[] = [];
  readonly sender: RecordOutput & OutputChannel;
  readonly receiver: InputChannel;
  readonly producer: SimulatedProcess;
  readonly consumer: SimulatedProcess;
  failure: unknown;
  failedAt = 0;
  isHolding = false;

  constructor(options: PairOptions) {
    this.world = new Simulation({ seed: options.seed });
    this.random = this.world.random.fork();
    const faults = options.faults;
    this.room = new LossyBusRoom({
      world: this.world,
      random: this.random.fork(),
      delayMs: 20,
      ...(faults === undefined ? {} : { faults }),
    });
    this.producer = this.world.process('producer');
    this.consumer = options.isLocal === true ? this.producer : this.world.process('consumer');
    const sending = this.#network(this.producer, producerSlot, options.credit);
    const receiving = options.isLocal === true ? sending : this.#network(this.consumer, consumerSlot, options.credit);
    const fail = (error: unknown): void => {
      this.failure ??= error;
      this.failedAt = this.world.nowMs;
    };
    const peer = options.isLocal === true ? producerSlot : consumerSlot;
    this.receiver = receiving.openInput({ channelId, peer: producerSlot, index: 0, listener: { onArrival: () => {}, fail } });
    const owner = { wake: () => {}, fail };
    this.sender = sending.openOutput({
      channelId,
      peer,
      owner,
      pressure: this.pressure,
      isObjectReuse: false,
      operatorName: 'words',
    }) as RecordOutput & OutputChannel;
  }

  /** Takes the next element, if there is one; a batch stays held until the next call. */
  take(): void {
    if (this.isHolding) this.receiver.release();
    this.isHolding = false;
    const element = this.receiver.poll();
    if (element === undefined) return;
    if (element.kind === 'data' || element.kind === 'encoded') {
      this.isHolding = true;
      const batch = element.kind === 'data' ? element : codec.decodeBatch(element.payload, element.bodyOffset);
      this.received.push(...batch.values.map(String));
    } else if (element.kind === 'barrier') this.received.push(`barrier ${element.checkpointId}`);
    else this.received.push(element.kind);
  }

  /** D2 and S2, as far as both ends can be seen at one moment. */
  checkCredit(credit: number): void {
    const sent = this.sender.credit;
    const taken = this.receiver.credit;
    assert.ok(sent.sent <= sent.granted, `sent ${sent.sent} of ${sent.granted} granted (S2)`);
    assert.ok(sent.granted <= taken.granted, 'the sender believes in more credit than was given');
    assert.ok(taken.held <= credit, `${taken.held} frames held with a credit of ${credit} (D2)`);
  }

  #network(
    process: SimulatedProcess,
    location: { readonly taskManagerId: string; readonly slot: number },
    creditFrames: number,
  ): ChannelNetwork {
    return new ChannelNetwork({
      location,
      bus: this.room.connect(process),
      dataSubject: ({ taskManagerId, slot }) => `data.${taskManagerId}.${slot}`,
      clock: process.clock,
      logger: process.logger,
      creditFrames,
      beatMs,
    });
  }
}

/** Sends numbered records and barriers at random; the consumer is slow at random. Stops when all is through or the channel failed. */
async function converse(pair: ChannelPair, credit: number): Promise<string[]> {
  const { world, random, sender } = pair;
  const sent: string[] = [];
  let next = 0;
  let barriers = 0;
  const act = (): void => {
    const what = random.next();
    if (sent.length < 250) {
      if (what < 0.8 && pair.pressure.fullChannels === 0) {
        const text = `${next}:${'x'.repeat(random.between(0, 6_000))}`;
        next += 1;
        sender.add(text, noTimestamp);
        sent.push(text);
      } else if (what < 0.85) {
        barriers += 1;
        sender.sendEvent({ kind: 'barrier', checkpointId: barriers as CheckpointId, triggeredAt: 0, isFinal: false });
        sent.push(`barrier ${barriers}`);
      } else sender.flush();
    } else if (sent.at(-1) !== 'end-of-partition') {
      sender.sendEvent({ kind: 'end-of-partition' });
      sent.push('end-of-partition');
    }
    if (random.chance(0.5)) pair.take();
    pair.checkCredit(credit);
    world.schedule(random.next() * 8, 'act', act);
  };
  act();
  await world.runUntil(
    () => pair.failure !== undefined || (pair.received.at(-1) === 'end-of-partition' && sender.isAcknowledged()),
    120_000,
  );
  return sent;
}

const isPrefix = (part: readonly string[], whole: readonly string[]): boolean => part.every((text, index) => text === whole[index]);

const test = suite('channel');

test('without faults everything arrives once, in order, within credit, over the bus and within a slot (S2, S3, D1, D2)', async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const credit = 1 + (seed % 8);
    const pair = new ChannelPair({ seed, credit, isLocal: seed % 3 === 0 });
    const sent = await converse(pair, credit);
    assert.is(pair.failure, undefined);
    assert.equal(pair.received, sent, `seed ${seed}`);
  }
});

test('duplicates are dropped and counted (D1)', async () => {
  let duplicates = 0;
  for (let seed = 1; seed <= 10; seed += 1) {
    const pair = new ChannelPair({ seed, credit: 4, faults: { drop: 0, duplicate: 0.3 } });
    const sent = await converse(pair, 4);
    assert.is(pair.failure, undefined);
    assert.equal(pair.received, sent, `seed ${seed}`);
    duplicates += pair.receiver.duplicates;
  }
  assert.ok(duplicates > 100, `${duplicates} duplicates came`);
});

test('with losses the consumer sees a prefix, and the channel fails or everything arrived: never a hang, never a hole (D1, D3)', async () => {
  const failures = new Map<string, number>();
  for (let seed = 1; seed <= 30; seed += 1) {
    const pair = new ChannelPair({ seed, credit: 1 + (seed % 8), faults: { drop: 0.01, duplicate: 0.05 } });
    const sent = await converse(pair, 1 + (seed % 8));
    assert.ok(isPrefix(pair.received, sent), `seed ${seed}: what was received is no prefix of what was sent`);
    if (pair.failure === undefined) assert.is(pair.received.length, sent.length, `seed ${seed}`);
    else failures.set((pair.failure as MillraceError).code, (failures.get((pair.failure as MillraceError).code) ?? 0) + 1);
  }
  assert.ok((failures.get('CHANNEL_GAP') ?? 0) > 0, 'no gap was seen: the test shows nothing');
});

test('a lost tail is noticed within two beats after it was sent (D3)', async () => {
  const faults = { drop: 0, duplicate: 0 };
  const pair = new ChannelPair({ seed: 5, credit: 4, faults });
  const { world, sender } = pair;
  await world.runUntil(() => sender.isOpen, 100);
  sender.add('kept', noTimestamp);
  sender.flush();
  await world.runUntil(() => pair.receiver.receivedUpTo === 1, 100);
  faults.drop = 1;
  sender.add('lost', noTimestamp);
  sender.flush();
  faults.drop = 0;
  const lostAt = world.nowMs;
  await world.runUntil(() => pair.failure !== undefined, 5_000);
  assert.is((pair.failure as MillraceError).code, 'CHANNEL_LOSS');
  assert.ok(pair.failedAt - lostAt <= 2 * beatMs + 20, `noticed after ${pair.failedAt - lostAt} ms`);
});

test('nothing is sent before the receiver opened the channel, and a lost first grant is healed by the next beat (S1, D4)', async () => {
  const faults = { drop: 1, duplicate: 0 };
  const pair = new ChannelPair({ seed: 6, credit: 2, faults });
  const { world, sender } = pair;
  sender.add('early', noTimestamp);
  sender.sendEvent({ kind: 'watermark', time: 1 });
  assert.is(sender.sentUpTo, 0);
  assert.not(sender.isOpen);
  faults.drop = 0;
  await world.runUntil(() => pair.receiver.receivedUpTo === 2, beatMs + 100);
  assert.is(pair.receiver.duplicates, 0);
});

test('events cost no credit, but stay behind the records before them (S2, S3)', async () => {
  const pair = new ChannelPair({ seed: 7, credit: 1 });
  const { world, sender } = pair;
  await world.runUntil(() => sender.isOpen, 100);
  const large = 'y'.repeat(20_000);
  sender.add(large, noTimestamp);
  for (let time = 1; time <= 50; time += 1) sender.sendEvent({ kind: 'watermark', time });
  assert.is(sender.sentUpTo, 51, 'one data frame and 50 events with a credit of 1');
  sender.add(large, noTimestamp);
  sender.sendEvent({ kind: 'watermark', time: 99 });
  assert.is(sender.sentUpTo, 51, 'the second data frame waits, and the event behind it too');
  assert.is(pair.pressure.fullChannels, 1);
});

test('collecting past the overdraft fails and says to return an iterable (S4)', () => {
  const pair = new ChannelPair({ seed: 8, credit: 1 });
  const record = 'z'.repeat(100_000);
  let added = 0;
  try {
    for (; added < 1_000; added += 1) pair.sender.add(record, noTimestamp);
    assert.unreachable('100 MB were taken');
  } catch (error) {
    assert.is((error as MillraceError).code, 'OUTPUT_OVERDRAFT');
    assert.match((error as MillraceError).hint ?? '', 'Return an iterable');
  }
  assert.ok(added * record.length >= 4 * 1024 * 1024 && added * record.length < 5 * 1024 * 1024, `${added} records`);
});

test('a record larger than the bus carries is refused, naming its size and the limit', () => {
  const pair = new ChannelPair({ seed: 9, credit: 1 });
  try {
    pair.sender.add('w'.repeat(2 * 1024 * 1024), noTimestamp);
    assert.unreachable('2 MiB were taken');
  } catch (error) {
    assert.is((error as MillraceError).code, 'RECORD_TOO_LARGE');
    assert.match((error as MillraceError).message, /2097157 bytes/);
  }
});

test('a sender whose receiver ended without a last word ends too', async () => {
  const faults = { drop: 0, duplicate: 0 };
  const pair = new ChannelPair({ seed: 10, credit: 1, faults });
  await pair.world.runUntil(() => pair.sender.isOpen, 100);
  pair.sender.sendEvent({ kind: 'end-of-partition' });
  faults.drop = 1;
  assert.not(pair.sender.isAcknowledged());
  await pair.world.runUntil(() => pair.sender.isAcknowledged(), 30 * beatMs);
});

test('what a slot grants over the bus stays within its share, but never below one frame a channel (N4)', () => {
  const world = new Simulation({ seed: 1 });
  const room = new LossyBusRoom({ world, random: world.random.fork() });
  const process = world.process('consumer');
  const grantBytesMax = 20 * 16 * 1024;
  const network = new ChannelNetwork({
    location: consumerSlot,
    bus: room.connect(process),
    dataSubject: ({ taskManagerId, slot }) => `data.${taskManagerId}.${slot}`,
    clock: process.clock,
    logger: process.logger,
    grantBytesMax,
  });
  const listener = { onArrival: () => {}, fail: () => {} };
  const grantsWith = (count: number): number[] => {
    const ids = Array.from({ length: count }, (_, index) => `edge~a_${index}_1_0~b_0_1_0` as ChannelId);
    const channels = ids.map((id, index) => network.openInput({ channelId: id, peer: producerSlot, index, listener }));
    // What was granted to the first before the others came stays; from then on the share holds.
    const last = channels.map((channel) => channel.credit.granted);
    for (const id of ids) network.closeInput(id, false);
    return last;
  };
  assert.is(grantsWith(2).at(-1), 8);
  assert.is(grantsWith(5).at(-1), 4);
  assert.is(grantsWith(40).at(-1), 1);
});

test.run();
