/**
 * The code blocks of a guide page, as programs.
 *
 * A `ts` block that exports a job runs embedded, in this process; a `text` block after it is what it prints, in any order. One that imports
 * `millrace/testing` is a test: it runs to its end and must not throw. Any other is only type-checked. Every block is a
 * module of its own; `ts no-run` marks a job that needs a server or a file of the reader's.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { run } from '../../index.js';
import { linesOf, printedBy } from './printed-lines.js';
import { repositoryRoot } from './repository-root.js';

export interface GuideBlock {
  readonly name: string;
  readonly code: string;
  readonly kind: 'job' | 'test' | 'piece';
  /** Lines that the job prints, sorted; undefined: the page does not say. */
  readonly printed: readonly string[] | undefined;
}

/** The blocks of `docs/<page>`, in their order. */
export function guideBlocks(page: string): readonly GuideBlock[] {
  const text = readFileSync(join(repositoryRoot, 'docs', page), 'utf8');
  const blocks = [...text.matchAll(/^```(ts(?: no-run)?)\n([\s\S]*?)^```\n(?:(?!```)[\s\S]{0,200}?^```text\n([\s\S]*?)^```)?/gm)];
  return blocks.map(([, tag, code = '', printed], index): GuideBlock => ({
    name: `${page.replace(/\W/g, '-')}-${index + 1}`,
    code,
    kind: code.includes("'millrace/testing'") ? 'test' : tag === 'ts' && code.includes('export default defineJob') ? 'job' : 'piece',
    printed: printed === undefined ? undefined : [...linesOf(printed)].sort(),
  }));
}

/**
 * Runs a compiled block in this process; a job's lines, sorted. One TaskManager holds all slots of a job: threads that another
 * would load ahead take a block longer than its job.
 */
export async function runBlock({ kind }: GuideBlock, path: string): Promise<readonly string[]> {
  const url = pathToFileURL(path).href;
  const lines = await printedBy(() => (kind === 'job' ? run(url, { taskManagers: 1 }) : import(url)));
  return [...lines].sort();
}
