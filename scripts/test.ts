/**
 * Runs the compiled tests: `node dist/scripts/test.js [--slowest] [part of a test's path …]`.
 *
 * Each file runs in a process of its own, as many at a time as there are cores. Of those that start clusters only one runs
 * at a time, beside the others: much of its time it waits. What keeps every core busy runs alone, at the end. When a file needs them, a nats-server and a redis-server are started on free ports of loopback and named in
 * MILLRACE_TEST_NATS_URL and MILLRACE_TEST_REDIS_URL; MILLRACE_TEST_NATS_SERVER and MILLRACE_TEST_REDIS_SERVER name
 * the binaries, for tests that start their own.
 *
 * The last line is `N passed, N failed`. The exit code is 0 when at least one test passed and none failed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { requireServerBinaries } from '../cluster/servers/find-binaries.js';
import { natsUrl, redisUrl, startNatsServer, startRedisServer } from '../cluster/servers/start-servers.js';
import { killRunningFiles, runTestFile, type FileResult } from './test-runner/file-process.js';
import { findTestFiles, type TestFile } from './test-runner/find-files.js';
import { formatFileResult, formatSlowest, formatSummary, formatTotals } from './test-runner/report.js';
import { runInTurns } from './test-runner/turns.js';

endWithReader();

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Temporary directories of test files are made in here, and removed with it even when their process was killed. */
const scratch = mkdtempSync(join(tmpdir(), 'millrace-test-'));

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  const filters = words.filter((word) => !word.startsWith('--'));
  const unknown = words.find((word) => word.startsWith('--') && word !== '--slowest');
  if (unknown !== undefined) throw new TypeError(`There is no flag ${unknown}; the tests take --slowest, and parts of their paths.`);
  const files = findTestFiles(root, filters);
  if (files.length === 0) {
    say(filters.length === 0 ? 'There are no compiled tests. Run: npm run build' : `No test file matches ${filters.join(' ')}.`);
    say(formatTotals(0, 1));
    return 1;
  }
  const environment = { ...process.env, TMPDIR: scratch, ...(files.some((file) => file.needsServers) ? await startServers() : {}) };
  const run = async (file: TestFile): Promise<FileResult> => {
    const result = await runTestFile(file, environment);
    say(formatFileResult(result));
    return result;
  };
  const results = await runInTurns({ files, atOnce: availableParallelism(), run });
  if (words.includes('--slowest')) say(formatSlowest(results));
  say(formatSummary(results));
  return results.some((result) => result.failed > 0) || results.every((result) => result.passed === 0) ? 1 : 0;
}

async function startServers(): Promise<Record<string, string>> {
  const binaries = requireServerBinaries(say);
  const [nats, redis] = await Promise.all([startNatsServer(binaries), startRedisServer(binaries)]);
  return {
    MILLRACE_TEST_NATS_URL: natsUrl(nats),
    MILLRACE_TEST_REDIS_URL: redisUrl(redis),
    MILLRACE_TEST_NATS_SERVER: binaries.nats,
    MILLRACE_TEST_REDIS_SERVER: binaries.redis,
  };
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    process.exit(130);
  });
}
process.on('exit', () => {
  killRunningFiles();
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
});

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    say(formatTotals(0, 1));
    process.exit(1);
  },
);
