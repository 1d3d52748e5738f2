/** Partitions as splits, and the session that those of one subtask share, over partitions in memory. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type PartitionReader, partitionReaders, type PartitionSession, type PartitionSignals } from '../../connectors/partition-reader.js';
import { noTimestamp, type Source, type SourceOutput, type Split } from '../../dataflow/contracts.js';
import { sourceContract } from '../../testing/contracts/source.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { OperatorBench } from '../../testing/operator-bench.js';
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

const source = (readers: ReturnType<typeof partitionReaders<string>>): Source<string> => ({
  name: 'partitions',
  boundedness: 'bounded',
  enumerate: async () => partitions,
  createReader: readers,
});

runContract('source contract: partitions', sourceContract, async () => ({
  fixture: {
    files: new MemoryFileSystem(),
    makeSource: () => source(partitionReaders<string>(async () => session())),
    expected: () => all,
  },
}));

const test = suite('partition readers');
const everything: SourceOutput<string> = { isAvailable: () => true, emit: () => undefined };
const [a, b] = partitions as readonly [Split, Split];
const { context } = new OperatorBench({ files: new MemoryFileSystem() });

test('readers of one subtask share a session, from the first start to the last close (PR1)', async () => {
  const opened: string[] = [];
  let sessions = 0;
  const createReader = partitionReaders<string>(async () => {
    const name = `session ${++sessions}`;
    opened.push(name);
    return { ...session(), close: async () => void opened.splice(opened.indexOf(name), 1) };
  });
  const [first, second] = [createReader(context), createReader(context)];
  assert.equal(opened, [], 'nothing was started');
  await Promise.all([first.start(a, undefined), second.start(b, undefined)]);
  assert.equal(opened, ['session 1']);
  const elsewhere = createReader(new OperatorBench({ files: new MemoryFileSystem() }).context);
  await elsewhere.start(a, undefined);
  assert.equal(opened, ['session 1', 'session 2'], 'another subtask has its own');
  await first.close();
  await first.close();
  assert.equal(opened, ['session 1', 'session 2'], 'one reader is left');
  await second.close();
  assert.equal(opened, ['session 2']);
  await first.start(a, undefined);
  assert.equal(opened, ['session 2', 'session 3'], 'a closed session is not used again');
  await Promise.all([first.close(), elsewhere.close()]);
  assert.equal(opened, []);
});

test('a session that breaks ends the wait of each of its readers', async () => {
  let breakIt: (error: unknown) => void = () => undefined;
  const createReader = partitionReaders<string>(async (_context, fail) => {
    breakIt = fail;
    return session();
  });
  const readers = [createReader(context), createReader(context)];
  for (const reader of readers) await reader.start(a, undefined);
  breakIt(new Error('first'));
  breakIt(new Error('second'));
  for (const reader of readers) {
    assert.is(reader.poll(everything, 10), 'pending');
    assert.match(String(await reader.whenAvailable().catch((reason: unknown) => reason)), 'first');
    await reader.close();
  }
});

test('what a partition fails with is told by its own reader alone', async () => {
  const signals: PartitionSignals[] = [];
  const createReader = partitionReaders<string>(async () => ({
    ...session(),
    open: async (split, position, given) => {
      signals.push(given);
      return new CountingPartition(split, position, given);
    },
  }));
  const [broken, whole] = [createReader(context), createReader(context)];
  for (const reader of [broken, whole]) await reader.start(a, undefined);
  signals[0]?.fail(new Error('trimmed'));
  assert.match(String(await broken.whenAvailable().catch((reason: unknown) => reason)), 'trimmed');
  assert.is(whole.poll(everything, 10), 'pending');
  await whole.whenAvailable();
  assert.is(whole.poll(everything, 1), 'more');
  await Promise.all([broken.close(), whole.close()]);
});

test('a session that cannot be opened fails the start, and the next start tries anew', async () => {
  let tries = 0;
  const createReader = partitionReaders<string>(async () => {
    if (++tries === 1) throw new Error('refused');
    return session();
  });
  const reader = createReader(context);
  const error: unknown = await Promise.resolve(reader.start(a, undefined)).catch((reason: unknown) => reason);
  assert.match(String(error), 'refused');
  await reader.close();
  const next = createReader(context);
  await next.start(a, undefined);
  assert.is(next.poll(everything, 1), 'pending');
  await next.close();
});

test('a reader that is closed while it starts leaves nothing open', async () => {
  const opened: CountingPartition[] = [];
  const opening = deferred();
  let sessions = 0;
  const createReader = partitionReaders<string>(async () => {
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
  const reader = createReader(context);
  const started = reader.start(a, undefined);
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  const closed = reader.close();
  opening.resolve();
  await Promise.all([started, closed]);
  assert.is(sessions, 0);
  assert.is(opened.length, 1);
  assert.ok(opened.every(({ isClosed }) => isClosed));
});
test.run();
