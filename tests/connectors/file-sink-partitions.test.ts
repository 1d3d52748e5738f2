/** Partitions and rolling of the file sink; that nothing is lost or doubled is tried in file-sink.test.ts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fileSink, type FileSinkOptions } from '../../connectors/sinks/files/file-sink.js';
import { limits } from '../../core/limits.js';
import { checkpointId } from '../../core/ids.js';
import type { Clock } from '../../core/ports.js';
import { noTimestamp, type Sink } from '../../dataflow/contracts.js';
import { SinkBench, sinkContract } from '../../testing/contracts/sink.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { OperatorBench } from '../../testing/operator-bench.js';
import { failureOf } from '../support/failure-of.js';
import { directory, filesBelow, hastyClock, visible, type Numbered } from '../support/killed-files.js';

const half = ({ number }: Numbered): string => `half=${number % 2}`;

const contracts: Readonly<Record<string, FileSinkOptions<Numbered>>> = {
  partitions: { partitionBy: half },
  'partitions, one file open at once': { partitionBy: half, openFilesMax: 1 },
  'files that end with every record': { rolling: { sizeBytes: 1 } },
};
for (const [name, options] of Object.entries(contracts)) {
  const contract = suite(`sink contract: files, ${name}`);
  for (const { name: promise, run } of sinkContract) {
    contract(promise, () => {
      const files = new MemoryFileSystem();
      return run({
        files,
        clock: hastyClock,
        makeSink: () => fileSink(directory, options) as Sink<unknown>,
        record: (number) => ({ number }),
        visible: () => visible(files),
      });
    });
  }
  contract.run();
}

type BenchOptions = Partial<ConstructorParameters<typeof SinkBench>[1]>;

const start = (files: MemoryFileSystem, sink: FileSinkOptions<Numbered>, options: BenchOptions = {}): Promise<SinkBench<Numbered>> =>
  new SinkBench(fileSink(directory, sink), { files, clock: hastyClock, ...options }).open();

/** Directories of the committed files below the target, one entry a file. */
async function partitions(files: MemoryFileSystem): Promise<string[]> {
  const paths = (await filesBelow(files)).map((path) => path.slice(directory.length + 1));
  return paths.filter((path) => !path.startsWith('.')).map((path) => path.slice(0, Math.max(0, path.lastIndexOf('/'))));
}

const partitioned = suite('file sink: partitions');

partitioned('records go to the directory of their partition, which may be several deep', async () => {
  const files = new MemoryFileSystem();
  const sink = await start(files, { partitionBy: ({ number }) => `dt=2015-07-15/hm=00-0${number % 3}` });
  await sink.write(...[0, 1, 2, 3, 4].map((number) => ({ number })));
  await sink.snapshot(1);
  await sink.completed(1);
  assert.equal(await partitions(files), ['dt=2015-07-15/hm=00-00', 'dt=2015-07-15/hm=00-01', 'dt=2015-07-15/hm=00-02']);
  assert.equal(await visible(files, `${directory}/dt=2015-07-15/hm=00-01`), [1, 4]);
  await sink.close();
});

partitioned('the partitioner is told the event time of the record, and that it has none', async () => {
  const seen: (number | undefined)[] = [];
  const partitionBy = (_value: Numbered, timestamp: number | undefined): string => `at=${seen.push(timestamp)}`;
  const bench = new OperatorBench({ files: new MemoryFileSystem(), clock: hastyClock });
  const writer = fileSink<Numbered>(directory, { partitionBy }).createWriter();
  const write = writer.bind(assert.unreachable, bench.context);
  await writer.open?.(bench.context);
  write({ number: 0 }, 1_436_918_400_000);
  write({ number: 1 }, 0);
  write({ number: 2 }, noTimestamp);
  assert.equal(seen, [1_436_918_400_000, 0, undefined]);
  await writer.close?.();
});

const refused: readonly (readonly [partition: unknown, why: RegExp])[] = [
  ['', /empty/],
  ['/etc', /absolute/],
  ['..', /elsewhere/],
  ['a/../../b', /elsewhere/],
  ['./a', /elsewhere/],
  ['a//b', /a name in it is empty/],
  ['a/', /a name in it is empty/],
  ['.hidden', /pass over/],
  ['dt=1/_tmp', /pass over/],
  ['a\\b', /character/],
  ['a\u0000b', /character/],
  ['a\nb', /character/],
  ['\ud800', /character/],
  ['x'.repeat(256), /more than 255 bytes/],
  ['ä'.repeat(128), /more than 255 bytes/],
  [Array.from({ length: 600 }, () => 'x').join('/'), /more than 1024 bytes/],
  [undefined, /no text/],
  [7, /no text/],
];
for (const [partition, why] of refused) {
  partitioned(
    `${JSON.stringify(partition)?.slice(0, 40)} is no partition: the job fails and says why, and nothing is written there`,
    async () => {
      const files = new MemoryFileSystem();
      const sink = await start(files, { partitionBy: () => partition as string });
      const error = await failureOf(sink.write({ number: 0 }));
      assert.is(error.code, 'SINK_BAD_PARTITION');
      assert.is(error.recovery, 'fail-job');
      assert.is(error.where, 'operator under test');
      assert.match(error.message, why);
      assert.equal(await filesBelow(files, '/out/b'), []);
      await sink.close();
    },
  );
}

partitioned('the longest names that are taken, and odd but harmless ones, are partitions', async () => {
  const files = new MemoryFileSystem();
  const names = ['x'.repeat(255), 'ä'.repeat(127), 'a..b', 'hm=00:03', '~', 'part-0', 'Größe=粉'];
  const sink = await start(files, { partitionBy: ({ number }) => names[number] as string });
  await sink.write(...names.map((_, number) => ({ number })));
  await sink.snapshot(1);
  await sink.completed(1);
  assert.equal((await partitions(files)).sort(), [...names].sort());
  await sink.close();
});

partitioned('no more files are open than asked for: the one not written for longest ends (FK7)', async () => {
  const files = new MemoryFileSystem();
  const sink = await start(files, { partitionBy: ({ number }) => `p=${number}`, openFilesMax: 2 });
  // 0 was written last when 2 comes: 1 ends, and is written again after that.
  for (const number of [0, 1, 0, 2, 0, 1]) await sink.write({ number });
  await sink.snapshot(1);
  await sink.completed(1);
  assert.equal(await partitions(files), ['p=0', 'p=1', 'p=1', 'p=2']);
  assert.equal(await visible(files, `${directory}/p=0`), [0, 0, 0]);
  await sink.close();
});

partitioned('records in no order of partitions fail the job before the checkpoint is too large for its message', async () => {
  const sink = await start(new MemoryFileSystem(), { partitionBy: half, openFilesMax: 1 });
  const work = (async () => {
    for (let number = 0; number <= limits.sinkFilesPerTransactionMax + 1; number++) await sink.write({ number });
  })();
  const error = await failureOf(work);
  assert.is(error.code, 'SINK_TOO_MANY_FILES');
  assert.match(error.hint ?? '', /key the stream by partition/);
  await sink.close();
});

partitioned('without checkpoints there may be any number of files', async () => {
  const files = new MemoryFileSystem();
  const sink = await start(files, { partitionBy: half, openFilesMax: 1 }, { isCheckpointed: false });
  for (let number = 0; number < limits.sinkFilesPerTransactionMax + 10; number++) await sink.write({ number });
  await sink.finish();
  assert.is((await visible(files)).length, limits.sinkFilesPerTransactionMax + 10);
  await sink.close();
});

partitioned('a partition that is a file already fails the task, and names it', async () => {
  const files = new MemoryFileSystem();
  const sink = await start(files, { partitionBy: half });
  const handle = await files.openWrite(`${directory}/half=0`, { exclusive: true });
  await handle.close();
  const error = await failureOf(sink.write({ number: 0 }).then(() => sink.snapshot(1)));
  assert.match(error.message, `${directory}/half=0`);
  assert.ok(sink.bench.failures.length > 0);
  await sink.close();
});
partitioned.run();

const rolling = suite('file sink: rolling');
const spanning: FileSinkOptions<Numbered> = { rolling: { onCheckpoint: false, age: '10 s', inactivity: '3 s' } };

rolling('a file ends with the record that brings it to its size', async () => {
  const files = new MemoryFileSystem();
  // A line has 13 bytes.
  const sink = await start(files, { rolling: { sizeBytes: 26 } });
  await sink.write(...[0, 1, 2, 3, 4].map((number) => ({ number })));
  await sink.snapshot(1);
  await sink.completed(1);
  assert.is((await partitions(files)).length, 3);
  await sink.close();
});

interface Spanned {
  readonly files: MemoryFileSystem;
  readonly clock: ManualClock;
  readonly sink: SinkBench<Numbered>;
}

async function spanned(options: BenchOptions = {}, files = new MemoryFileSystem()): Promise<Spanned> {
  const clock = new ManualClock();
  return { files, clock, sink: await start(files, spanning, { clock: clock as Clock, ...options }) };
}

/** Writes, unless a number is undefined, and takes a checkpoint, a second later each. */
async function checkpoints({ clock, sink }: Spanned, numbers: readonly (number | undefined)[]): Promise<unknown> {
  let state: unknown;
  for (const [index, number] of numbers.entries()) {
    if (number !== undefined) await sink.write({ number });
    clock.advance(1_000);
    state = await sink.snapshot(index + 1);
    await sink.completed(index + 1);
  }
  return state;
}

rolling('a file that goes on over checkpoints is one file, seen after the checkpoint that finds it old enough', async () => {
  const run = await spanned();
  await checkpoints(run, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(await visible(run.files), []);
  await checkpoints(run, [9]);
  assert.equal(await visible(run.files), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.is((await partitions(run.files)).length, 1);
  await run.sink.close();
});

rolling('a file without records ends with the checkpoint that finds it idle for long enough', async () => {
  const run = await spanned();
  await checkpoints(run, [0, 1, undefined, undefined]);
  assert.equal(await visible(run.files), []);
  await checkpoints(run, [undefined]);
  assert.equal(await visible(run.files), [0, 1]);
  await run.sink.close();
});

rolling('at the end of input the final checkpoint ends every file, and nothing else is left', async () => {
  const run = await spanned();
  await checkpoints(run, [0, 1]);
  await run.sink.finish();
  await checkpoints(run, [undefined]);
  await run.sink.close();
  assert.equal(await visible(run.files), [0, 1]);
  assert.equal(
    (await filesBelow(run.files)).filter((path) => path.endsWith('.tmp')),
    [],
  );
});

rolling('a restore shows what the checkpoint had of a file, not what came after, with the next checkpoint (FK6)', async () => {
  const run = await spanned();
  const state = await checkpoints(run, [0, 1]);
  await run.sink.write({ number: 99 });
  await run.sink.close();
  const restored = await spanned({ attempt: 1, restored: [state], restoredCheckpointId: checkpointId(2) }, run.files);
  assert.equal(await visible(run.files), []);
  await checkpoints(restored, [undefined]);
  assert.equal(await visible(run.files), [0, 1]);
  await restored.sink.close();
  assert.equal(
    (await filesBelow(run.files)).filter((path) => path.endsWith('.tmp')),
    [],
  );
});

rolling('the former attempt may go on to write while its successor copies (FK6)', async () => {
  const run = await spanned();
  const state = await checkpoints(run, [0]);
  await run.sink.write({ number: 99 });
  const restored = await spanned({ attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) }, run.files);
  await run.sink.write({ number: 98 });
  await run.sink.snapshot(2);
  await checkpoints(restored, [1, undefined, undefined, undefined, undefined]);
  assert.equal((await visible(run.files)).sort(), [0, 1]);
  await run.sink.close();
  await restored.sink.close();
});

rolling('files that were open go to whoever gets them with another parallelism', async () => {
  const files = new MemoryFileSystem();
  const states: unknown[] = [];
  for (const subtaskIndex of [0, 1, 2]) {
    const run = await spanned({ subtaskIndex, parallelism: 3 }, files);
    states.push(await checkpoints(run, [subtaskIndex]));
    await run.sink.close();
  }
  const restoredCheckpointId = checkpointId(1);
  const shared = { attempt: 1, parallelism: 2, restoredCheckpointId };
  const first = await spanned({ ...shared, subtaskIndex: 0, restored: [states[1]] }, files);
  const second = await spanned({ ...shared, subtaskIndex: 1, restored: [states[0], states[2]] }, files);
  for (const run of [first, second]) await checkpoints(run, [undefined]);
  assert.equal((await visible(files)).sort(), [0, 1, 2]);
});

rolling('an open file that somebody removed is an error, never silence', async () => {
  const run = await spanned();
  const state = await checkpoints(run, [0]);
  for (const path of await filesBelow(run.files)) if (path.endsWith('.tmp')) await run.files.remove(path);
  const error = await failureOf(spanned({ attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) }, run.files));
  assert.is(error.code, 'SINK_TRANSACTION_LOST');
});

rolling('an open file whose beginning changed is an error, never silence', async () => {
  const run = await spanned();
  const state = await checkpoints(run, [0]);
  for (const path of (await filesBelow(run.files)).filter((name) => name.endsWith('.tmp'))) {
    const handle = await run.files.openWrite(path, { exclusive: false });
    await handle.append(Buffer.from('{"number":7}\n'));
  }
  const error = await failureOf(spanned({ attempt: 1, restored: [state], restoredCheckpointId: checkpointId(1) }, run.files));
  assert.is(error.code, 'SINK_FILE_CHANGED');
});

rolling('bounds that are none are refused when the job is built', () => {
  assert.throws(() => fileSink(directory, { rolling: { sizeBytes: 0 } }), /rolling.sizeBytes/);
  assert.throws(() => fileSink(directory, { rolling: { age: -1 } }), /rolling.age/);
  assert.throws(() => fileSink(directory, { rolling: { inactivity: 'soon' as '1 s' } }), /rolling.inactivity/);
  assert.throws(() => fileSink(directory, { openFilesMax: 0 }), /openFilesMax/);
});
rolling.run();
