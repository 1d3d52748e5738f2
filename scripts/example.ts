/**
 * `npm run example -- <number or name> [--parameter value …]`: runs an example on an embedded cluster, without any server.
 * Without a name it lists them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { coloursFor } from '../cluster/cli/colours.js';
import { endText, ProgressDisplay } from '../cluster/cli/job-display.js';
import { run } from '../cluster/embedded/run.js';
import { parseParameters } from '../cluster/job-code/compiled-job.js';
import { explainError, toErrorRecord } from '../core/errors.js';

endWithReader();

const sources = new URL('../../examples/', import.meta.url);
const compiled = new URL('../examples/', import.meta.url);

/** Names of the examples, in their order. */
function exampleNames(): readonly string[] {
  return readdirSync(fileURLToPath(sources))
    .filter((name) => /^\d\d-.*\.ts$/.test(name))
    .map((name) => name.slice(0, -'.ts'.length))
    .sort();
}

/** What an example says of itself: the first sentence of its head. */
function titleOf(name: string): string {
  const head = readFileSync(new URL(`${name}.ts`, sources), 'utf8').split('\n')[1] ?? '';
  return head.replace(/^ \* /, '');
}

async function main(): Promise<void> {
  const [wanted, ...words] = process.argv.slice(2);
  const names = exampleNames();
  const name = names.find((one) => wanted !== undefined && (one === wanted || one.startsWith(`${wanted.padStart(2, '0')}-`)));
  if (name === undefined) {
    process.stderr.write(`${wanted === undefined ? 'Which example?' : `There is no example "${wanted}".`} npm run example -- <number>\n`);
    for (const one of names) process.stderr.write(`  ${one}: ${titleOf(one)}\n`);
    process.exitCode = 1;
    return;
  }
  const display = new ProgressDisplay();
  try {
    const end = await run(new URL(`${name}.js`, compiled).href, {
      parameters: parseParameters(words),
      onProgress: (job) => display.show(job, Date.now()),
    });
    display.close();
    process.stderr.write(`${endText(end, coloursFor(process.stderr))}\n`);
  } catch (error) {
    display.close();
    process.stderr.write(`${explainError(toErrorRecord(error))}\n`);
    process.exitCode = 1;
  }
}

if (isMainThread) await main();
