/** The guide says what is so: every code block of docs/guide type-checks, jobs print what the page says, tests pass. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { boundTests } from '../support/bounds.js';
import { guideBlocks, runBlock } from '../support/guide-blocks.js';
import { repositoryRoot } from '../support/repository-root.js';

const pages = readdirSync(join(repositoryRoot, 'docs', 'guide')).filter((name) => name.endsWith('.md'));
const blocks = pages.flatMap((page) => guideBlocks(`guide/${page}`));

// Inside the checkout, so that `millrace` and the compiler's settings are found; it is removed at the end.
const directory = mkdtempSync(join(repositoryRoot, 'dist', 'guide-'));
const pathOf = (name: string): string => join(directory, `${name}.ts`);

boundTests({ testMs: 90_000, fileMs: 240_000 });
const test = suite('guide');

test.after(() => rmSync(directory, { recursive: true, force: true }));

test('every code block type-checks', async () => {
  assert.ok(blocks.length > 0);
  for (const { name, code } of blocks) writeFileSync(pathOf(name), code);
  const settings = {
    extends: join(repositoryRoot, 'tsconfig.json'),
    // An output elsewhere: else the compiler takes our sources for what `millrace` is, and checks all of them.
    compilerOptions: { noEmit: true, incremental: false, tsBuildInfoFile: null, rootDir: repositoryRoot, outDir: join(directory, 'out') },
    include: ['*.ts'],
    exclude: [],
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(settings));
  const compiler = join(repositoryRoot, 'node_modules', 'typescript', 'bin', 'tsc');
  const outcome = await promisify(execFile)(process.execPath, [compiler, '-p', directory]).catch((error: { stdout?: string }) => error);
  assert.is(outcome.stdout ?? '', '');
});

for (const block of blocks.filter(({ kind }) => kind !== 'piece')) {
  test(`${block.name} ${block.kind === 'job' ? 'prints what the page says' : 'passes'}`, async () => {
    const { code } = await transform(block.code, { loader: 'ts', format: 'esm', target: 'node20' });
    const path = pathOf(block.name).replace(/\.ts$/, '.mjs');
    writeFileSync(path, code);
    const run = await runBlock(block, pathToFileURL(path).href);
    assert.is(run.exitCode, 0, run.errors);
    if (block.printed !== undefined) assert.equal(run.lines, block.printed);
  });
}

test.run();
