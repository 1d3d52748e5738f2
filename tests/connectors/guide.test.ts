/** The code blocks of docs/sources-and-sinks.md are jobs that build; their types are checked too. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bundleJob } from '../../cluster/job-code/bundler.js';
import { importJob } from '../../cluster/job-code/job-module.js';
import { boundTests } from '../support/bounds.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const guide = readFileSync(join(root, 'docs', 'sources-and-sinks.md'), 'utf8');
const blocks = [...guide.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match) => match[1] as string);

boundTests({ testMs: 110_000 });
const test = suite('guide to sources and sinks');

test('every code block is a job that type-checks and builds', async () => {
  assert.ok(blocks.length >= 3);
  // Inside the checkout, so that `millrace` and the compiler's settings are found; it is removed at once.
  const directory = mkdtempSync(join(root, 'dist', 'guide-'));
  try {
    const files = blocks.map((block, index) => {
      const path = join(directory, `block-${index + 1}.ts`);
      writeFileSync(path, block);
      return path;
    });
    const settings = {
      extends: join(root, 'tsconfig.json'),
      // An output elsewhere: else the compiler takes our sources for what `millrace` is, and checks all of them.
      compilerOptions: { noEmit: true, incremental: false, tsBuildInfoFile: null, rootDir: root, outDir: join(directory, 'out') },
      include: files,
      exclude: [],
    };
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(settings));
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const outcome = await promisify(execFile)(process.execPath, [compiler, '-p', directory]).catch((error: { stdout?: string }) => error);
    assert.is(outcome.stdout ?? '', '');
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
    rmSync(directory, { recursive: true, force: true });
  }
});
test.run();
