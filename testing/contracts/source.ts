/**
 * What every source must do.
 *
 * SC1  Splits and positions pass through the codec of checkpoints, so that what is not plain data is found out here.
 * SC2  The splits of an unbounded source end where the fixture seals them: with a record that nothing follows.
 * SC3  A source that delivers at most once has no positions: `atMostOnceSourceContract` asks it for the rest.
 */
import { strict as assert } from 'node:assert';
import { decode, encode } from '../../bus/codec/cbor.js';
import type { FileSystem, Clock } from '../../core/ports.js';
import {
  readsSideBySide,
  type OperatorContext,
  type PollStatus,
  type Source,
  type SourceOutput,
  type SourceReader,
  type Split,
} from '../../dataflow/contracts.js';
import { OperatorBench } from '../operator-bench.js';
import type { Contract } from './contract.js';

/** A source and what is in it. Each case gets a fresh one. */
export interface SourceFixture<T> {
  readonly files: FileSystem;
  readonly clock?: Clock;
  makeSource(): Source<T>;
  /** All records, in any order; without those that `seal` adds. */
  expected(): readonly T[];
  /** Positions to resume from: all, unless a source is too large for that. Default 64 a split, evenly spread. */
  readonly positionsMax?: number;
  /**
   * Of splits that do not end by themselves: adds a last record to this one and resolves to it, as the source emits it. It
   * must differ from every other record. Called once a split.
   */
  seal?(split: Split): Promise<T>;
  /** Of a source that delivers at most once: called when a reader listens. Sends all records, the one of `seal` last. */
  feed?(): Promise<void>;
}

type Body = (runs: SourceRuns) => Promise<void>;

const replayed: Record<string, Body> = {
  'three readers that take splits in turn read together what one reads': async (runs) => {
    assert.deepEqual(sorted((await runs.readAll(3)).flat()), sorted(await runs.expected(3)));
  },
  'split ids are unique, and a second enumeration finds the same splits': async (runs) => {
    const splits = await runs.enumerate(4);
    assert.equal(new Set(splits.map((split) => split.id)).size, splits.length);
    assert.deepEqual(await runs.enumerate(4), splits);
  },
  'reading again gives the same records in the same order, however many are asked for at once': async (runs) => {
    const whole = await runs.collect({ recordsMax: 1_000 });
    assert.deepEqual(await runs.collect({ recordsMax: 3 }), whole);
  },
  'nothing is lost while output is not available': async (runs) => {
    const whole = await runs.collect({ recordsMax: 1_000 });
    assert.deepEqual(await runs.collect({ recordsMax: 7, availableEvery: 3 }), whole);
  },
  'a reader that continues at any position reads exactly the rest': async (runs) => {
    for (const split of await runs.enumerate(2)) {
      const whole = await runs.readSplit(split, undefined, { recordsMax: 1 });
      const step = Math.max(1, Math.ceil(whole.records.length / (runs.fixture.positionsMax ?? 64)));
      // At the end of a sealed split nothing is left that would tell that nothing comes.
      const last = whole.records.length - (runs.fixture.seal === undefined ? 0 : 1);
      for (let count = 0; count <= last; count += step) {
        const rest = await runs.readSplit(split, plain(whole.positions[count]), { recordsMax: 100 });
        assert.deepEqual(rest.records, whole.records.slice(count), `continuing split ${split.id} after ${count} records`);
      }
    }
  },
  'after a crash the reader of the next attempt reads the rest once, though the one before still hangs on': async (runs) => {
    const [split] = await runs.enumerate(1);
    if (split === undefined) return;
    const whole = await runs.readSplit(split, undefined, { recordsMax: 100 });
    const snapshotAt = Math.floor(whole.records.length / 3);
    const crashed = runs.makeReader();
    await crashed.start(split, undefined);
    const before = await runs.readOn(crashed, split, { recordsMax: 1, stopAfter: snapshotAt });
    const position = plain(crashed.position());
    await runs.readOn(crashed, split, { recordsMax: 1, stopAfter: Math.floor(whole.records.length / 3) });
    const after = await runs.readSplit(split, position, { recordsMax: 100 });
    assert.deepEqual([...before.records, ...after.records], whole.records);
    await crashed.close();
  },
  'readers of one subtask read its splits side by side, whichever has something; one that ends leaves the others alone': async (runs) => {
    const source = runs.fixture.makeSource();
    if (!readsSideBySide(source)) return;
    const splits = await runs.enumerate(3);
    const createReader = runs.readersOfOneSubtask();
    const readers = splits.map(() => createReader());
    for (const [index, split] of splits.entries()) await readers[index]?.start(split, undefined);
    const all: unknown[] = [];
    for (const [index, split] of splits.entries()) {
      const reader = readers[index] as SourceReader<unknown>;
      for (const other of readers.slice(index + 1)) all.push(...(await pollOnce(other, { recordsMax: 1 })).records);
      all.push(...(await runs.readOn(reader, split, { recordsMax: 10 })).records);
      await reader.close();
    }
    assert.deepEqual(sorted(all), sorted(await runs.expected(3)));
  },
  'a reader reads splits one after another, also after it gave one up in the middle': async (runs) => {
    const splits = await runs.enumerate(2);
    const [first] = splits;
    if (first === undefined) return;
    const reader = runs.makeReader();
    await reader.start(first, undefined);
    await pollOnce(reader, { recordsMax: 1 });
    const all: unknown[] = [];
    for (const split of splits) {
      await reader.start(split, undefined);
      all.push(...(await runs.readOn(reader, split, { recordsMax: 10 })).records);
    }
    assert.deepEqual(sorted(all), sorted(await runs.expected(2)));
    await reader.close();
  },
};

const always: Record<string, Body> = {
  'one reader reads every record once': async (runs) => {
    assert.deepEqual(sorted((await runs.readAll(1)).flat()), sorted(await runs.expected(1)));
  },
  'a poll emits no more than it was asked for': async (runs) => {
    assert.deepEqual(sorted(await runs.collect({ recordsMax: 3 }, 1)), sorted(await runs.expected(1)));
  },
  'nothing is emitted while output is not available': async (runs) => {
    assert.deepEqual(sorted(await runs.collect({ recordsMax: 7, availableEvery: 3 }, 1)), sorted(await runs.expected(1)));
  },
  'closing ends a reader in the middle of a split, and may be repeated': async (runs) => {
    const [split] = await runs.enumerate(1);
    if (split === undefined) return;
    const reader = runs.makeReader();
    await reader.start(split, undefined);
    await pollOnce(reader, { recordsMax: 1 });
    await reader.close();
    await reader.close();
  },
};

const contractOf = (cases: Record<string, Body>): Contract<SourceFixture<unknown>> =>
  Object.entries(cases).map(([name, run]) => ({ name, run: (fixture) => run(new SourceRuns(fixture)) }));

/** The contract of {@link Source} and {@link SourceReader}: replayable sources, from which a job counts exactly once. */
export const sourceContract: Contract<SourceFixture<unknown>> = contractOf({ ...always, ...replayed });

/** What can be asked of a source that delivers at most once: while nothing fails, it delivers (SC3). Needs `seal` and `feed`. */
export const atMostOnceSourceContract: Contract<SourceFixture<unknown>> = contractOf(always);

interface Pace {
  readonly recordsMax: number;
  /** Output is available for one record in so many checks. */
  readonly availableEvery?: number;
  /** Stops after so many records, before the end of the split. */
  readonly stopAfter?: number;
  /** Checks so far: they go on from poll to poll. */
  checks?: number;
}

interface SplitRead<T> {
  readonly records: T[];
  /** Position after so many records. */
  readonly positions: unknown[];
}

/** Reads the source of a fixture in the ways that the cases need. */
class SourceRuns<T = unknown> {
  readonly fixture: SourceFixture<T>;
  readonly #seals = new Map<string, Promise<T>>();

  constructor(fixture: SourceFixture<T>) {
    this.fixture = fixture;
  }

  async enumerate(parallelism: number): Promise<readonly Split[]> {
    const { files, clock, logger } = this.#context();
    return plain(await this.fixture.makeSource().enumerate({ files, clock, parallelism, logger })) as readonly Split[];
  }

  makeReader(): SourceReader<T> {
    return this.fixture.makeSource().createReader(this.#context());
  }

  /** Makes readers with one context, as a subtask does that reads several splits side by side. */
  readersOfOneSubtask(): () => SourceReader<T> {
    const source = this.fixture.makeSource();
    const context = this.#context();
    return () => source.createReader(context);
  }

  /** Everything there is, with what seals the splits. */
  async expected(parallelism: number): Promise<readonly T[]> {
    const records = [...this.fixture.expected()];
    if (this.fixture.seal === undefined) return records;
    for (const split of await this.enumerate(parallelism)) records.push((await this.#sealOf(split)) as T);
    return records;
  }

  /** Everything a source has, split by split, in order. */
  async collect(pace: Pace, parallelism = 2): Promise<T[]> {
    const records: T[] = [];
    for (const split of await this.enumerate(parallelism)) records.push(...(await this.readSplit(split, undefined, pace)).records);
    return records;
  }

  /** What each of several readers read that took splits in turn. */
  async readAll(readers: number): Promise<T[][]> {
    const read: T[][] = Array.from({ length: readers }, () => []);
    for (const [index, split] of (await this.enumerate(readers)).entries()) {
      read[index % readers]?.push(...(await this.readSplit(split, undefined, { recordsMax: 100 })).records);
    }
    return read;
  }

  async readSplit(split: Split, position: unknown, pace: Pace): Promise<SplitRead<T>> {
    const reader = this.makeReader();
    await reader.start(split, position);
    const read = await this.readOn(reader, split, pace);
    await reader.close();
    return read;
  }

  /** Reads a split that was started to its end, its seal, or `stopAfter`. */
  async readOn(reader: SourceReader<T>, split: Split, pace: Pace): Promise<SplitRead<T>> {
    const seal = await this.#sealOf(split);
    await this.fixture.feed?.();
    const read: SplitRead<T> = { records: [], positions: [reader.position()] };
    while (pace.stopAfter === undefined || read.records.length < pace.stopAfter) {
      const { status, records } = await pollOnce(reader, pace);
      read.records.push(...records);
      if (pace.recordsMax === 1 && records.length === 1) read.positions.push(reader.position());
      if (status === 'split-finished' || (seal !== undefined && isSame(read.records.at(-1), seal))) return read;
      if (status === 'pending') await reader.whenAvailable();
    }
    return read;
  }

  #context(): OperatorContext {
    const { files, clock } = this.fixture;
    return new OperatorBench({ files, ...(clock === undefined ? {} : { clock }) }).context;
  }

  async #sealOf(split: Split): Promise<T | undefined> {
    if (this.fixture.seal === undefined) return undefined;
    let seal = this.#seals.get(split.id);
    if (seal === undefined) {
      seal = this.fixture.seal(split);
      this.#seals.set(split.id, seal);
    }
    return seal;
  }
}

/** What each of several readers read that took splits in turn. */
export function readAll<T>(fixture: Pick<SourceFixture<T>, 'files' | 'makeSource' | 'clock'>, readers: number): Promise<T[][]> {
  return new SourceRuns<T>({ ...fixture, expected: () => [] }).readAll(readers);
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

const isSame = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right);

const sorted = (values: readonly unknown[]): readonly string[] => values.map((value) => JSON.stringify(value)).sort();
