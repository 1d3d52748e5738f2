/** Segments in which frames leave: used again, and never while somebody reads them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MillraceError } from '../../core/errors.js';
import type { CheckpointId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import { SegmentPool } from '../../dataflow/channels/segment-pool.js';
import { noTimestamp } from '../../dataflow/contracts.js';
import { ChannelPair, type PairOptions } from '../support/channel-pair.js';

const test = suite('segments');

const poolOf = (segmentsMax: number, onRelief = (): void => undefined): SegmentPool =>
  new SegmentPool({ segmentsMax, onRelief, isPoisoning: true });

test('a segment is made when none is free, and the one that came home last is used next (SP1)', () => {
  const pool = poolOf(3);
  const [first, second] = [pool.take(), pool.take()];
  assert.is(first.length, limits.segmentBytes);
  assert.is.not(first.buffer, second.buffer);
  first.fill(1);
  pool.release(first.subarray(0, 10));
  pool.release(second);
  assert.is(pool.take(), second);
  assert.is(pool.take(), first);
  assert.ok(
    first.every((byte) => byte === 0xee),
    'what comes home is poisoned',
  );
  pool.take();
  assert.ok(pool.isExhausted());
  assert.throws(() => pool.take(), 'SP1');
  assert.equal([pool.inUse, pool.peak, pool.segmentsMax], [3, 3, 3]);
});

test('what is none of its segments, or came home before, is refused (SP2)', () => {
  const pool = poolOf(2);
  const segment = pool.take();
  assert.throws(() => pool.release(new Uint8Array(limits.segmentBytes)), 'SP2');
  assert.throws(() => pool.release(poolOf(2).take()), 'SP2');
  pool.release(segment);
  assert.not(pool.holds(segment));
  assert.throws(() => pool.release(segment), 'twice');
  assert.is(pool.inUse, 0);
});

test('frames that wait hold half of the segments at most, whatever left before (SP3)', () => {
  for (const segmentsMax of [2, 3, 4, 7, 32]) {
    const pool = poolOf(segmentsMax);
    let waiting = 0;
    while (pool.takeForWaiting() !== undefined) waiting += 1;
    assert.is(waiting, segmentsMax >> 1);
    const leaving = pool.take();
    assert.is(pool.takeForWaiting(), undefined);
    pool.release(leaving);
  }
});

test('who found it exhausted hears of the next segment that comes home, once (SP4)', () => {
  let reliefs = 0;
  const pool = poolOf(2, () => (reliefs += 1));
  const [first, second] = [pool.take(), pool.take()];
  pool.release(first);
  assert.is(reliefs, 0, 'nobody had asked');
  pool.take();
  assert.ok(pool.isExhausted());
  pool.release(first);
  pool.release(second);
  assert.is(reliefs, 1);
});

interface Course {
  readonly pair: ChannelPair;
  readonly sent: readonly string[];
  /** Moments at which no segment was left. */
  readonly exhausted: number;
}

/** Records of all sizes, barriers and lost connections at random; a reader that is slow at random. Ends when nothing is lent any more. */
async function converse(options: PairOptions, disconnections: number): Promise<Course> {
  const pair = new ChannelPair(options);
  const { world, random, sender } = pair;
  const sent: string[] = [];
  let exhausted = 0;
  let isClosed = false;
  const send = (): void => {
    if (sent.length >= 250) {
      if (sent.at(-1) === 'end-of-partition') return;
      sender.sendEvent({ kind: 'end-of-partition' });
      sent.push('end-of-partition');
    } else if (random.chance(0.05)) {
      sender.sendEvent({ kind: 'barrier', checkpointId: sent.length as CheckpointId, triggeredAt: 0, isFinal: false });
      sent.push(`barrier ${sent.length}`);
    } else if (pair.pressure.fullChannels === 0) {
      const text = `${sent.length}:${'x'.repeat(random.chance(0.05) ? random.between(30_000, 200_000) : random.between(0, 12_000))}`;
      sender.add(text, noTimestamp);
      sent.push(text);
    } else sender.flush();
  };
  const isOver = (): boolean => pair.failure !== undefined || (pair.received.at(-1) === 'end-of-partition' && sender.isAcknowledged());
  const act = (): void => {
    if (!isClosed) send();
    if (random.chance(0.7) && pair.failure === undefined) pair.take();
    if (random.chance(disconnections)) pair.disconnect(30 + random.next() * 60);
    const { segmentsInUse, segmentsPeak, segmentsMax } = pair.segments;
    assert.ok(segmentsPeak <= segmentsMax);
    if (segmentsInUse === segmentsMax) exhausted += 1;
    world.schedule(random.next() * 4, 'act', act);
  };
  act();
  await world.runUntil(isOver, 300_000);
  pair.closeSender();
  isClosed = true;
  await world.runUntil(() => pair.segments.segmentsInUse === 0, world.nowMs + 5_000);
  return { pair, sent, exhausted };
}

const optionsOf = (seed: number): PairOptions => ({
  seed,
  credit: 1 + (seed % 8),
  payloadBytesMax: [1_048_576, 8_192, 1_024][seed % 3] as number,
  lending: { segmentsMax: 2 + (seed % 7) },
});

const isPrefix = (part: readonly string[], whole: readonly string[]): boolean => part.every((text, index) => text === whole[index]);

test('with a few poisoned segments everything arrives as it was sent, whenever they come home, and all come home (BC1, S6)', async () => {
  let exhausted = 0;
  for (let seed = 1; seed <= 42; seed += 1) {
    const options = optionsOf(seed);
    const { pair, sent, exhausted: moments } = await converse({ ...options, faults: { drop: 0, duplicate: 0.05 } }, 0);
    assert.is(pair.failure, undefined, `seed ${seed}: ${String(pair.failure)}`);
    assert.equal(pair.received, sent, `seed ${seed}`);
    assert.ok(pair.segments.segmentsPeak > 0);
    exhausted += moments;
  }
  assert.ok(exhausted > 500, `there was none left at ${exhausted} moments`);
});

test('with losses and lost connections what arrives is as it was sent, nothing hangs, and all segments come home', async () => {
  let failed = 0;
  for (let seed = 1; seed <= 42; seed += 1) {
    const { pair, sent } = await converse({ ...optionsOf(seed), faults: { drop: 0.001, duplicate: 0.05 } }, 0.002);
    assert.ok(isPrefix(pair.received, sent), `seed ${seed}`);
    if (pair.failure === undefined) continue;
    failed += 1;
    assert.match((pair.failure as MillraceError).code, /^CHANNEL_(GAP|LOSS)$/, `seed ${seed}: ${String(pair.failure)}`);
  }
  assert.ok(failed > 5 && failed < 42, `${failed} of 42 noticed a loss`);
});

test('a bus that hands back what it still reads is noticed', async () => {
  let noticed = 0;
  for (let seed = 1; seed <= 12; seed += 1) {
    const options = optionsOf(seed);
    const early = { segmentsMax: options.lending?.segmentsMax ?? 2, isEarly: true };
    try {
      const { pair, sent } = await converse({ ...options, lending: early }, 0);
      if (pair.failure !== undefined || !isPrefix(pair.received, sent)) noticed += 1;
    } catch (error) {
      // Poison is no frame: what is dropped as such may leave both ends waiting for ever.
      assert.instance(error, MillraceError);
      noticed += 1;
    }
  }
  assert.is(noticed, 12);
});

test.run();
