/**
 * `npm run chaos -- --runs 20 --seed N [--json]`: whole clusters of real processes over NATS and Redis, killed with SIGKILL
 * at random moments, or with `--embedded` clusters in this process whose slot threads are killed. Every run compares the
 * committed output of its job with a naive computation; both stay where the line of the run says. Exit code 1 when one
 * differs. The seed decides input, victims and pauses; what the operating system makes of them differs from run to run.
 */
import { Command, InvalidArgumentError } from 'commander';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { explainError, toErrorRecord } from '../core/errors.js';
import type { RunReport } from './chaos/chaos-run.js';
import { chaosEmbedded } from './chaos/embedded-chaos.js';
import { chaosOverProcesses } from './chaos/process-chaos.js';

endWithReader();

interface Flags {
  readonly runs: number;
  readonly seed: number;
  readonly kills: number;
  readonly records: number;
  readonly rate: number;
  readonly interval: number;
  readonly bound: number;
  readonly embedded: boolean;
  readonly servers: boolean;
  readonly pauses: boolean;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly out?: string;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const note = (line: string): void => void process.stderr.write(`${line}\n`);

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('give it a whole number from 0');
  return value;
}

function positive(text: string): number {
  const value = whole(text);
  if (value < 1) throw new InvalidArgumentError('give it a whole number from 1');
  return value;
}

/** What Ctrl-C has to end first. */
let stopCluster: () => Promise<void> = () => Promise.resolve();

function endOnSignals(): void {
  let isLeaving = false;
  const leave = (): void => {
    if (isLeaving) process.exit(130);
    isLeaving = true;
    note('stopping');
    void stopCluster().finally(() => process.exit(130));
  };
  process.on('SIGINT', leave);
  process.on('SIGTERM', leave);
}

async function main(flags: Flags): Promise<void> {
  endOnSignals();
  const root = flags.out === undefined ? mkdtempSync(join(tmpdir(), 'millrace-chaos-')) : resolve(flags.out);
  mkdirSync(root, { recursive: true });
  const startedAt = performance.now();
  const failed: number[] = [];
  let kills = 0;
  for (let run = 0; run < flags.runs; run++) {
    const report = await runOnce(flags, flags.seed + run, root);
    kills += report.kills;
    print(flags.json ? JSON.stringify(report) : lineOf(report));
    if (report.problem === null) continue;
    failed.push(report.seed);
    note(`seed ${report.seed}:\n  ${report.problem.replaceAll('\n', '\n  ')}\n  reproduce: ${commandFor(flags, report.seed)}`);
  }
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  const outcome = failed.length === 0 ? 'all right' : `${failed.length} wrong (seeds ${failed.join(', ')})`;
  (flags.json ? note : print)(`${flags.runs} runs, ${kills} kills, ${seconds} s: ${outcome}; kept in ${root}`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

async function runOnce(flags: Flags, seed: number, root: string): Promise<RunReport> {
  const directory = join(root, `${flags.embedded ? 'embedded' : 'run'}-${seed}`);
  rmSync(directory, { recursive: true, force: true });
  const options = {
    seed,
    directory,
    size: { records: flags.records, recordsPerSecond: flags.rate, intervalMs: flags.interval },
    kills: flags.kills,
    boundMs: flags.bound * 1_000,
    say: flags.verbose ? note : () => undefined,
    onCluster: (cluster: { stop(): Promise<void> }) => (stopCluster = () => cluster.stop()),
  };
  return flags.embedded
    ? chaosEmbedded(options)
    : chaosOverProcesses({ ...options, isWithServers: flags.servers, isWithPauses: flags.pauses });
}

function lineOf({
  seed,
  killsOf,
  serverRestarts,
  pausesOf,
  checkpoints,
  restarts,
  seconds,
  output,
  expected,
  problem,
  lines,
}: RunReport): string {
  const hit = [...killsOf, ...serverRestarts.map((name) => `${name} restarted`), ...pausesOf.map((name) => `${name} paused`)].join(', ');
  const verdict = problem === null ? `right, ${lines} lines` : 'WRONG';
  return `seed ${seed}: ${verdict}; ${killsOf.length} kills (${hit}), ${checkpoints} checkpoints, ${restarts} restarts, ${seconds} s; output ${output} expected ${expected}`;
}

function commandFor(flags: Flags, seed: number): string {
  const defaults: Readonly<Record<string, number>> = { kills: 3, records: 12_000, rate: 1_000, interval: 300, bound: 180 };
  const changed = Object.entries(defaults).filter(([name, value]) => flags[name as keyof Flags] !== value);
  const more = changed.map(([name]) => `--${name} ${String(flags[name as keyof Flags])}`);
  const switches = [
    ...(flags.embedded ? ['--embedded'] : []),
    ...(flags.servers ? ['--servers'] : []),
    ...(flags.pauses ? ['--pauses'] : []),
  ];
  return ['npm run chaos -- --runs 1 --seed', seed, ...switches, ...more, '--verbose'].join(' ');
}

new Command('chaos')
  .description('Kills processes of real clusters at random moments and compares the exactly-once output of their job.')
  .option('--runs <n>', 'how many runs, with seeds from --seed on', positive, 1)
  .option('--seed <n>', 'seed of the first run', whole, 1)
  .option('--kills <n>', 'kills in every run; at least two: a TaskManager and the JobManager', positive, 3)
  .option('--records <n>', 'records of the input', positive, 12_000)
  .option('--rate <n>', 'records read in a second', positive, 1_000)
  .option('--interval <ms>', 'checkpoint interval', positive, 300)
  .option('--bound <seconds>', 'time in which a job must end', positive, 180)
  .option('--embedded', 'clusters inside this process, with slot threads killed', false)
  .option('--servers', 'also restart nats-server and redis-server in the middle', false)
  .option('--pauses', 'also stop the JobManager past its lease (SIGSTOP, 4 s, SIGCONT)', false)
  .option('--out <directory>', 'where runs keep their files (default: a new folder among temporary files)')
  .option('--json', 'one JSON object a run on standard output', false)
  .option('--verbose', 'tell every kill on standard error', false)
  .action(main)
  .parseAsync()
  .catch((error: unknown) => {
    note(explainError(toErrorRecord(error)));
    void stopCluster().finally(() => process.exit(1));
  });
