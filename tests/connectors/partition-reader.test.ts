/** Groups of partitions, read side by side, over partitions in memory. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  groupPartitions,
  PartitionGroupReader,
  type PartitionReader,
  type PartitionSession,
  type PartitionSignals,
} from '../../connectors/partition-reader.js';
import { noTimestamp, type Source, type SourceOutput, type Split } from '../../dataflow/contracts.js';
import { sourceContract } from '../../testing/contracts/source.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { runContract } from '../support/run-contract.js';
import { deferred } from '../support/within.js';

/** Emits `<name> <number>` up to its end; says `pending` at every third number first. */
class CountingPartition implements PartitionReader<string> {
  readonly #split: Split;
  readonly #signals: PartitionSignals;
  #next: number;
  #isPaused = false;
  isClosed = false;

  constructor(split: Split, position: unknown, signals: PartitionSignals) {
    this.#split = split;
    this.#signals = signals;
    this.#next = (position as number | undefined) ?? 0;
  }

  poll(output: SourceOutput<string>, recordsMax: number): 'more' | 'pending' | 'split-finished' {
    for (let count = 0; count < recordsMax && output.isAvailable(); count++) {
      if (this.#next >= (this.#split.data as number)) return 'split-finished';
      this.#isPaused = this.#next % 3 === 0 && !this.#isPaused;
      if (this.#isPaused) {
        queueMicrotask(() => this.#signals.wake());
        return 'pending';
      }
      output.emit(`${this.#split.id} ${this.#next++}`, noTimestamp);
    }
    return 'more';
  }

  position(): number {
    return this.#next;
  }

  close(): void {
    this.isClosed = true;
  }
}

const partitions: readonly Split[] = [
  { id: 'a', data: 20 },
  { id: 'b', data: 0 },
  { id: 'c', data: 33 },
  { id: 'd', data: 5 },
];
const all = partitions.flatMap(({ id, data }) => Array.from({ length: data as number }, (_, n) => `${id} ${n}`));

const session = (): PartitionSession<string> => ({
  open: async (split, position, signals) => new CountingPartition(split, position, signals),
  close: async () => undefined,
});

const makeSource = (boundedness: Source<string>['boundedness']): Source<string> => ({
  name: 'partitions',
  boundedness,
  enumerate: async ({ parallelism }) => groupPartitions(partitions, { boundedness, parallelism }),
  createReader: () => new PartitionGroupReader<string>(async () => session()),
});

runContract('source contract: partitions, bounded', sourceContract, async () => ({
  fixture: { files: new MemoryFileSystem(), makeSource: () => makeSource('bounded'), expected: () => all },
}));

const test = suite('groups of partitions');

test('a bounded source has a split a partition, an unbounded one no more splits than readers (PR1)', () => {
  const ids = (boundedness: Source<string>['boundedness'], parallelism: number) =>
    groupPartitions(partitions, { boundedness, parallelism }).map(({ id }) => id);
  assert.equal(ids('bounded', 2), ['a', 'b', 'c', 'd']);
  assert.equal(ids('unbounded', 8), ['a', 'b', 'c', 'd']);
  assert.equal(ids('unbounded', 2), ['a + c', 'b + d']);
  assert.equal(ids('unbounded', 1), ['a + b + c + d']);
});

const everything: SourceOutput<string> = { isAvailable: () => true, emit: () => undefined };

test('a group goes on from any position with exactly the rest of each partition, in its order (PR2)', async () => {
  const [split] = groupPartitions(partitions, { boundedness: 'unbounded', parallelism: 1 });
  const read = async (position: unknown, count: number, recordsMax: number): Promise<{ values: string[]; position: unknown }> => {
    const reader = new PartitionGroupReader<string>(async () => session());
    await reader.start(split as Split, position);
    const values: string[] = [];
    const output: SourceOutput<string> = { isAvailable: () => true, emit: (value) => void values.push(value) };
    while (values.length < count) {
      const status = reader.poll(output, Math.min(recordsMax, count - values.length));
      if (status === 'split-finished') break;
      if (status === 'pending') await reader.whenAvailable();
    }
    const reached = reader.position();
    await reader.close();
    return { values, position: reached };
  };
  for (let count = 0; count <= all.length; count++) {
    const before = await read(undefined, count, 4);
    const after = await read(before.position, 1_000, 7);
    assert.is(before.values.length, count);
    const whole = [...before.values, ...after.values];
    for (const { id } of partitions) {
      assert.equal(
        whole.filter((value) => value.startsWith(id)),
        all.filter((value) => value.startsWith(id)),
        `partition ${id} after ${count} records`,
      );
    }
  }
});

test('every partition of a group has its turn, also where only one record is asked for', async () => {
  const reader = new PartitionGroupReader<string>(async () => session());
  const [split] = groupPartitions(
    ['a', 'b', 'c'].map((id) => ({ id, data: 1_000 })),
    { boundedness: 'unbounded', parallelism: 1 },
  );
  await reader.start(split as Split, undefined);
  const counts = new Map<string, number>();
  const output: SourceOutput<string> = {
    isAvailable: () => true,
    emit: (value) => void counts.set(value.slice(0, 1), (counts.get(value.slice(0, 1)) ?? 0) + 1),
  };
  for (let poll = 0; poll < 300; poll++) if (reader.poll(output, 1) === 'pending') await reader.whenAvailable();
  for (const id of ['a', 'b', 'c']) assert.ok((counts.get(id) ?? 0) > 50, `${id} had ${counts.get(id)} turns`);
  await reader.close();
});

test('what one partition fails with ends the wait, though others go on', async () => {
  const signals: PartitionSignals[] = [];
  const reader = new PartitionGroupReader<string>(async () => ({
    open: async (split, position, given) => {
      signals.push(given);
      return new CountingPartition({ ...split, data: 1 }, position, given);
    },
    close: async () => undefined,
  }));
  await reader.start(groupPartitions(partitions, { boundedness: 'unbounded', parallelism: 1 })[0] as Split, undefined);
  signals[1]?.fail(new Error('first'));
  signals[2]?.fail(new Error('second'));
  assert.is(reader.poll(everything, 10), 'pending');
  const error: unknown = await reader.whenAvailable().catch((reason: unknown) => reason);
  assert.match(String(error), 'first');
  await reader.close();
});

test('a reader that is closed while it starts leaves nothing open', async () => {
  const opened: CountingPartition[] = [];
  const opening = deferred();
  let sessions = 0;
  const reader = new PartitionGroupReader<string>(async () => {
    sessions++;
    return {
      open: async (split, position, signals) => {
        await opening.promise;
        const partition = new CountingPartition(split, position, signals);
        opened.push(partition);
        return partition;
      },
      close: async () => void sessions--,
    };
  });
  const started = reader.start(groupPartitions(partitions, { boundedness: 'unbounded', parallelism: 1 })[0] as Split, undefined);
  await Promise.resolve();
  await Promise.resolve();
  const closed = reader.close();
  opening.resolve();
  await Promise.all([started, closed]);
  assert.is(sessions, 0);
  assert.ok(opened.every(({ isClosed }) => isClosed));
});
test.run();
