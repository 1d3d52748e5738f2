/**
 * The code blocks of a guide page, as programs.
 *
 * A `ts` block that exports a job runs embedded; a `text` block after it is what it prints, in any order. One that imports
 * `millrace/testing` is a test: it runs to its end and must not throw. Any other is only type-checked. Every block is a
 * module of its own; `ts no-run` marks a job that needs a server or a file of the reader's.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './repository-root.js';

export interface GuideBlock {
  readonly name: string;
  readonly code: string;
  readonly kind: 'job' | 'test' | 'piece';
  /** Lines that the job prints, sorted; undefined: the page does not say. */
  readonly printed: readonly string[] | undefined;
}

export interface ProgramRun {
  readonly exitCode: number | null;
  readonly lines: readonly string[];
  readonly errors: string;
}

/** The blocks of `docs/<page>`, in their order. */
export function guideBlocks(page: string): readonly GuideBlock[] {
  const text = readFileSync(join(repositoryRoot, 'docs', page), 'utf8');
  const blocks = [...text.matchAll(/^```(ts(?: no-run)?)\n([\s\S]*?)^```\n(?:(?!```)[\s\S]{0,200}?^```text\n([\s\S]*?)^```)?/gm)];
  return blocks.map(([, tag, code = '', printed], index): GuideBlock => ({
    name: `${page.replace(/\W/g, '-')}-${index + 1}`,
    code,
    kind: code.includes("'millrace/testing'") ? 'test' : tag === 'ts' && code.includes('export default defineJob') ? 'job' : 'piece',
    printed: printed === undefined ? undefined : sortedLines(printed),
  }));
}

/** Runs a compiled block; killed after 60 s. */
export function runBlock({ kind }: GuideBlock, path: string): Promise<ProgramRun> {
  const program = kind === 'job' ? `import { run } from 'millrace'; await run(process.argv[1]);` : 'await import(process.argv[1]);';
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program, path], {
      cwd: repositoryRoot,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')));
    child.on('error', reject);
    child.on('close', (exitCode) => {
      clearTimeout(timer);
      resolve({ exitCode, lines: sortedLines(output), errors });
    });
  });
}

/** Without the `2> ` that tells parallel subtasks apart. */
function sortedLines(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/^\d+> /, ''))
    .sort();
}
