/**
 * One test file in its own process and process group.
 *
 * - TR4 the process ends within the file's bound: afterwards its whole group is killed, with whatever it started.
 * - TR5 a process that ends without its last message (crash, early exit, a promise that nobody settles) has failed,
 *   whatever its exit code, and the test that was running is named.
 * - TR6 a file that registered no test, or whose suite was never run, has failed.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestFile } from './find-files.js';
import { fileBoundMsDefault, fileBoundMsMax, type FileCounts, type FileMessage } from './messages.js';

/** A test and the time until the next one began, or the file ended. */
export interface TimedTest {
  readonly name: string;
  readonly elapsedMs: number;
}

export interface FileResult {
  readonly file: TestFile;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly elapsedMs: number;
  /** The test, or hook, that took longest. */
  readonly longest: TimedTest | undefined;
  /** What went wrong beside failing tests, as sentences. */
  readonly problems: readonly string[];
  /** What the process printed. */
  readonly output: string;
}

const runFilePath = fileURLToPath(new URL('./run-file.js', import.meta.url));
const outputBytesMax = 1_000_000;
const running = new Set<ChildProcess>();

/** Runs `file` to its end. Never rejects. */
export function runTestFile(file: TestFile, environment: NodeJS.ProcessEnv): Promise<FileResult> {
  const startedAt = performance.now();
  const child = fork(runFilePath, [file.path], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: environment,
    execArgv: ['--enable-source-maps'],
  });
  running.add(child);

  const problems: string[] = [];
  let output = '';
  let current: string | undefined;
  let currentSince = startedAt;
  let longest: TimedTest | undefined;
  const testEnded = (): void => {
    const elapsedMs = performance.now() - currentSince;
    if (current !== undefined && elapsedMs > (longest?.elapsedMs ?? 0)) longest = { name: current, elapsedMs };
  };
  let counts: FileCounts | undefined;
  const append = (chunk: Buffer): void => {
    if (output.length < outputBytesMax) output += chunk.toString('utf8');
  };
  child.stdout?.on('data', append);
  child.stderr?.on('data', append);

  const expire = (ms: number) => (): void => {
    problems.push(`took longer than ${ms} ms${current === undefined ? '' : `, during ${current}`}`);
    killGroup(child);
  };
  let timer = setTimeout(expire(fileBoundMsDefault), fileBoundMsDefault);
  child.on('message', (message: FileMessage) => {
    if (message.kind === 'test-started') {
      testEnded();
      current = message.name;
      currentSince = performance.now();
    } else if (message.kind === 'test-failed') problems.push(`${message.name}: ${message.report}`);
    else if (message.kind === 'file-bound') {
      clearTimeout(timer);
      const ms = Math.min(message.ms, fileBoundMsMax);
      timer = setTimeout(expire(ms), ms);
    } else {
      testEnded();
      counts = message.counts;
    }
  });

  return new Promise((resolve) => {
    child.on('error', (error) => problems.push(`could not be started: ${error.message}`));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      killGroup(child);
      running.delete(child);
      if (counts === undefined && problems.length === 0) {
        const how = signal === null ? `exit code ${code}` : signal;
        problems.push(`ended early (${how})${current === undefined ? ' before its first test' : `, during ${current}`}`);
      }
      if (counts !== undefined) problems.push(...incomplete(counts));
      const failed = (counts?.failed ?? 0) + (counts?.unrun ?? 0);
      resolve({
        file,
        passed: counts?.passed ?? 0,
        failed: Math.max(failed, problems.length > 0 ? 1 : 0),
        skipped: counts?.skipped ?? 0,
        elapsedMs: performance.now() - startedAt,
        longest,
        problems,
        output,
      });
    });
  });
}

/** Ends all test files that still run, with everything they started. */
export function killRunningFiles(): void {
  for (const child of running) killGroup(child);
}

function incomplete(counts: FileCounts): string[] {
  if (counts.unrun > 0) return [`${counts.unrun} tests were registered but not run: a suite lacks its \`test.run()\``];
  return counts.passed + counts.failed + counts.skipped === 0 ? ['registered no test'] : [];
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: the group is gone, which is what we want.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
