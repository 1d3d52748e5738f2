import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import type { Clock } from '../../core/ports.js';
import { batchSource } from '../../connectors/batch-source.js';
import { collectionSource } from '../../connectors/collection-source.js';
import { csvSource, fileSource, jsonArraySource, ndjsonSource, textLinesSource } from '../../connectors/files/file-source.js';
import { ndjson } from '../../connectors/formats/ndjson-format.js';
import { generatorSource } from '../../connectors/generator-source.js';
import { sequenceSource } from '../../connectors/sequence-source.js';
import { throttled } from '../../connectors/throttled-source.js';
import type { Source } from '../../dataflow/contracts.js';
import { sourceContract } from '../../testing/contracts/source.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { OperatorBench } from '../../testing/operator-bench.js';
import { putFile } from '../support/put-file.js';

const words = Array.from({ length: 83 }, (_, index) => ({ id: index, word: ['mill', 'Mühle', '粉ひき', '🌾', 'race\\"x'][index % 5] }));
const disk = new MemoryFileSystem();
await putFile(disk, '/in/text.txt', words.map((entry) => `${entry.id} ${entry.word}`).join('\r\n'));
await putFile(disk, '/in/rows.ndjson', `\ufeff${words.map((entry) => JSON.stringify(entry)).join('\n')}\n\n`);
await putFile(disk, '/in/array.json', `\ufeff [\n${words.map((entry) => JSON.stringify(entry, null, 1)).join(' ,\n')}\n] \n`);
await putFile(disk, '/in/empty.json', '[]');
await putFile(
  disk,
  '/in/rows.csv',
  `id,word,skipped\n${words.map((entry) => `${entry.id},${quoted(entry.word as string)},-`).join('\n')}\n`,
);
await putFile(
  disk,
  '/in/multi.csv',
  `id,word\n${words.map((entry) => `${entry.id},"${entry.word?.replaceAll('"', '""')}\nsecond, line"`).join('\r\n')}`,
);
await putFile(disk, '/in/parts/b.ndjson', '{"n":1}\n{"n":2}');
await putFile(disk, '/in/parts/a.ndjson', '{"n":3}\n');
await putFile(disk, '/in/parts/deep/c.ndjson', '{"n":4}\n');
await putFile(disk, '/in/parts/.hidden.ndjson', 'not json');
await putFile(disk, '/in/parts/other.txt', 'not json');

function quoted(text: string): string {
  return text.includes('"') ? `"${text.replaceAll('"', '""')}"` : text;
}

const splitBytes = 97;
const subjects: Record<string, { source: () => Source<unknown>; expected: readonly unknown[]; clock?: Clock }> = {
  collection: { source: () => collectionSource(words, { splits: 4 }), expected: words },
  'an empty collection': { source: () => collectionSource([]), expected: [] },
  sequence: { source: () => sequenceSource(-5, 60), expected: Array.from({ length: 66 }, (_, index) => index - 5) },
  generator: {
    source: () => generatorSource({ count: 67, generate: (index) => ({ index, square: index * index }) }),
    expected: Array.from({ length: 67 }, (_, index) => ({ index, square: index * index })),
  },
  'a generator of fewer records than readers': {
    source: () => generatorSource({ count: 1, generate: String }),
    expected: ['0'],
  },
  'an empty generator': { source: () => generatorSource({ count: 0, generate: String }), expected: [] },
  'text lines': {
    source: () => textLinesSource('/in/text.txt', { splitBytes }),
    expected: words.map((entry) => `${entry.id} ${entry.word}`),
  },
  NDJSON: { source: () => ndjsonSource('/in/rows.ndjson', { splitBytes }), expected: words },
  'JSON array': { source: () => jsonArraySource('/in/array.json'), expected: words },
  'an empty JSON array': { source: () => jsonArraySource('/in/empty.json'), expected: [] },
  'CSV, split': {
    source: () => csvSource('/in/rows.csv', { columns: { word: 'string', id: 'integer' }, isSplittable: true, splitBytes }),
    expected: words.map(({ id, word }) => ({ word, id })),
  },
  'CSV with quoted line feeds': {
    source: () => csvSource('/in/multi.csv'),
    expected: words.map(({ id, word }) => ({ id: String(id), word: `${word}\nsecond, line` })),
  },
  'a directory': {
    source: () => fileSource('/in/parts', ndjson(), { suffix: '.ndjson', isRecursive: true }),
    expected: [1, 2, 3, 4].map((n) => ({ n })),
  },
  'a source that is throttled': {
    source: () => throttled(sequenceSource(1, 50), { recordsPerSecond: 50_000 }),
    expected: Array.from({ length: 50 }, (_, index) => index + 1),
    clock: systemClock,
  },
  batches: {
    source: () =>
      batchSource({
        name: 'batches',
        splits: () => Promise.resolve([10, 0, 25]),
        async *read({ split, skip }) {
          for (let from = skip; from < split; from += 4)
            yield Array.from({ length: Math.min(4, split - from) }, (_, index) => `${split}/${from + index}`);
        },
      }),
    expected: [10, 25].flatMap((count) => Array.from({ length: count }, (_, index) => `${count}/${index}`)),
  },
};

for (const [subject, { source, expected, clock }] of Object.entries(subjects)) {
  const test = suite(`source contract: ${subject}`);
  for (const { name, run } of sourceContract)
    test(name, () => run({ files: disk, ...(clock === undefined ? {} : { clock }), makeSource: source, expected: () => expected }));
  test.run();
}

const throttle = suite('throttled source');
throttle('all readers together emit the given rate, and catch up by a second at most (TH1)', async () => {
  const clock = new ManualClock();
  const bench = new OperatorBench({ files: disk, clock, parallelism: 2 });
  const source = throttled(sequenceSource(1, 100_000), { recordsPerSecond: 200 });
  const reader = source.createReader(bench.context);
  const [split] = await source.enumerate({ files: disk, parallelism: 2, clock: bench.context.clock, logger: bench.context.logger });
  await reader.start(split as NonNullable<typeof split>, undefined);
  let emitted = 0;
  const output = { emit: () => void emitted++, isAvailable: () => true };
  for (let step = 0; step < 100; step++) {
    while (reader.poll(output, 50) === 'more');
    const available = reader.whenAvailable();
    clock.advance(100);
    await available;
  }
  assert.ok(emitted >= 990 && emitted <= 1_001, `${emitted} records in 10 s at 100 a second`);
  const before = emitted;
  clock.advance(60_000);
  while (reader.poll(output, 50) === 'more');
  assert.ok(emitted - before <= 100, `${emitted - before} records at once after a minute`);
  await reader.close();
});
throttle('readers that one subtask has side by side share its part of the rate (TH1)', async () => {
  const clock = new ManualClock();
  const bench = new OperatorBench({ files: disk, clock, parallelism: 2 });
  const source = throttled(sequenceSource(1, 100_000), { recordsPerSecond: 200 });
  const [split] = await source.enumerate({ files: disk, parallelism: 2, clock: bench.context.clock, logger: bench.context.logger });
  const readers = [source.createReader(bench.context), source.createReader(bench.context)];
  for (const reader of readers) await reader.start(split as NonNullable<typeof split>, undefined);
  const emitted = [0, 0];
  for (let step = 0; step < 100; step++) {
    for (const [index, reader] of readers.entries()) {
      while (reader.poll({ emit: () => void (emitted[index] = (emitted[index] ?? 0) + 1), isAvailable: () => true }, 3) === 'more') {
        if (step % 2 === index) break;
      }
    }
    clock.advance(100);
  }
  const sum = emitted.reduce((left, right) => left + right);
  assert.ok(sum >= 890 && sum <= 1_001, `${emitted.join(' and ')} records in 10 s at 100 a second`);
  assert.ok(emitted.every((count) => count > 0));
  for (const reader of readers) await reader.close();
});
throttle('a source that makes time makes it when it is throttled, too', () => {
  const said: number[] = [];
  const inner = sequenceSource(1, 10);
  const bench = new OperatorBench({ files: disk, clock: new ManualClock() });
  const reader = throttled(
    {
      ...inner,
      makesTime: true,
      createReader: (context) => ({
        ...inner.createReader(context),
        start: () => undefined,
        poll: (output) => {
          output.time?.emitWatermark(7);
          return 'pending' as const;
        },
      }),
    },
    { recordsPerSecond: 10 },
  ).createReader(bench.context);
  const time = { emitWatermark: (at: number) => void said.push(at), markIdle: () => undefined, markActive: () => undefined };
  reader.poll({ emit: () => undefined, isAvailable: () => true, time }, 5);
  assert.equal(said, [7]);
});
throttle.run();

const generator = suite('generator source');
generator(
  'without a count it goes on for ever, at the rate of all readers together, and a position is where it goes on (GS1, GS2)',
  async () => {
    const clock = new ManualClock();
    const bench = new OperatorBench({ files: disk, clock, parallelism: 2 });
    const source = generatorSource({ rate: 20, generate: (index) => index * 10 });
    assert.is(source.boundedness, 'unbounded');
    const splits = await source.enumerate({ files: disk, parallelism: 2, clock: bench.context.clock, logger: bench.context.logger });
    assert.is(splits.length, 2);
    const read = async (position: unknown, seconds: number): Promise<{ values: unknown[]; position: unknown }> => {
      const values: unknown[] = [];
      const reader = source.createReader(bench.context);
      await reader.start(splits[1] as NonNullable<(typeof splits)[1]>, position);
      const output = { emit: (value: unknown) => void values.push(value), isAvailable: () => true };
      for (let step = 0; step < seconds * 10; step++) {
        while (reader.poll(output, 50) === 'more');
        const available = reader.whenAvailable();
        clock.advance(100);
        await available;
      }
      return { values, position: reader.position() };
    };
    const first = await read(undefined, 3);
    assert.ok(first.values.length >= 29 && first.values.length <= 31, `${first.values.length} records in 3 s at 10 a second`);
    assert.equal(first.values.slice(0, 3), [10, 30, 50]);
    const second = await read(first.position, 1);
    assert.is(second.values[0], (first.values.at(-1) as number) + 20);
  },
);

generator('a count or rate that makes no sense is refused when the job is built', () => {
  for (const count of [-1, 1.5, Number.NaN]) assert.throws(() => generatorSource({ count, generate: String }), /count/);
  for (const rate of [0, -1, Number.NaN]) assert.throws(() => generatorSource({ rate, generate: String }), /rate is/);
});
generator.run();
