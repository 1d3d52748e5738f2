/** How test results read on a terminal. */
import type { FileResult } from './file-process.js';

/** One line per file, and what it noted (lines that begin with `note: `); a failed file shows all it printed and how to run it alone. */
export function formatFileResult(result: FileResult): string {
  const { file, passed, failed, skipped, elapsedMs } = result;
  const counts = [`${passed} passed`, ...(failed > 0 ? [`${failed} failed`] : []), ...(skipped > 0 ? [`${skipped} skipped`] : [])].join(
    ', ',
  );
  const line = `${failed > 0 ? 'FAIL' : 'ok  '} ${file.name}  ${counts}  ${Math.round(elapsedMs)} ms`;
  if (failed === 0) return [line, ...(result.output.match(/^note: .*$/gm) ?? []).map(indent)].join('\n');
  return [
    line,
    indent(result.output.trim()),
    ...result.problems.map((problem) => indent(`${file.name} ${problem}`)),
    indent(`run it alone: npm run build && node dist/scripts/test.js ${file.name}`),
    '',
  ].join('\n');
}

/** Where the time went: the ten files that took longest, each with its longest test. */
export function formatSlowest(results: readonly FileResult[]): string {
  const slowest = results.toSorted((left, right) => right.elapsedMs - left.elapsedMs).slice(0, 10);
  return [
    '',
    ...slowest.flatMap(({ file, elapsedMs, longest }) => [
      `${secondsOf(elapsedMs)}  ${file.name}`,
      ...(longest === undefined ? [] : [`  of these ${secondsOf(longest.elapsedMs)}  ${longest.name}`]),
    ]),
  ].join('\n');
}

const secondsOf = (ms: number): string => `${(ms / 1_000).toFixed(1).padStart(5)} s`;

/** What failed, once more, after everything else has scrolled by. */
export function formatSummary(results: readonly FileResult[]): string {
  const failed = results.filter((result) => result.failed > 0);
  const skipped = sum(results, 'skipped');
  return [
    '',
    ...failed.map((result) => `FAILED ${result.file.name}: node dist/scripts/test.js ${result.file.name}`),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    formatTotals(sum(results, 'passed'), sum(results, 'failed')),
  ].join('\n');
}

/** The last line of every run. */
export function formatTotals(passed: number, failed: number): string {
  return `${passed} passed, ${failed} failed`;
}

function sum(results: readonly FileResult[], field: 'passed' | 'failed' | 'skipped'): number {
  return results.reduce((total, result) => total + result[field], 0);
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '     ');
}
