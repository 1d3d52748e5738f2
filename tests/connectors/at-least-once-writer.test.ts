/** The base of sinks that write at least once, under a virtual clock and a target that answers when it is told to. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AtLeastOnceWriter, type BatchBounds } from '../../connectors/sinks/at-least-once-writer.js';
import type { Emit } from '../../dataflow/contracts.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { OperatorBench } from '../../testing/operator-bench.js';

const test = suite('writer that writes at least once');

interface Request {
  readonly batch: readonly number[];
  readonly answer: () => void;
  readonly refuse: (error: Error) => void;
}

class ToldWriter extends AtLeastOnceWriter<number, number> {
  readonly requests: Request[] = [];

  protected override toItem(value: number): number {
    return value;
  }

  protected override bytesOf(): number {
    return 8;
  }

  protected override send(batch: readonly number[]): Promise<void> {
    return new Promise((answer, refuse) => void this.requests.push({ batch, answer, refuse }));
  }
}

async function opened(bounds: Partial<BatchBounds> = {}) {
  const clock = new ManualClock();
  const bench = new OperatorBench({ files: new MemoryFileSystem(), clock });
  const writer = new ToldWriter({ recordsMax: 2, bytesMax: 1_000, lingerMs: 50, requestsMax: 2, ...bounds });
  await writer.open(bench.context);
  const write = writer.bind(() => undefined, bench.context) as Emit<number>;
  const add = (...numbers: readonly number[]): void => {
    for (const number of numbers) write(number, 0);
  };
  const sent = (): readonly (readonly number[])[] => writer.requests.map(({ batch }) => batch);
  return { clock, bench, writer, add, sent };
}

test('a batch leaves when it is full of records or of bytes, when its first record has waited, and at a barrier (AL3)', async () => {
  const { clock, writer, add, sent } = await opened({ requestsMax: 10, recordsMax: 3, bytesMax: 24 });
  add(1, 2, 3, 4);
  assert.equal(sent(), [[1, 2, 3]]);
  clock.advance(49);
  assert.equal(sent(), [[1, 2, 3]]);
  clock.advance(1);
  assert.equal(sent(), [[1, 2, 3], [4]]);
  add(5);
  const barrier = writer.prepareSnapshot();
  assert.equal(sent(), [[1, 2, 3], [4], [5]]);
  for (const { answer } of writer.requests) answer();
  await barrier;
  const byBytes = await opened({ recordsMax: 100, bytesMax: 16 });
  byBytes.add(1, 2, 3);
  assert.equal(byBytes.sent(), [[1, 2]]);
});

test('requests begin in the order of the records, and beyond those that may be under way the input waits (AL2, AL4)', async () => {
  const { bench, writer, add, sent } = await opened();
  add(1, 2);
  assert.not(bench.isParked);
  add(3, 4);
  assert.ok(bench.isParked, 'two are under way');
  assert.equal(sent(), [
    [1, 2],
    [3, 4],
  ]);
  writer.requests[1]?.answer();
  await bench.settle();
  assert.not(bench.isParked);
  add(5, 6);
  assert.equal(sent().at(-1), [5, 6]);
});

test('after a request that failed for good the task fails with the first error, and nothing is sent any more (AL1, AL5)', async () => {
  const { clock, bench, writer, add, sent } = await opened({ requestsMax: 3 });
  add(1, 2, 3, 4, 5);
  const broken = new Error('gone');
  writer.requests[0]?.refuse(broken);
  writer.requests[1]?.refuse(new Error('gone as well'));
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  assert.equal(bench.failures[0], broken);
  clock.advance(1_000);
  add(6, 7);
  assert.equal(
    sent(),
    [
      [1, 2],
      [3, 4],
    ],
    'neither what had waited for long enough, nor a batch that is full',
  );
  const barrier = await Promise.resolve(writer.prepareSnapshot()).then(
    () => 'passed',
    (error: unknown) => error,
  );
  assert.is(barrier, broken, 'no barrier passes what is lost');
  await writer.close();
});

test.run();
