/** One channel over a bus that loses, repeats and delays: credit, order, loss. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CheckpointId } from '../../core/ids.js';
import type { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { noTimestamp } from '../../dataflow/contracts.js';
import { beatMs, ChannelPair } from '../support/channel-pair.js';

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
        const text = `${next}:${'x'.repeat(random.chance(0.03) ? random.between(30_000, 200_000) : random.between(0, 6_000))}`;
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

/** Lets virtual time pass. */
async function pass({ world }: ChannelPair, ms: number): Promise<void> {
  let isOver = false;
  world.schedule(ms, 'time passed', () => (isOver = true));
  await world.runUntil(() => isOver, world.nowMs + ms);
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

test('while the connection is congested nothing numbered leaves, and all of it in order when it is over (S6)', async () => {
  const pair = new ChannelPair({ seed: 1, credit: 8 });
  const settle = (): Promise<void> => pass(pair, 200);
  await settle();
  pair.congest(true);
  pair.sender.sendEvent({ kind: 'watermark', time: 1 });
  pair.sender.add('late', noTimestamp);
  pair.sender.flush();
  pair.sender.sendEvent({ kind: 'end-of-data' });
  await settle();
  assert.is(pair.sender.sentUpTo, 0);
  assert.is(pair.pressure.fullChannels, 1, 'the task is held back');
  pair.congest(false);
  await settle();
  for (let taken = 0; taken < 3; taken += 1) pair.take();
  assert.equal(pair.received, ['watermark', 'late', 'end-of-data']);
  assert.is(pair.pressure.fullChannels, 0);
});

test('a sender that cannot send does not take silence for the end of its receiver (S5, S6)', async () => {
  const pair = new ChannelPair({ seed: 1, credit: 8 });
  await pass(pair, 200);
  pair.room.isCut = true;
  pair.sender.sendEvent({ kind: 'end-of-partition' });
  pair.congest(true);
  await pass(pair, 60 * beatMs);
  assert.not(pair.sender.isAcknowledged());
  pair.congest(false);
  await pass(pair, 60 * beatMs);
  assert.ok(pair.sender.isAcknowledged(), 'a receiver that is silent for so long after all was sent is gone');
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

test('a record larger than the largest frame is refused, naming its operator, its size and the limit', () => {
  const pair = new ChannelPair({ seed: 9, credit: 1 });
  try {
    pair.sender.add('w'.repeat(limits.frameBytesMax), noTimestamp);
    assert.unreachable('64 MiB and more were taken');
  } catch (error) {
    const { code, message, where } = error as MillraceError;
    assert.is(code, 'RECORD_TOO_LARGE');
    assert.match(message, /takes 67108869 bytes; the largest frame holds 671\d+\./);
    assert.is(where, 'words');
  }
});

test('a record of any size crosses with a credit of one, in messages that the bus carries, and no event comes between its pieces (S3, D5)', async () => {
  for (const payloadBytesMax of [1_024, 8_192, 1_048_576]) {
    const pair = new ChannelPair({ seed: 12, credit: 1, payloadBytesMax });
    const { world, sender, receiver } = pair;
    await world.runUntil(() => sender.isOpen, 100);
    const large = 'v'.repeat(3_000_000);
    sender.add('before', noTimestamp);
    sender.add(large, noTimestamp);
    sender.sendEvent({ kind: 'barrier', checkpointId: 1 as CheckpointId, triggeredAt: 0, isFinal: false });
    sender.add('after', noTimestamp);
    sender.sendEvent({ kind: 'end-of-data' });
    const pieces = Math.ceil(3_000_000 / Math.min(payloadBytesMax, limits.segmentBytes));
    while (pair.received.length < 5 && pair.failure === undefined) {
      await world.runUntil(() => receiver.queued > 0 || pair.failure !== undefined, world.nowMs + 200_000);
      pair.take();
      pair.checkCredit(1);
    }
    assert.is(pair.failure, undefined);
    assert.equal(pair.received, ['before', large, 'barrier 1', 'after', 'end-of-data']);
    assert.ok(sender.sentUpTo > pieces, `${sender.sentUpTo} frames for ${pieces} pieces`);
  }
});

test('of frames in pieces a channel holds one of any size; those behind it keep their credit (D5)', async () => {
  const pair = new ChannelPair({ seed: 13, credit: 8 });
  const { world, sender, receiver } = pair;
  await world.runUntil(() => sender.isOpen, 100);
  const pieceOf = (name: string, pieces: number): string => name.repeat(pieces * limits.segmentBytes);
  const records = [pieceOf('a', 40), pieceOf('b', 3), pieceOf('c', 40), 'd'];
  for (const record of records) sender.add(record, noTimestamp);
  sender.sendEvent({ kind: 'end-of-data' });
  await pass(pair, 5_000);
  assert.is(pair.failure, undefined);
  assert.equal([receiver.queued, receiver.credit.held], [2, 8], 'the first as a whole, then eight pieces of the others');
  assert.ok(sender.credit.waiting > 30, `${sender.credit.waiting} pieces wait for credit`);
  while (pair.received.length < 5) {
    await world.runUntil(() => receiver.queued > 0 || pair.isHolding, world.nowMs + 5_000);
    pair.take();
  }
  assert.equal(pair.received, [...records, 'end-of-data']);
  pair.take();
  assert.is(receiver.credit.held, 0);
});

test('a lost piece fails the task like any lost frame, and half a frame is never read (D1, FA1)', async () => {
  const codes = new Set<string>();
  for (let seed = 1; seed <= 20; seed += 1) {
    const faults = { drop: 0, duplicate: 0.2 };
    const pair = new ChannelPair({ seed, credit: 4, faults, payloadBytesMax: 1_024 });
    const { world, sender, random } = pair;
    await world.runUntil(() => sender.isOpen, 600);
    faults.drop = 0.02;
    const records = Array.from({ length: 5 }, () => 'r'.repeat(random.between(0, 60_000)));
    for (const record of records) sender.add(record, noTimestamp);
    sender.sendEvent({ kind: 'end-of-partition' });
    const act = (): void => {
      pair.take();
      world.schedule(1, 'act', act);
    };
    act();
    await world.runUntil(() => pair.failure !== undefined || pair.received.length === 6, 60_000);
    assert.ok(isPrefix(pair.received, [...records, 'end-of-partition']), `seed ${seed}`);
    if (pair.failure !== undefined) codes.add((pair.failure as MillraceError).code);
  }
  assert.equal([...codes].sort(), ['CHANNEL_GAP']);
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

test.run();
