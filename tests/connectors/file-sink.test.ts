import { writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NodeFileSystem } from '../../cluster/adapters/node-file-system.js';
import { fileSink, type FileSinkOptions } from '../../connectors/sinks/files/file-sink.js';
import type { PendingFile } from '../../connectors/sinks/files/file-commit.js';
import { temporaryOf } from '../../connectors/sinks/files/part-names.js';
import { limits } from '../../core/limits.js';
import { MillraceError } from '../../core/errors.js';
import { checkpointId } from '../../core/ids.js';
import type { FileSystem } from '../../core/ports.js';
import { SinkBench, sinkContract } from '../../testing/contracts/sink.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { failureOf } from '../support/failure-of.js';
import { directory, hastyClock, losses, runKilled, visible, type Numbered } from '../support/killed-files.js';
import { present } from '../support/present.js';
import { temporaryDirectory } from '../support/temp-directory.js';

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

const crashes = suite('file sink, killed');
const all = [0, 1, 2, 3, 4];
const manner: Readonly<Record<string, FileSinkOptions<Numbered>>> = {
  'a file a checkpoint': {},
  'two partitions': { partitionBy: ({ number }) => `half=${number % 2}` },
  'three partitions, one file open at once': { partitionBy: ({ number }) => `at/third=${number % 3}`, openFilesMax: 1 },
  'files over several checkpoints': { rolling: { onCheckpoint: false } },
  'files over several checkpoints in two partitions': {
    rolling: { onCheckpoint: false, sizeBytes: 24 },
    partitionBy: ({ number }) => `half=${number % 2}`,
  },
};

for (const [name, sink] of Object.entries(manner)) {
  for (const loss of losses) {
    crashes(
      `${name}, ${loss.name} at every operation, then at every fourth of the second attempt: every record is there once`,
      async () => {
        const { operations, output } = await runKilled({ kills: [], loss, sink });
        assert.equal(output, all);
        assert.ok(operations > 25, `${operations} operations`);
        for (let first = 1; first <= operations; first++) {
          const once = await runKilled({ kills: [first], loss, sink });
          assert.equal(once.output, all, `killed at operation ${first}`);
          assert.equal(once.leftovers, [], `killed at operation ${first}`);
          for (let second = 1 + (first % 4); second <= once.operations; second += 4) {
            const twice = await runKilled({ kills: [first, second], loss, sink });
            assert.equal(twice.output, all, `killed at operation ${first}, then at ${second}`);
            assert.equal(twice.leftovers, [], `killed at operation ${first}, then at ${second}`);
          }
        }
      },
    );

    crashes(`${name}, ${loss.name} at every operation, while completions are lost: every record is there once`, async () => {
      const losesCompletion = (id: number): boolean => id % 2 === 1;
      const { operations } = await runKilled({ kills: [], loss, sink, losesCompletion });
      for (let first = 1; first <= operations; first++) {
        const { output } = await runKilled({ kills: [first], loss, sink, losesCompletion });
        assert.equal(output, all, `killed at operation ${first}`);
      }
    });
  }
}
crashes.run();

const test = suite('file sink');

const start = (files: FileSystem, options: Partial<ConstructorParameters<typeof SinkBench>[1]> = {}): Promise<SinkBench<unknown>> =>
  new SinkBench<unknown>(fileSink(directory), { files, clock: hastyClock, ...options }).open();

/** The first file of the first transaction of a snapshot. */
const firstFile = (state: unknown): PendingFile =>
  present(present((state as { pending: { transaction: readonly PendingFile[] }[] }).pending[0]).transaction[0]);

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
  const final = `${directory}/${firstFile(await sink.snapshot(1)).name}`;
  const handle = await files.openWrite(final, { exclusive: true });
  await handle.append(Buffer.from('mine\n'));
  assert.is((await failureOf(sink.completed(1))).code, 'SINK_FILE_CHANGED');
  assert.is(Buffer.from(await files.readFile(final)).toString(), 'mine\n');
});

test('one transaction that cannot be committed does not keep the others from it (TP4)', async () => {
  const files = new MemoryFileSystem();
  const sink = await start(files);
  await sink.write({ number: 1 });
  const { name } = firstFile(await sink.snapshot(1));
  await sink.write({ number: 2 });
  await sink.snapshot(2);
  await files.remove(`${directory}/${temporaryOf(name)}`);
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
  const { name: final } = firstFile(await sink.snapshot(1));
  const temporary = temporaryOf(final);
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
