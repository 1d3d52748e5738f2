/** Runs examples embedded, each in a process of its own, so that what they print can be read. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { linesOf } from './printed-lines.js';

export interface ExampleRun {
  readonly exitCode: number | null;
  /** Lines on standard output, without the `2> ` that tells parallel subtasks apart. */
  readonly lines: readonly string[];
  readonly errors: string;
}

const program = fileURLToPath(new URL('../../scripts/example.js', import.meta.url));

/** Runs an example to its end; killed after 100 s. `nodeFlags` go to its process. */
export function runExample(
  name: string,
  parameters: Readonly<Record<string, string>> = {},
  nodeFlags: readonly string[] = [],
): Promise<ExampleRun> {
  const words = Object.entries(parameters).flatMap(([parameter, value]) => [`--${parameter}`, value]);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...nodeFlags, program, name, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), 100_000);
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')));
    child.on('error', reject);
    child.on('close', (exitCode) => {
      clearTimeout(timer);
      resolve({ exitCode, lines: linesOf(output), errors });
    });
  });
}
