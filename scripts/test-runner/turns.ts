/**
 * Which test file runs when.
 *
 * TU1  As many at a time as were asked for, and of the heavy ones never two.
 * TU2  Heavy ones begin first: their waiting is filled by the light ones. What runs alone comes last.
 */
import type { TestFile } from './find-files.js';

export interface Turns<Result> {
  readonly files: readonly TestFile[];
  readonly atOnce: number;
  readonly run: (file: TestFile) => Promise<Result>;
}

/** Runs every file (TU1, TU2); the results in the order in which they came. */
export async function runInTurns<Result>({ files, atOnce, run }: Turns<Result>): Promise<readonly Result[]> {
  const results: Result[] = [];
  const of = (weight: TestFile['weight']): TestFile[] => files.filter((file) => file.weight === weight);
  const light = of('light');
  const work = async (own: TestFile[], shared: TestFile[]): Promise<void> => {
    for (let file = own.shift() ?? shared.shift(); file !== undefined; file = own.shift() ?? shared.shift()) {
      results.push(await run(file));
    }
  };
  await Promise.all([work(of('heavy'), light), ...Array.from({ length: atOnce - 1 }, () => work([], light))]);
  await work(of('alone'), []);
  return results;
}
