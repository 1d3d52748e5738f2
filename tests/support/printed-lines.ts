/** What is printed in this process while something runs, instead of on its standard output. */

/** Without empty lines, and without the `2> ` that tells parallel subtasks apart. */
export function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/^\d+> /, ''));
}

/** The lines printed until `work` resolves, as {@link linesOf} gives them. One piece of work at a time. */
export async function printedBy(work: () => Promise<unknown>): Promise<readonly string[]> {
  const { write } = process.stdout;
  let text = '';
  process.stdout.write = (chunk: string | Uint8Array): boolean => {
    text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    return true;
  };
  try {
    await work();
  } finally {
    process.stdout.write = write;
  }
  return linesOf(text);
}
