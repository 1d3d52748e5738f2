import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NodeFileSystem } from '../../cluster/adapters/node-file-system.js';
import { csvSource, type FileSourceOptions, jsonArraySource, ndjsonSource, textLinesSource } from '../../connectors/files/file-source.js';
import { malformedRows, type MalformedRow } from '../../connectors/malformed-row.js';
import { MillraceError } from '../../core/errors.js';
import type { Source } from '../../dataflow/contracts.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { OperatorBench } from '../../testing/operator-bench.js';
import { readAll } from '../../testing/contracts/source.js';
import { putFile } from '../support/put-file.js';

/** Text with what makes trouble: several bytes a character, quotes, delimiters, carriage returns, nothing. */
const pieces = fc.constantFrom('a', 'ß', '漢', '👩‍🌾', '\u2028', '"', ',', ' ', '\r', '\\', '\u0000', 'xyz'.repeat(9));
const text = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(''));
const paces = fc.record({
  splitBytes: fc.integer({ min: 1, max: 120 }),
  blockBytes: fc.integer({ min: 1, max: 64 }),
  readers: fc.integer({ min: 1, max: 4 }),
});

async function readText(content: string | Uint8Array, makeSource: () => Source<unknown>, readers = 1): Promise<unknown[]> {
  const files = new MemoryFileSystem();
  await putFile(files, '/in', content);
  return inSplitOrder(await readAll({ files, makeSource }, readers));
}

/** Undoes the dealing out of splits is not possible in general: compare as multisets. */
function inSplitOrder(read: readonly unknown[][]): unknown[] {
  return read.flat().sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

const sortedAlike = (values: readonly unknown[]): unknown[] => inSplitOrder([[...values]]);

const properties = suite('file source, random files');

properties('every line is read once, whatever the ranges, blocks and readers (FR1)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(text),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      fc.boolean(),
      paces,
      async (lines, end, isEnded, hasMark, pace) => {
        const kept = lines.map((line) => line.replace(/\r+$/, ''));
        const content = (hasMark ? '\ufeff' : '') + kept.join(end) + (isEnded && kept.length > 0 ? end : '');
        if (!isEnded && kept.at(-1) === '') kept.pop();
        assert.equal(await readText(content, () => textLinesSource('/in', pace), pace.readers), sortedAlike(kept));
      },
    ),
    { numRuns: 200 },
  );
});

properties('NDJSON and JSON array give the same values', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 20 }),
      fc.constantFrom(0, 1, '\t'),
      paces,
      async (values, space, pace) => {
        const expected = sortedAlike(JSON.parse(JSON.stringify(values)) as unknown[]);
        const lines = values.map((value) => JSON.stringify(value)).join('\n');
        assert.equal(await readText(lines, () => ndjsonSource('/in', pace), pace.readers), expected);
        assert.equal(
          await readText(JSON.stringify(values, null, space), () => jsonArraySource('/in', { blockBytes: pace.blockBytes })),
          expected,
        );
      },
    ),
    { numRuns: 200 },
  );
});

const csvText = (field: string, force: boolean): string =>
  force || /[",\n\r]/.test(field) || field === '' ? `"${field.replaceAll('"', '""')}"` : field;

properties('CSV gives back what was written, quoted or not, with line feeds in quotes (CF1, CF2)', async () => {
  const row = fc.tuple(
    fc.tuple(text, text, fc.constantFrom('', '\n', 'two\r\nlines')).map(([a, b, c]) => [a, b + c, c]),
    fc.boolean(),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(row), fc.constantFrom('\n', '\r\n'), fc.integer({ min: 1, max: 64 }), async (rows, end, blockBytes) => {
      const content = [
        'x,"y\n""z""",w',
        ...rows.map(([fields, force]) => fields.map((field) => csvText(field as string, force)).join(',')),
      ].join(end);
      const expected = rows.map(([fields]) => ({ x: fields[0], 'y\n"z"': fields[1], w: fields[2] }));
      assert.equal(await readText(content, () => csvSource('/in', { blockBytes })), sortedAlike(expected));
    }),
    { numRuns: 200 },
  );
});

properties('CSV split by bytes reads what one reader reads', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(text, fc.integer(), fc.boolean())), paces, async (rows, pace) => {
      const content = ['name,n', ...rows.map(([name, n, force]) => `${csvText(name, force)},${n}`)].join('\n');
      const options = { ...pace, columns: { n: 'integer', name: 'string' }, isSplittable: true } as const;
      assert.equal(
        await readText(content, () => csvSource('/in', options), pace.readers),
        sortedAlike(rows.map(([name, n]) => ({ n, name }))),
      );
    }),
    { numRuns: 200 },
  );
});
properties.run();

/** Reads with one reader; the error that reading failed of. */
async function failureOf(files: MemoryFileSystem, source: Source<unknown>): Promise<MillraceError> {
  try {
    await readAll({ files, makeSource: () => source }, 1);
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error('nothing failed');
}

async function malformedOf(
  content: string | Uint8Array,
  make: (options: FileSourceOptions) => Source<unknown>,
  splitBytes?: number,
): Promise<{ rows: MalformedRow[]; records: unknown[] }> {
  const files = new MemoryFileSystem();
  await putFile(files, '/in', content);
  const bench = new OperatorBench({ files });
  const source = make({ malformed: 'side-output', ...(splitBytes === undefined ? {} : { splitBytes }) });
  const records: unknown[] = [];
  for (const split of await source.enumerate({ files, parallelism: 1, clock: bench.context.clock, logger: bench.context.logger })) {
    const reader = source.createReader(bench.context);
    await reader.start(split, undefined);
    const output = { emit: (value: unknown) => void records.push(value), isAvailable: () => true };
    for (let status = reader.poll(output, 5); status !== 'split-finished'; status = reader.poll(output, 5)) {
      if (status === 'pending') await reader.whenAvailable();
    }
    await reader.close();
  }
  return { rows: (bench.sideOutputs.get(malformedRows.id) ?? []) as MalformedRow[], records };
}

const cutting = suite('file source, splits');

cutting('a file is one split unless ranges are asked for, however large it is and however many readers there are', async () => {
  const files = new MemoryFileSystem();
  await putFile(files, '/in/a.ndjson', '{"n":1}\n'.repeat(400_000));
  await putFile(files, '/in/b.ndjson', '{"n":2}\n');
  const { clock, logger } = new OperatorBench({ files }).context;
  const splitsOf = async (options: FileSourceOptions): Promise<number> =>
    (await ndjsonSource('/in', options).enumerate({ files, clock, parallelism: 4, logger })).length;
  assert.is(await splitsOf({}), 2);
  assert.is(await splitsOf({ ranges: false }), 2);
  assert.is(await splitsOf({ ranges: true }), 5, 'ranges of at least a MiB of the first file, and the second');
  assert.is(await splitsOf({ splitBytes: 100_000 }), 33);
});
cutting.run();

const bad = suite('file source, bad input');

bad('a missing file fails when splits are looked for, and the error names the path', async () => {
  const error = await failureOf(new MemoryFileSystem(), textLinesSource('/nowhere/in.txt'));
  assert.is(error.code, 'FILE_NOT_FOUND');
  assert.match(error.message, '/nowhere/in.txt');
  assert.is(error.recovery, 'fail-job');
});

bad('what is neither a file nor a directory cannot be read', async () => {
  const files = new NodeFileSystem();
  const { clock, logger } = new OperatorBench({ files }).context;
  const error: unknown = await textLinesSource('/dev/null')
    .enumerate({ files, clock, parallelism: 1, logger })
    .catch((reason: unknown) => reason);
  assert.match(String(error), '/dev/null is neither a file nor a directory');
});

bad('a path that is not absolute is refused when the job is built', () => {
  assert.throws(() => textLinesSource('in.txt'), /not an absolute path/);
  assert.not.throws(() => textLinesSource(new URL('file:///in.txt')));
});

bad('ranges of a format whose records may hold line feeds are refused when the job is built', () => {
  assert.throws(() => jsonArraySource('/in', { ranges: true }), /json-array files cannot be read in ranges/);
  assert.throws(() => csvSource('/in', { ranges: true }), /csv files cannot be read in ranges/);
  assert.throws(() => csvSource('/in', { splitBytes: 100 }), /csv files cannot be read in ranges/);
  assert.not.throws(() => csvSource('/in', { ranges: true, isSplittable: true }));
});

bad('a malformed line fails with path and line number, also in a range that begins in the middle (FR3)', async () => {
  const files = new MemoryFileSystem();
  await putFile(files, '/in', `${'{"n":1}\n'.repeat(41)}{"n":\n{"n":2}\n`);
  for (const splitBytes of [10_000, 100, 7]) {
    const error = await failureOf(files, ndjsonSource('/in', { splitBytes }));
    assert.is(error.code, 'SOURCE_MALFORMED');
    assert.match(error.message, '/in, line 42:');
  }
});

bad('with side-output the bad rows come out with their place, and the good ones are all read', async () => {
  const { rows, records } = await malformedOf('{"n":1}\nnope\n{"n":2}\n', (options) => ndjsonSource('/in', options));
  assert.equal(records, [{ n: 1 }, { n: 2 }]);
  assert.is(rows.length, 1);
  assert.is(rows[0]?.line, 2);
  assert.is(rows[0]?.offset, 8);
  assert.is(rows[0]?.text, 'nope');
});

bad('in a range that begins in the middle the line is unknown and the offset stands', async () => {
  const { rows } = await malformedOf('{"n":1}\nnope\n{"n":2}\n', (options) => ndjsonSource('/in', options), 8);
  assert.equal(
    rows.map(({ line, offset }) => [line, offset]),
    [[null, 8]],
  );
});

bad('text that is not UTF-8 is malformed', async () => {
  const { rows, records } = await malformedOf(Buffer.from([0x61, 0x0a, 0xff, 0x0a, 0x62]), (options) => textLinesSource('/in', options));
  assert.equal(records, ['a', 'b']);
  assert.match(rows[0]?.reason ?? '', 'UTF-8');
});

bad('CSV: wrong field counts, wrong types and wrong quotes are malformed, each alone', async () => {
  const content = 'n,word\n1,a\n2\n3,b,c\nx,d\n4,"e\n"5,f\n6,7"8\n"9",ok\n';
  const make = (options: FileSourceOptions): Source<unknown> =>
    csvSource('/in', { ...options, columns: { n: 'number', word: 'string' }, isSplittable: true });
  const { rows, records } = await malformedOf(content, make);
  assert.equal(records, [
    { n: 1, word: 'a' },
    { n: 9, word: 'ok' },
  ]);
  assert.equal(
    rows.map(({ line }) => line),
    [3, 4, 5, 6, 7, 8],
  );
});

bad('CSV with line feeds in quotes: a stray quote costs its own row only', async () => {
  const { rows, records } = await malformedOf('n,word\n1,5" pipe\n2,b\n', (options) => csvSource('/in', options));
  assert.equal(records, [{ n: '2', word: 'b' }]);
  assert.equal(
    rows.map(({ line, text }) => [line, text]),
    [[2, '1,5" pipe']],
  );
});

bad('CSV: line numbers count line feeds in quotes and in the header', async () => {
  const { rows } = await malformedOf('"n\nx",word\n1,"a\n\nb"\nbad\n', (options) => csvSource('/in', options));
  assert.equal(
    rows.map(({ line }) => line),
    [6],
  );
});

bad('CSV: a quote that never closes is malformed', async () => {
  const { rows, records } = await malformedOf('n,word\n1,a\n2,"b\n3,c\n', (options) => csvSource('/in', options));
  assert.is(records.length, 1);
  assert.match(rows[0]?.reason ?? '', 'never closed');
});

bad('CSV: a column that is not there fails and the header is told', async () => {
  const files = new MemoryFileSystem();
  await putFile(files, '/in', 'a,b\n1,2\n');
  const error = await failureOf(files, csvSource('/in', { columns: { c: 'string' } }));
  assert.match(error.message, /no column "c".*"a", "b"/);
});

bad('CSV: null where a nullable column is empty; numbers are decimal', async () => {
  const { records, rows } = await malformedOf('a,b,c,d\n,x,TRUE,1.5e3\n1,y,0,0x10\n', (options) =>
    csvSource('/in', { ...options, columns: { a: 'integer?', b: 'string', c: 'boolean', d: 'number' } }),
  );
  assert.equal(records, [{ a: null, b: 'x', c: true, d: 1500 }]);
  assert.is(rows.length, 1);
});

bad('a record past the bound fails whatever the policy', async () => {
  const files = new MemoryFileSystem();
  await putFile(files, '/in', `short\n${'x'.repeat(500)}\nshort\n`);
  for (const blockBytes of [16, 10_000]) {
    const error = await failureOf(files, textLinesSource('/in', { recordBytesMax: 100, blockBytes, malformed: 'side-output' }));
    assert.match(error.message, /line 2: the record is longer than 100 bytes/);
  }
});

bad('JSON array: what is no array, ends early or goes on is an error; a bad element can be left out', async () => {
  const files = new MemoryFileSystem();
  const broken: Record<string, RegExp> = {
    '{"a":1}': /does not begin with/,
    '[1,2': /ends before the array/,
    '[{"a":1}': /ends before the array/,
    '[1,]': /a value expected/,
    '[1 2]': /"," or "]" expected/,
    '[1] x': /text after the array/,
    '["abc': /ends before the array/,
  };
  for (const [content, message] of Object.entries(broken)) {
    await putFile(files, '/in', content);
    assert.match((await failureOf(files, jsonArraySource('/in', { malformed: 'side-output' }))).message, message, content);
  }
  const { rows, records } = await malformedOf('[1,\n{"a":},\n3]', (options) => jsonArraySource('/in', options));
  assert.equal(records, [1, 3]);
  assert.is(rows[0]?.line, 2);
  assert.is(rows[0]?.text, '{"a":}');
});

bad('a file that shrank since the job began fails instead of ending early', async () => {
  const files = new MemoryFileSystem();
  await putFile(files, '/in', 'a\nb\nc\n');
  const source = textLinesSource('/in');
  const context = new OperatorBench({ files }).context;
  const [split] = await source.enumerate({ files, parallelism: 1, clock: context.clock, logger: context.logger });
  await putFile(files, '/in', 'a\nb\n');
  const reader = source.createReader(context);
  await reader.start(split as NonNullable<typeof split>, undefined);
  const read = async (): Promise<void> => {
    while (reader.poll({ emit: () => undefined, isAvailable: () => true }, 5) !== 'split-finished') await reader.whenAvailable();
  };
  const error = await read().catch((reason: unknown) => reason);
  assert.match(String(error), /ends at byte 4 and had 6/);
});
bad.run();
