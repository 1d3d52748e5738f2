/**
 * `npm run bench [-- --only NAME …] [--quick] [--json FILE] [--compare FILE]`: takes the figures, one after the other, and
 * writes them down: bench/results/<name>.json each, from which pictures and tables are drawn (`--plot` does only that).
 * `--quick`, `--rounds` and `--profile FOLDER` (profiles every thread of the processes under test) write nothing down.
 */
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { backpressure } from './benchmarks/backpressure.js';
import { chain } from './benchmarks/chain.js';
import { chainAfterOthers } from './benchmarks/chain-after-others.js';
import { codec } from './benchmarks/codec.js';
import { fanOut } from './benchmarks/fan-out.js';
import { idleMemory } from './benchmarks/idle-memory.js';
import { keyedCount, twoInput } from './benchmarks/keyed-count.js';
import { keyedCountNats } from './benchmarks/keyed-count-nats.js';
import { keyedState } from './benchmarks/keyed-state.js';
import { latency } from './benchmarks/latency.js';
import { nexmark } from './benchmarks/nexmark.js';
import { projection } from './benchmarks/projection.js';
import { recovery } from './benchmarks/recovery.js';
import { slidingWindows } from './benchmarks/sliding-windows.js';
import { simulator } from './benchmarks/simulator.js';
import { startUp } from './benchmarks/start-up.js';
import { drawPages } from './plots/pages.js';
import type { Row } from './harness/benchmark.js';
import { preloadEverywhere } from './harness/preload.js';
import { profileSummary } from './harness/profile-summary.js';
import { comparison, describeMachine, readResults, rowText, writeResults } from './harness/results.js';

endWithReader();

const benchmarks = [
  chain,
  chainAfterOthers,
  codec,
  keyedCount,
  twoInput,
  keyedCountNats,
  keyedState,
  projection,
  fanOut,
  slidingWindows,
  backpressure,
  latency,
  startUp,
  recovery,
  idleMemory,
  simulator,
  ...nexmark,
];
const checkout = new URL('../../bench/', import.meta.url);
const inCheckout = (path: string): string => fileURLToPath(new URL(path, checkout));

interface Flags {
  readonly only?: readonly string[];
  readonly quick: boolean;
  readonly json?: string;
  readonly rounds?: number;
  readonly compare?: string;
  readonly profile?: string;
  readonly plot: boolean;
}

async function main({ only, quick: isQuick, rounds: roundsMax = Infinity, json, compare, profile, plot }: Flags): Promise<void> {
  if (plot) return drawPages(inCheckout(''), benchmarks);
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const machine = describeMachine(loadavg()[0] ?? 0);
  if (machine.loadBefore > machine.cores)
    say(`the machine is busy (load ${machine.loadBefore.toFixed(1)} on ${machine.cores} cores): the figures are worth little`);
  if (profile !== undefined) {
    process.env['BENCH_PROFILE_DIRECTORY'] = resolve(profile);
    preloadEverywhere('bench/harness/profile-threads.js');
  }
  const isKept = !isQuick && profile === undefined && roundsMax === Infinity;
  const rounds = (wanted: number): number => Math.min(isQuick || profile !== undefined ? 1 : wanted, roundsMax);
  const rows: Row[] = [];
  for (const benchmark of benchmarks) {
    if (only !== undefined && !only.includes(benchmark.name)) continue;
    say(`${benchmark.name}:`);
    const taken = await benchmark.run({ isQuick, rounds, say: (line) => say(`  ${line}`) });
    for (const row of taken) say(`  ${rowText(row)}`);
    rows.push(...taken);
    if (isKept) await writeResults(inCheckout(`results/${benchmark.name}.json`), { machine, rows: taken });
  }
  if (json !== undefined) await writeResults(json, { machine, rows });
  if (isKept) await drawPages(inCheckout(''), benchmarks);
  if (compare !== undefined) for (const line of comparison(rows, readResults(compare).rows)) say(line);
  if (profile !== undefined) say(profileSummary(profile));
}

await new Command('bench')
  .description('Takes the figures of bench/README.md.')
  .addOption(new Option('--only <names...>', 'only these').choices(benchmarks.map(({ name }) => name)))
  .option('--quick', 'fewer and shorter runs, nothing written down', false)
  .addOption(new Option('--rounds <n>', 'at most so many rounds, nothing written down').argParser(Number))
  .option('--json <file>', 'all rows into one file')
  .option('--compare <file>', 'against rows written by --json before')
  .option('--profile <folder>', 'profiles of every thread into a new folder, and which functions took the time')
  .option('--plot', 'measures nothing: draws the pages from the files of results', false)
  .action(main)
  .parseAsync();
