/** The code blocks of docs/sources-and-sinks.md are jobs that build; their types are checked too. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bundleJob } from '../../cluster/job-code/bundler.js';
import { importJob } from '../../cluster/job-code/job-module.js';
import { BlockDirectory } from '../support/block-directory.js';
import { boundTests } from '../support/bounds.js';
import { repositoryRoot } from '../support/repository-root.js';

const guide = readFileSync(join(repositoryRoot, 'docs', 'sources-and-sinks.md'), 'utf8');
const blocks = [...guide.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match) => match[1] as string);

boundTests({ testMs: 110_000 });
const test = suite('guide to sources and sinks');

test('every code block is a job that type-checks and builds', async () => {
  assert.ok(blocks.length >= 3);
  const directory = new BlockDirectory();
  try {
    const files = blocks.map((block, index) => directory.write(`block-${index + 1}.ts`, block));
    assert.is(await directory.typeErrors(), '');
    for (const path of files) {
      const bundle = path.replace(/\.ts$/, '.mjs');
      writeFileSync(bundle, await bundleJob(path));
      const job = await importJob(bundle);
      const graph = job.build({
        ...(['airports', 'late-flights'].includes(job.name) ? { input: '/in' } : {}),
        ...(['squares', 'bids'].includes(job.name) ? { output: '/out' } : {}),
      });
      assert.ok(graph.nodes.length >= 2, job.name);
    }
  } finally {
    directory.remove();
  }
});
test.run();
