/** A directory that is watched for new files: each is read once, whatever restarts. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FileSourceOptions, ndjsonSource } from '../../connectors/files/file-source.js';
import { sourceContract } from '../../testing/contracts/source.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { TaskHarness } from '../../testing/task-harness.js';
import { putFile } from '../support/put-file.js';
import { runContract } from '../support/run-contract.js';
import { checkpointed, CommittedOutput, streamGraph, transactionalCollector } from '../support/stream-jobs.js';

const linesPerFile = 40;
const watched: FileSourceOptions = { monitorContinuously: '100 ms', suffix: '.ndjson', blockBytes: 64 };
const lineOf = (file: string, line: number): { file: string; line: number } => ({ file, line });
const linesOf = (...files: readonly string[]) =>
  files.flatMap((file) => Array.from({ length: linesPerFile }, (_, line) => JSON.stringify(lineOf(file, line)))).sort();

runContract('source contract: a watched directory', sourceContract, async () => {
  const files = new MemoryFileSystem();
  for (const name of ['b', 'a', 'c']) await putFile(files, `/in/${name}.ndjson`, linesOf(name).join('\n'));
  const expected = linesOf('a', 'b', 'c').map((line) => JSON.parse(line) as unknown);
  return { fixture: { files, makeSource: () => ndjsonSource('/in', watched), expected: () => expected, positionsMax: 8 } };
});

class Room {
  readonly output = new CommittedOutput<unknown>();
  readonly harness: TaskHarness;

  constructor() {
    const graph = streamGraph({
      parallelism: 2,
      settings: checkpointed,
      nodes: [
        { name: 'source', source: ndjsonSource('/in', watched) },
        { name: 'sink', isSink: true, create: transactionalCollector(this.output) },
      ],
      edges: [{ from: 'source', to: 'sink' }],
    });
    this.harness = new TaskHarness({ graph, checkpointEveryMs: 70 });
  }

  /** Writes a file beside the others and renames it in, as whoever delivers files should. */
  async deliver(...names: readonly string[]): Promise<void> {
    const { files } = this.harness;
    for (const name of names) {
      await putFile(files, `/in/.${name}`, linesOf(name).join('\n'));
      await files.rename(`/in/.${name}`, `/in/${name}.ndjson`);
    }
  }

  committed(): readonly string[] {
    return this.output
      .values()
      .map((value) => JSON.stringify(value))
      .sort();
  }

  async commits(...names: readonly string[]): Promise<void> {
    const expected = linesOf(...names);
    await this.harness.runUntil(() => this.output.values().length >= expected.length || this.harness.failures.length > 0, 60_000);
    assert.equal(this.harness.failures, []);
    assert.equal(this.committed(), expected);
  }
}

const test = suite('watched directory');

test('files that are renamed in are read, each once, and the source goes on (FS3)', async () => {
  const room = new Room();
  await room.deliver('first');
  room.harness.deploy();
  await room.commits('first');
  await room.deliver('second', 'third');
  await room.commits('first', 'second', 'third');
  await putFile(room.harness.files, '/in/ignored.txt', 'not json');
  await putFile(room.harness.files, '/in/empty.ndjson', '');
  await room.deliver('fourth');
  await room.commits('first', 'second', 'third', 'fourth');
  assert.not(room.harness.isFinished);
  await room.harness.cancel();
});

test('a crash in the middle of a file, with files that came meanwhile: every line once', async () => {
  const room = new Room();
  await room.deliver('a', 'b');
  room.harness.deploy();
  for (const [index, name] of ['c', 'd', 'e', 'f'].entries()) {
    await room.harness.runUntil(() => room.output.values().length > index * linesPerFile);
    await room.deliver(name);
    room.harness.restart();
  }
  await room.commits('a', 'b', 'c', 'd', 'e', 'f');
  await room.harness.cancel();
});

test('a file that is gone after a checkpoint that holds it, or that grew, is not read again', async () => {
  const room = new Room();
  await room.deliver('a', 'b');
  room.harness.deploy();
  await room.commits('a', 'b');
  const { completed } = room.harness;
  const count = completed.length;
  await room.harness.runUntil(() => completed.length > count + 1);
  await room.harness.files.remove('/in/a.ndjson');
  await putFile(room.harness.files, '/in/b.ndjson', linesOf('b', 'grown').join('\n'));
  room.harness.restart();
  await room.deliver('c');
  await room.commits('a', 'b', 'c');
  await room.harness.cancel();
});

test('options that make no sense are refused when the job is built', () => {
  assert.throws(() => ndjsonSource('/in', { monitorContinuously: '0 s' }), /monitorContinuously/);
  assert.throws(() => ndjsonSource('/in', { monitorContinuously: 'soon' as '1 s' }), /monitorContinuously is "soon"/);
  assert.throws(() => ndjsonSource('/in', { monitorContinuously: '1 s', ranges: true }), /ranges and monitorContinuously/);
});
test.run();
