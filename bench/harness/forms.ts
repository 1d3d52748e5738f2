/**
 * Forms: programs that do one piece of work in a process of their own, so that no form profits or suffers from what the
 * compiler learnt from another.
 *
 * FM1  A form says when its measured part begins and ends by a mark on stdout; what comes before the first is warm-up.
 * FM2  A form that fails, or takes too long, fails the benchmark with what it wrote.
 */
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Buckets } from './latency-histogram.js';
import { tellMark } from './profile-hook.js';

/** A moment of a form: wall clock, and the processor time its process had used. */
export interface Mark {
  readonly mark: string;
  readonly at: number;
  readonly cpuMs: number;
  /** Anything a form wants to be checked: counts, sums. */
  readonly value?: number;
  /** Latencies of a form that measured them. */
  readonly latencies?: Buckets;
}

const prefix = '@bench ';
const patienceDefaultMs = 300_000;
const distRoot = new URL('../../', import.meta.url);

/** Called in a form, on any of its threads. Written at once: a thread that is ended loses what its own stdout still holds. */
export function mark(name: string, value?: number, latencies?: Buckets): void {
  const { user, system } = process.cpuUsage();
  const line: Mark = {
    mark: name,
    at: performance.timeOrigin + performance.now(),
    cpuMs: (user + system) / 1_000,
    ...(value === undefined ? {} : { value }),
    ...(latencies === undefined ? {} : { latencies }),
  };
  tellMark(name);
  writeSync(1, `${prefix}${JSON.stringify(line)}\n`);
}

/** The mark that a line of a form's output is, if it is one. */
export function markIn(line: string): Mark | undefined {
  return line.startsWith(prefix) ? (JSON.parse(line.slice(prefix.length)) as Mark) : undefined;
}

/** A compiled script below dist. */
export function scriptPath(name: string): string {
  return fileURLToPath(new URL(name, distRoot));
}

export interface FormRun {
  readonly marks: readonly Mark[];
  /** Wall clock when the process was asked for, and when it had ended. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly output: string;
}

export interface FormCommand {
  /** A compiled file below dist; else give `command`. */
  readonly script?: string;
  readonly command?: string;
  readonly args?: readonly string[];
  readonly nodeFlags?: readonly string[];
  readonly cwd?: string;
  /** How long it may take (FM2). */
  readonly patienceMs?: number;
  /** Called with the id of the process, and with every mark as it comes: for work that several processes share. */
  readonly onStart?: (pid: number) => void;
  readonly onMark?: (mark: Mark) => void;
}

/** Runs a command to its end. */
export async function runForm(what: FormCommand): Promise<FormRun> {
  const { script, command = process.execPath, args = [], nodeFlags = [], cwd, patienceMs = patienceDefaultMs, onStart, onMark } = what;
  const startedAt = Date.now();
  const child = spawn(command, [...(script === undefined ? [] : [...nodeFlags, scriptPath(script)]), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  if (onMark !== undefined) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const heard = markIn(line);
      if (heard !== undefined) onMark(heard);
    });
  }
  if (child.pid !== undefined) onStart?.(child.pid);
  const watchdog = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearTimeout(watchdog);
  const endedAt = Date.now();
  if (code !== 0) throw new Error(`${script ?? command} ${args.join(' ')} ended with ${code ?? 'a signal'}:\n${output.slice(-2_000)}`);
  return { marks: marksIn(output), startedAt, endedAt, output };
}

function marksIn(output: string): readonly Mark[] {
  return output
    .split('\n')
    .map(markIn)
    .filter((one) => one !== undefined);
}

/** The measured part of a form: from the first `begin` to the last `end` (FM1). */
export function measuredPart({ marks }: FormRun): { readonly ms: number; readonly cpuMs: number; readonly value: number } {
  const begins = marks.filter(({ mark: name }) => name === 'begin');
  const ends = marks.filter(({ mark: name }) => name === 'end');
  if (begins.length === 0 || ends.length === 0) throw new Error('a form said neither when it began nor when it ended');
  return {
    ms: Math.max(...ends.map(({ at }) => at)) - Math.min(...begins.map(({ at }) => at)),
    cpuMs: Math.max(...ends.map(({ cpuMs }) => cpuMs)) - Math.min(...begins.map(({ cpuMs }) => cpuMs)),
    value: ends.reduce((sum, { value = 0 }) => sum + value, 0),
  };
}
