/**
 * What every source must do.
 *
 * Splits and positions pass through the codec of checkpoints, so that what is not plain data is found out here.
 */
import { strict as assert } from 'node:assert';
import { decode, encode } from '../../bus/codec/cbor.js';
import type { FileSystem, Clock } from '../../core/ports.js';
import type { PollStatus, Source, SourceOutput, SourceReader, Split } from '../../dataflow/contracts.js';
import { OperatorBench } from '../operator-bench.js';
import type { Contract } from './contract.js';

export interface SourceFixture<T> {
  readonly files: FileSystem;
  readonly clock?: Clock;
  makeSource(): Source<T>;
  /** All records, in any order. */
  expected(): readonly T[];
  /** Positions to resume from: all, unless a source is too large for that. Default 64 a split, evenly spread. */
  readonly positionsMax?: number;
}

type Body = (fixture: SourceFixture<unknown>) => Promise<void>;

const cases: Record<string, Body> = {
  'one reader reads every record once': async (fixture) => {
    assert.deepEqual(sorted((await readAll(fixture, 1)).flat()), sorted(fixture.expected()));
  },
  'three readers that take splits in turn read together what one reads': async (fixture) => {
    assert.deepEqual(sorted((await readAll(fixture, 3)).flat()), sorted(fixture.expected()));
  },
  'split ids are unique, and a second enumeration finds the same splits': async (fixture) => {
    const splits = await enumerate(fixture, 4);
    assert.equal(new Set(splits.map((split) => split.id)).size, splits.length);
    assert.deepEqual(await enumerate(fixture, 4), splits);
  },
  'a poll emits no more than it was asked for': async (fixture) => {
    const whole = await collect(fixture, { recordsMax: 1_000 });
    assert.deepEqual(await collect(fixture, { recordsMax: 3 }), whole);
  },
  'nothing is emitted while output is not available, and nothing is lost by it': async (fixture) => {
    const whole = await collect(fixture, { recordsMax: 1_000 });
    assert.deepEqual(await collect(fixture, { recordsMax: 7, availableEvery: 3 }), whole);
  },
  'a reader that continues at any position reads exactly the rest': async (fixture) => {
    for (const split of await enumerate(fixture, 2)) {
      const whole = await readSplit(fixture, split, undefined, { recordsMax: 1 });
      const step = Math.max(1, Math.ceil(whole.records.length / (fixture.positionsMax ?? 64)));
      for (let count = 0; count <= whole.records.length; count += step) {
        const rest = await readSplit(fixture, split, plain(whole.positions[count]), { recordsMax: 100 });
        assert.deepEqual(rest.records, whole.records.slice(count), `continuing split ${split.id} after ${count} records`);
      }
    }
  },
  'a reader reads splits one after another, also after it gave one up in the middle': async (fixture) => {
    const splits = await enumerate(fixture, 2);
    const [first] = splits;
    if (first === undefined) return;
    const reader = makeReader(fixture);
    await reader.start(first, undefined);
    await pollOnce(reader, { recordsMax: 1 });
    const all: unknown[] = [];
    for (const split of splits) all.push(...(await finishSplit(reader, split, undefined, { recordsMax: 10 })).records);
    assert.deepEqual(sorted(all), sorted(fixture.expected()));
    await reader.close();
  },
  'closing ends a reader in the middle of a split, and may be repeated': async (fixture) => {
    const [split] = await enumerate(fixture, 1);
    if (split === undefined) return;
    const reader = makeReader(fixture);
    await reader.start(split, undefined);
    await pollOnce(reader, { recordsMax: 1 });
    await reader.close();
    await reader.close();
  },
};

/** The contract of {@link Source} and {@link SourceReader}, for bounded sources. */
export const sourceContract: Contract<SourceFixture<unknown>> = Object.entries(cases).map(([name, run]) => ({ name, run }));

interface Pace {
  readonly recordsMax: number;
  /** Output is available for one record in so many checks. */
  readonly availableEvery?: number;
  /** Checks so far: they go on from poll to poll. */
  checks?: number;
}

/** Everything a source has, split by split, in order. */
async function collect(fixture: SourceFixture<unknown>, pace: Pace): Promise<unknown[]> {
  const records: unknown[] = [];
  for (const split of await enumerate(fixture, 2)) records.push(...(await readSplit(fixture, split, undefined, pace)).records);
  return records;
}

/** What each of several readers read that took splits in turn. */
export async function readAll<T>(fixture: Pick<SourceFixture<T>, 'files' | 'makeSource' | 'clock'>, readers: number): Promise<T[][]> {
  const splits = await enumerate(fixture, readers);
  const read: T[][] = Array.from({ length: readers }, () => []);
  for (const [index, split] of splits.entries()) {
    read[index % readers]?.push(...(await readSplit(fixture, split, undefined, { recordsMax: 100 })).records);
  }
  return read;
}

async function enumerate<T>(fixture: Pick<SourceFixture<T>, 'files' | 'makeSource'>, parallelism: number): Promise<readonly Split[]> {
  const { logger } = new OperatorBench({ files: fixture.files }).context;
  return plain(await fixture.makeSource().enumerate({ files: fixture.files, parallelism, logger })) as readonly Split[];
}

const makeReader = <T>(fixture: Pick<SourceFixture<T>, 'files' | 'makeSource' | 'clock'>): SourceReader<T> =>
  fixture
    .makeSource()
    .createReader(new OperatorBench({ files: fixture.files, ...(fixture.clock === undefined ? {} : { clock: fixture.clock }) }).context);

interface SplitRead<T> {
  readonly records: T[];
  /** Position after so many records. */
  readonly positions: unknown[];
}

async function readSplit<T>(
  fixture: Pick<SourceFixture<T>, 'files' | 'makeSource' | 'clock'>,
  split: Split,
  position: unknown,
  pace: Pace,
): Promise<SplitRead<T>> {
  const reader = makeReader(fixture);
  const read = await finishSplit(reader, split, position, pace);
  await reader.close();
  return read;
}

async function finishSplit<T>(reader: SourceReader<T>, split: Split, position: unknown, pace: Pace): Promise<SplitRead<T>> {
  await reader.start(split, position);
  const read: SplitRead<T> = { records: [], positions: [reader.position()] };
  for (;;) {
    const { status, records } = await pollOnce(reader, pace);
    read.records.push(...records);
    if (pace.recordsMax === 1 && records.length === 1) read.positions.push(reader.position());
    if (status === 'split-finished') return read;
    if (status === 'pending') await reader.whenAvailable();
  }
}

async function pollOnce<T>(reader: SourceReader<T>, pace: Pace): Promise<{ status: PollStatus; records: T[] }> {
  const records: T[] = [];
  let mayEmit = false;
  const output: SourceOutput<T> = {
    isAvailable: () => (mayEmit = (pace.checks = (pace.checks ?? 0) + 1) % (pace.availableEvery ?? 1) === 0),
    emit: (value) => {
      assert.ok(mayEmit, 'emitted without output available');
      if (pace.availableEvery !== undefined) mayEmit = false;
      records.push(value);
    },
  };
  const status = reader.poll(output, pace.recordsMax);
  assert.ok(records.length <= pace.recordsMax, `${records.length} records where ${pace.recordsMax} were asked for`);
  await Promise.resolve();
  return { status, records };
}

/** As it comes back from a checkpoint. */
const plain = (value: unknown): unknown => (value === undefined ? undefined : decode(encode(value)));

const sorted = (values: readonly unknown[]): readonly string[] => values.map((value) => JSON.stringify(value)).sort();
