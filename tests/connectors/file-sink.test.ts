import { writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NodeFileSystem } from '../../cluster/adapters/node-file-system.js';
import { fileSink } from '../../connectors/sinks/file-sink.js';
import { limits } from '../../core/limits.js';
import { MillraceError } from '../../core/errors.js';
import { checkpointId, type CheckpointId } from '../../core/ids.js';
import type { Clock, FileSystem } from '../../core/ports.js';
import { SinkBench, sinkContract } from '../../testing/contracts/sink.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { present } from '../support/present.js';
import { temporaryDirectory } from '../support/temp-directory.js';

const directory = '/out/deep';

/** A clock whose timers are due at once: waiting costs nothing. */
const hastyClock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  setTimer: (_delayMs, callback) => {
    void Promise.resolve().then(callback);
    return { cancel: () => undefined };
  },
};

/** Numbers in the final files, in the order of names and lines. */
async function visible(files: FileSystem, target = directory): Promise<number[]> {
  if ((await files.stat(target)) === undefined) return [];
  const numbers: number[] = [];
  for (const name of await files.list(target)) {
    if (name.startsWith('.')) continue;
    const text = Buffer.from(await files.readFile(`${target}/${name}`)).toString('utf8');
    for (const line of text.split('\n').slice(0, -1)) numbers.push((JSON.parse(line) as { number: number }).number);
  }
  return numbers;
}

const contract = suite('sink contract: files');
for (const { name, run } of sinkContract) {
  contract(name, () => {
    const files = new MemoryFileSystem();
    return run({
      files,
      clock: hastyClock,
      makeSink: () => fileSink(directory),
      record: (number) => ({ number }),
      visible: () => visible(files),
    });
  });
}
contract.run();

const onDisk = suite('sink contract: files on a real disk');
for (const { name, run } of sinkContract) {
  onDisk(name, () => {
    const target = `${temporaryDirectory('sink')}/deep/er`;
    const files = new NodeFileSystem();
    return run({
      files,
      clock: hastyClock,
      makeSink: () => fileSink(target),
      record: (number) => ({ number }),
      visible: () => visible(files, target),
    });
  });
}
onDisk('a target that is a file is an error that names it', async () => {
  const target = `${temporaryDirectory('sink')}/file`;
  writeFileSync(target, 'in the way');
  const error = await failureOf(new SinkBench(fileSink(target), { files: new NodeFileSystem(), clock: hastyClock }).open());
  assert.match(error.message, target);
});
onDisk.run();

/** Kills everything at a chosen operation of the disk: this one and all later fail, until `revive`. */
class Guillotine {
  operations = 0;
  #at = Number.POSITIVE_INFINITY;

  readonly before = (): void => {
    this.operations++;
    if (this.operations >= this.#at) throw new MillraceError('KILLED', `operation ${this.operations} comes after the kill`);
  };

  set(at: number): void {
    this.operations = 0;
    this.#at = at;
  }
}

interface Checkpoint {
  readonly id: CheckpointId;
  readonly position: number;
  readonly state: unknown;
}

interface JobOptions {
  readonly files: FileSystem;
  readonly attempt: number;
  readonly records: number;
  readonly restore: Checkpoint | undefined;
  readonly firstId: number;
  /** Completions that never reach the sink. */
  readonly losesCompletion: (id: number) => boolean;
  readonly onCheckpoint: (checkpoint: Checkpoint) => void;
}

/** One attempt of a job of one task that reads numbers and writes them, with a checkpoint after every second one. */
async function attemptJob({ files, attempt, records, restore, firstId, losesCompletion, onCheckpoint }: JobOptions): Promise<void> {
  const restored = restore === undefined ? {} : { restored: [restore.state], restoredCheckpointId: restore.id };
  const sink = new SinkBench(fileSink<{ number: number }>(directory), {
    files,
    clock: hastyClock,
    seed: attempt + 1,
    attempt,
    ...restored,
  });
  await sink.open();
  let id = firstId;
  const checkpoint = async (position: number): Promise<void> => {
    const state = await sink.snapshot(id);
    if (sink.bench.failures.length > 0) throw sink.bench.failures[0];
    onCheckpoint({ id: checkpointId(id), position, state });
    if (!losesCompletion(id)) await sink.completed(id);
    id++;
  };
  for (let number = restore?.position ?? 0; number < records; number++) {
    await sink.write({ number });
    if (number % 2 === 1) await checkpoint(number + 1);
  }
  await sink.finish();
  await checkpoint(records);
  await sink.completed(id - 1);
  await sink.close();
}

interface Loss {
  readonly name: string;
  apply(files: MemoryFileSystem): void;
}

const losses: readonly Loss[] = [
  { name: 'process killed', apply: () => undefined },
  { name: 'power lost', apply: (files) => files.crash() },
];

/** Runs the job with a kill at each of the given operations, then to its end; returns operations of the last attempt. */
async function runKilled(
  kills: readonly number[],
  loss: Loss,
  losesCompletion: (id: number) => boolean,
): Promise<{ output: number[]; operations: number; leftovers: string[] }> {
  const guillotine = new Guillotine();
  const files = new MemoryFileSystem({ before: guillotine.before });
  let latest: Checkpoint | undefined;
  let firstId = 1;
  for (let attempt = 0; ; attempt++) {
    guillotine.set(kills[attempt] ?? Number.POSITIVE_INFINITY);
    const options = { files, attempt, records: 5, restore: latest, firstId, losesCompletion };
    try {
      await attemptJob({ ...options, onCheckpoint: (checkpoint) => ((latest = checkpoint), (firstId = checkpoint.id + 1)) });
    } catch (error) {
      assert.is(error instanceof MillraceError && error.code, 'KILLED', String(error));
      // What the dead attempt had under way must fail too before the next one starts.
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      firstId++;
      guillotine.set(Number.POSITIVE_INFINITY);
      loss.apply(files);
      continue;
    }
    const { operations } = guillotine;
    const names = await files.list(directory);
    return { output: await visible(files), operations, leftovers: names.filter((name) => name.endsWith('.tmp')) };
  }
}

const crashes = suite('file sink, killed');
const never = (): boolean => false;

for (const loss of losses) {
  crashes(`${loss.name} at every operation, then at every fourth operation of the second attempt: every record is there once`, async () => {
    const { operations } = await runKilled([], loss, never);
    assert.ok(operations > 30, `${operations} operations`);
    for (let first = 1; first <= operations; first++) {
      const once = await runKilled([first], loss, never);
      assert.equal(once.output, [0, 1, 2, 3, 4], `killed at operation ${first}`);
      assert.equal(once.leftovers, [], `killed at operation ${first}`);
      for (let second = 1 + (first % 4); second <= once.operations; second += 4) {
        const twice = await runKilled([first, second], loss, never);
        assert.equal(
          twice.output.sort((a, b) => a - b),
          [0, 1, 2, 3, 4],
          `killed at operation ${first}, then at ${second}`,
        );
      }
    }
  });

  crashes(`${loss.name} at every operation, while completions are lost: every record is there once`, async () => {
    for (let first = 1; first <= 40; first++) {
      const { output } = await runKilled([first], loss, (id) => id % 2 === 1);
      assert.equal(
        output.sort((a, b) => a - b),
        [0, 1, 2, 3, 4],
        `killed at operation ${first}`,
      );
    }
  });
}
crashes.run();

const test = suite('file sink');

const start = (files: FileSystem, options: Partial<ConstructorParameters<typeof SinkBench>[1]> = {}): Promise<SinkBench<unknown>> =>
  new SinkBench<unknown>(fileSink(directory), { files, clock: hastyClock, ...options }).open();

async function failureOf(work: Promise<unknown>): Promise<MillraceError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, MillraceError);
  return error as MillraceError;
}

test('all subtasks and attempts declare one token for the directory, and another directory has another (FK5)', async () => {
  const files = new MemoryFileSystem();
  const tokens = new Set<string | undefined>();
  for (const seed of [1, 2, 3]) {
    const sink = await start(files, { seed, subtaskIndex: seed - 1, parallelism: 3 });
    tokens.add(sink.bench.sharedResources.get(directory));
    await sink.close();
  }
  assert.is(tokens.size, 1);
  const elsewhere = await start(new MemoryFileSystem(), { seed: 4 });
  tokens.add(elsewhere.bench.sharedResources.get(directory));
  assert.is(tokens.size, 2);
});

test('subtasks that start at the same time agree on the token', async () => {
  const files = new MemoryFileSystem();
  const sinks = await Promise.all([1, 2, 3, 4].map((seed) => start(files, { seed, subtaskIndex: seed - 1, parallelism: 4 })));
  assert.is(new Set(sinks.map((sink) => sink.bench.sharedResources.get(directory))).size, 1);
});

test('a committed file that somebody removed is an error, never silence (FK2)', async () => {
  const files = new MemoryFileSystem();
  const sink = await start(files);
  await sink.write({ number: 1 });
  const state = await sink.snapshot(1);
  await sink.completed(1);
  for (const name of await files.list(directory)) if (name.startsWith('part-')) await files.remove(`${directory}/${name}`);
  const error = await failureOf(start(files, { attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) }));
  assert.is(error.code, 'SINK_TRANSACTION_LOST');
  assert.match(error.message, directory);
});

test('a file of the final name with other content is an error, and stays as it is (FK3)', async () => {
  const files = new MemoryFileSystem();
  const sink = await start(files);
  await sink.write({ number: 1 });
  const state = (await sink.snapshot(1)) as { pending: { transaction: { final: string } }[] };
  const final = `${directory}/${state.pending[0]?.transaction.final}`;
  const handle = await files.openWrite(final, { exclusive: true });
  await handle.append(Buffer.from('mine\n'));
  assert.is((await failureOf(sink.completed(1))).code, 'SINK_FILE_CHANGED');
  assert.is(Buffer.from(await files.readFile(final)).toString(), 'mine\n');
});

test('one transaction that cannot be committed does not keep the others from it (TP4)', async () => {
  const files = new MemoryFileSystem();
  const sink = await start(files);
  await sink.write({ number: 1 });
  const state = (await sink.snapshot(1)) as { pending: { transaction: { temporary: string } }[] };
  await sink.write({ number: 2 });
  await sink.snapshot(2);
  await files.remove(`${directory}/${state.pending[0]?.transaction.temporary}`);
  assert.is((await failureOf(sink.completed(2))).code, 'SINK_TRANSACTION_LOST');
  assert.equal(await visible(files), [2]);
});

test('a full disk fails the task with a message that says so', async () => {
  const files = new MemoryFileSystem({ capacityBytes: 2_000 });
  const sink = await start(files);
  for (let number = 0; number < 200; number++) await sink.write({ number });
  const error = await failureOf(sink.snapshot(1));
  assert.is(error.code, 'DISK_FULL');
  assert.is(sink.bench.failures.length > 0, true);
  assert.is((sink.bench.failures[0] as MillraceError).code, 'DISK_FULL');
  await sink.close();
});

test('a file that cannot be synced fails the task: its records would be lost with the transaction (TP4)', async () => {
  const before = (operation: string, path: string): void => {
    if (operation === 'sync' && path.endsWith('.tmp')) throw new MillraceError('FILE_IO', `${path} cannot be synced`);
  };
  const sink = await start(new MemoryFileSystem({ before }));
  await sink.write({ number: 1 });
  assert.is((await failureOf(sink.snapshot(1))).code, 'FILE_IO');
  assert.is((sink.bench.failures[0] as MillraceError).code, 'FILE_IO');
  await sink.close();
});

test('of a rename that left both names, one stays (FK2)', async () => {
  const files = new MemoryFileSystem();
  const sink = await start(files);
  await sink.write({ number: 1 });
  const state = (await sink.snapshot(1)) as { pending: { transaction: { temporary: string; final: string } }[] };
  const { temporary, final } = present(state.pending[0]).transaction;
  const handle = await files.openWrite(`${directory}/${final}`, { exclusive: true });
  await handle.append(await files.readFile(`${directory}/${temporary}`));
  await sink.completed(1);
  assert.equal(await visible(files), [1]);
  assert.is(await files.stat(`${directory}/${temporary}`), undefined);
});

test('a slow disk holds back the input instead of filling memory', async () => {
  const files = new MemoryFileSystem();
  const sink = fileSink<string>(directory);
  const writer = sink.createWriter();
  const { OperatorBench } = await import('../../testing/operator-bench.js');
  const bench = new OperatorBench({ files, clock: hastyClock });
  const write = writer.bind(assert.unreachable, bench.context);
  await writer.open?.(bench.context);
  const record = 'x'.repeat(100_000);
  let written = 0;
  while (!bench.isParked) {
    write(record, 0);
    written += record.length;
    assert.ok(written < 2 * limits.sinkPendingBytesMax, 'never held back');
  }
  await bench.settle();
  assert.not(bench.isParked);
  await writer.close?.();
  assert.equal(await visible(files), []);
});

test('lines longer than a block, and of several bytes a character, arrive whole', async () => {
  const files = new MemoryFileSystem();
  const sink = await start(files, { isCheckpointed: false });
  const texts = ['ä'.repeat(100_000), '粉', '🌾'.repeat(40_000), 'x'.repeat(limits.sinkBlockBytes - 4)];
  await sink.write(...texts);
  await sink.finish();
  const [name] = (await files.list(directory)).filter((entry) => entry.startsWith('part-'));
  const lines = Buffer.from(await files.readFile(`${directory}/${name}`))
    .toString('utf8')
    .trimEnd()
    .split('\n');
  assert.equal(
    lines.map((line) => JSON.parse(line) as string),
    texts,
  );
});

test('a line feed from a custom encoder is refused', async () => {
  const sink = new SinkBench(fileSink<string>(directory, { encode: (text) => text }), { files: new MemoryFileSystem(), clock: hastyClock });
  await sink.open();
  assert.is((await failureOf(sink.write('a\nb'))).code, 'SINK_LINE_FEED');
});

test('a target that is not absolute, and names that could leave the directory, are refused when the job is built', () => {
  assert.throws(() => fileSink('out'), /not an absolute path/);
  assert.throws(() => fileSink('/out', { prefix: '../x' }), /cannot begin file names/);
  assert.throws(() => fileSink('/out', { suffix: '/x' }), /cannot end file names/);
});
test.run();
