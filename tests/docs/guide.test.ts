/** The guide says what is so: every code block of docs/guide type-checks, jobs print what the page says, tests pass. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BlockDirectory } from '../support/block-directory.js';
import { boundTests } from '../support/bounds.js';
import { guideBlocks, runBlock } from '../support/guide-blocks.js';
import { repositoryRoot } from '../support/repository-root.js';

const pages = readdirSync(join(repositoryRoot, 'docs', 'guide')).filter((name) => name.endsWith('.md'));
const blocks = pages.flatMap((page) => guideBlocks(`guide/${page}`));

const directory = new BlockDirectory();

boundTests({ testMs: 90_000, fileMs: 240_000 });
const test = suite('guide');

test.after(() => directory.remove());

test('every code block type-checks', async () => {
  assert.ok(blocks.length > 0);
  for (const { name, code } of blocks) directory.write(`${name}.ts`, code);
  assert.is(await directory.typeErrors(), '');
});

for (const block of blocks.filter(({ kind }) => kind !== 'piece')) {
  test(`${block.name} ${block.kind === 'job' ? 'prints what the page says' : 'passes'}`, async () => {
    const { code } = await transform(block.code, { loader: 'ts', format: 'esm', target: 'node20' });
    const printed = await runBlock(block, directory.write(`${block.name}.mjs`, code));
    if (block.printed !== undefined) assert.equal(printed, block.printed);
  });
}

test.run();
