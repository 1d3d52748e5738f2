/** The Parquet source over files written by another library. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NodeFileSystem } from '../../cluster/adapters/node-file-system.js';
import { parquetSource, type ParquetOptions } from '../../connectors/parquet/parquet-source.js';
import { sourceContract } from '../../testing/contracts/source.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { boundTests } from '../support/bounds.js';
import { failureOf } from '../support/failure-of.js';
import { putFile } from '../support/put-file.js';
import { runContract } from '../support/run-contract.js';
import { SourceReading } from '../support/source-reading.js';

boundTests({ testMs: 60_000 });

const rows = 50;
const rowGroupSize = 20;

function columnsFrom(first: number): ColumnSource[] {
  const indexes = Array.from({ length: rows }, (_, index) => first + index);
  return [
    { name: 'id', data: indexes, type: 'INT32' },
    { name: 'word', data: indexes.map((index) => ['mill', 'Mühle', '粉ひき', null][index % 4] ?? null), type: 'STRING' },
    { name: 'count', data: indexes.map((index) => BigInt(index) * 1_000n), type: 'INT64' },
    { name: 'ratio', data: indexes.map((index) => index / 8), type: 'DOUBLE' },
  ];
}

const expectedFrom = (first: number): Record<string, unknown>[] =>
  Array.from({ length: rows }, (_, index) => ({
    id: first + index,
    word: ['mill', 'Mühle', '粉ひき', null][(first + index) % 4] ?? null,
    count: (first + index) * 1_000,
    ratio: (first + index) / 8,
  }));

const files = new MemoryFileSystem();
const write = (path: string, columnData: ColumnSource[]): Promise<void> =>
  putFile(files, path, new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize })));
await write('/in/a.parquet', columnsFrom(0));
await write('/in/b.parquet', columnsFrom(rows));
await putFile(files, '/in/_metadata.parquet', 'not read');
await putFile(files, '/in/notes.txt', 'not read');

const variants: Record<string, { paths: string; options: ParquetOptions<Record<string, unknown>>; expected: unknown[] }> = {
  'a file': { paths: '/in/a.parquet', options: {}, expected: expectedFrom(0) },
  'row groups of a file': { paths: '/in/a.parquet', options: { rowGroups: true }, expected: expectedFrom(0) },
  'a directory, some columns': {
    paths: '/in',
    options: { columns: ['word', 'id'] },
    expected: [...expectedFrom(0), ...expectedFrom(rows)].map(({ word, id }) => ({ word, id })),
  },
};
for (const [name, { paths, options, expected }] of Object.entries(variants)) {
  const makeSource = () => parquetSource(paths, options);
  runContract(`source contract: Parquet, ${name}`, sourceContract, async () => ({
    fixture: { files, makeSource, expected: () => expected },
  }));
}

const test = suite('Parquet source');

test('a file is one split and its rows come in order; with rowGroups each group is a split (PS1)', async () => {
  assert.is((await new SourceReading(parquetSource('/in'), files).splits(8)).length, 2);
  assert.is((await new SourceReading(parquetSource('/in', { rowGroups: true }), files).splits(8)).length, 6);
  const reading = new SourceReading(parquetSource('/in/a.parquet'), files);
  await reading.start();
  assert.equal(await reading.until(rows + 1), expectedFrom(0));
  assert.ok(reading.isFinished);
  await reading.close();
});

test('64-bit integers are numbers, or bigint when asked; one that is not exact fails the job', async () => {
  await write('/big.parquet', [{ name: 'n', data: [1n, 2n ** 53n + 1n], type: 'INT64' }]);
  const asBigint = new SourceReading(parquetSource('/big.parquet', { integers: 'bigint' }), files);
  await asBigint.start();
  assert.equal(await asBigint.until(2), [{ n: 1n }, { n: 2n ** 53n + 1n }]);
  const reading = new SourceReading(parquetSource('/big.parquet'), files);
  await reading.start();
  await reading.until(2);
  assert.is(reading.failure?.code, 'PARQUET_INTEGER');
  assert.match(reading.failure?.message ?? '', '9007199254740993 in the column "n"');
  await asBigint.close();
  await reading.close();
});

test('what is not Parquet, a column that is not there, and a missing file are told by their names', async () => {
  await putFile(files, '/broken.parquet', 'PAR1 this is not Parquet PAR1');
  const outcomes: [string, ParquetOptions<Record<string, unknown>>, string, string][] = [
    ['/broken.parquet', {}, 'PARQUET_UNREADABLE', '/broken.parquet'],
    ['/in/a.parquet', { columns: ['wrod'] }, 'PARQUET_NO_COLUMN', '"wrod"; it has "id", "word"'],
  ];
  for (const [path, options, code, text] of outcomes) {
    const reading = new SourceReading(parquetSource(path, options), files);
    await reading.start();
    await reading.until(1);
    assert.is(reading.failure?.code, code);
    assert.match(reading.failure?.message ?? '', text);
    await reading.close();
  }
  assert.is((await failureOf(new SourceReading(parquetSource('/nowhere'), files).splits())).code, 'FILE_NOT_FOUND');
  assert.throws(() => parquetSource('relative.parquet'), /not an absolute path/);
});

test('a real file of 3,000,000 rows in 11 row groups: every row, from the disk', async () => {
  const data = join(dirname(createRequire(import.meta.url).resolve('vega-datasets')), '..', 'data', 'flights-3m.parquet');
  const source = parquetSource<{ origin: string; delay: number }>(data, { columns: ['origin', 'delay'], rowGroups: true });
  const reading = new SourceReading(source, new NodeFileSystem());
  const splits = await reading.splits();
  assert.is(splits.length, 11);
  await reading.start(undefined, splits[10]);
  const last = (await reading.until(1_000_000)).length;
  assert.ok(reading.isFinished);
  assert.is(10 * (splits[1]?.data as { group: { firstRow: number } }).group.firstRow + last, 3_000_000);
  assert.equal(Object.keys(reading.records[0] as object), ['origin', 'delay']);
  await reading.close();
});
test.run();
