/**
 * The chain of chain-job.ts in this thread, after so many other jobs ran here: `<others> <records> <warm-up>`. Task runtimes
 * under a simulated clock, so that all of it is one thread; every job module is bundled and loaded as in a slot.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleJob } from '../../cluster/job-code/bundler.js';
import { CodeCache } from '../../cluster/job-code/code-cache.js';
import { importJob } from '../../cluster/job-code/job-module.js';
import type { JobDefinition } from '../../dataflow/contracts.js';
import { TaskHarness } from '../../testing/task-harness.js';

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
const cache = new CodeCache(directory);

async function load(module: string): Promise<JobDefinition> {
  const path = fileURLToPath(new URL(`../jobs/${module}.js`, import.meta.url));
  const bundle = await bundleJob(path);
  return importJob(await cache.put(createHash('sha256').update(bundle).digest('hex'), bundle), path);
}

async function run(job: JobDefinition, parameters: Readonly<Record<string, string>>): Promise<void> {
  const harness = new TaskHarness({ graph: job.build(parameters), checkpointEveryMs: 500 });
  harness.deploy();
  await harness.runToEnd();
}

const [others = 0, records = 0, warmUp = 0] = process.argv.slice(2).map(Number);
const otherJob = await load('other-chain-job');
for (let variant = 0; variant < others; variant += 1) await run(otherJob, { variant: String(variant), records: '1000000' });
await run(await load('chain-job'), { records: String(records), warmUp: String(warmUp) });
