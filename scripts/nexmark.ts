/**
 * `npm run nexmark`: lists the queries.
 * `npm run nexmark -- q5 [--input FILE] [--output DIR] …`: runs one on an embedded cluster.
 * `npm run nexmark -- --generate FILE [--events N] …`: writes events as NDJSON, one file, in the order they are emitted in.
 * `npm run nexmark -- --verify [q5 q7 …]`: runs queries at several parallelisms over several inputs, kills TaskManagers
 * meanwhile, and compares what was committed with a naive computation. Exit code 1 when a run differs.
 */
import { Command, InvalidArgumentError } from 'commander';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { Parameters } from '../api/parameters.js';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { coloursFor } from '../cluster/cli/colours.js';
import { endText, ProgressDisplay } from '../cluster/cli/job-display.js';
import { run } from '../cluster/embedded/run.js';
import { parseParameters } from '../cluster/job-code/compiled-job.js';
import { explainError, toErrorRecord } from '../core/errors.js';
import { generatorOptions, watermarkDelay } from '../examples/nexmark/parameters.js';
import { eventAt } from '../examples/nexmark/generator/emission-order.js';
import { EventMaker } from '../examples/nexmark/generator/event-maker.js';
import { checkGeneratorOptions } from '../examples/nexmark/generator/options.js';
import type { QueryName } from '../tests/nexmark/naive/answers.js';
import { makeInput, writeFiles, type Order, type Origin } from './nexmark/inputs.js';
import { isQueryName, moduleOf, queryNames, titleOf } from './nexmark/queries.js';
import { verify, type VerifyReport } from './nexmark/verify.js';
import { embeddedCluster, processCluster, type VerifyCluster } from './nexmark/verify-clusters.js';

endWithReader();

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const note = (line: string): void => void process.stderr.write(`${line}\n`);

interface Flags {
  readonly verify: boolean;
  readonly embedded: boolean;
  readonly events: number;
  readonly rate: number;
  readonly seed: number;
  readonly kills: number;
  readonly parallelism: readonly number[];
  readonly bound: number;
}

async function runQuery(name: QueryName, words: readonly string[]): Promise<void> {
  const display = new ProgressDisplay();
  try {
    const end = await run(moduleOf(name), {
      parameters: parseParameters(words),
      onProgress: (job) => display.show(job, Date.now()),
    });
    display.close();
    note(endText(end, coloursFor(process.stderr)));
  } finally {
    display.close();
  }
}

/** Written in pieces of so many characters. */
const pieceLength = 1 << 20;

function generate(words: readonly string[]): void {
  const [path, ...others] = words;
  if (path === undefined) throw new InvalidArgumentError('--generate needs the path of a file');
  const parameters = new Parameters(parseParameters(others));
  const options = checkGeneratorOptions(generatorOptions(parameters), watermarkDelay(parameters));
  parameters.assertAllAsked();
  const maker = new EventMaker(options);
  const file = openSync(path, 'w');
  let piece = '';
  for (let position = 0; position < options.events; position += 1) {
    piece += `${JSON.stringify(maker.make(eventAt(position, options.outOfOrderGroupSize)))}\n`;
    if (piece.length < pieceLength) continue;
    writeSync(file, piece);
    piece = '';
  }
  writeSync(file, piece);
  closeSync(file);
  note(`${options.events} events in ${path}`);
}

async function verifyAll(queries: readonly QueryName[], flags: Flags): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'millrace-nexmark-'));
  const cluster: VerifyCluster = flags.embedded ? embeddedCluster() : await processCluster(join(root, 'cluster'));
  const startedAt = performance.now();
  let [runs, kills] = [0, 0];
  const wrong: string[] = [];
  try {
    for (const [origin, order] of kinds) {
      const { events, rate, seed } = flags;
      const input = writeFiles(makeInput({ origin, order, events, rate, seed, directory: join(root, 'input') }));
      for (const query of queries) {
        for (const parallelism of flags.parallelism) {
          const name = `${query}, parallelism ${parallelism}, ${input.name}`;
          const directory = join(root, name.replaceAll(/[^\w]+/g, '-'));
          const report = await verify(cluster, {
            query,
            parallelism,
            input,
            kills: flags.kills,
            seed: seed + runs,
            directory,
            boundMs: flags.bound * 1_000,
          });
          runs += 1;
          kills += report.kills;
          print(`${name}: ${lineOf(report)}`);
          if (report.problem !== undefined) wrong.push(name);
        }
      }
    }
  } finally {
    await cluster.stop();
  }
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  print(`${runs} runs, ${kills} TaskManagers killed, ${seconds} s: ${wrong.length === 0 ? 'all right' : `${wrong.length} wrong`}`);
  for (const name of wrong) print(`  wrong: ${name}`);
  if (wrong.length === 0) rmSync(root, { recursive: true, force: true });
  else note(`kept in ${root}`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

const kinds: readonly (readonly [Origin, Order])[] = [
  ['generator', 'ordered'],
  ['generator', 'disordered'],
  ['files', 'ordered'],
  ['files', 'disordered'],
];

function lineOf({ rows, kills, restarts, checkpoints, seconds, problem }: VerifyReport): string {
  const figures = `${kills} kills, ${restarts} restarts, ${checkpoints} checkpoints, ${seconds} s`;
  return problem === undefined ? `right, ${rows} rows; ${figures}` : `WRONG; ${figures}\n  ${problem.replaceAll('\n', '\n  ')}`;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('give it a whole number from 0');
  return value;
}

const known = (name: string): QueryName => {
  if (isQueryName(name)) return name;
  throw new InvalidArgumentError(`there is no query ${name}`);
};

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const [first = '', ...others] = words;
  if (isQueryName(first)) return runQuery(first, others);
  if (first === '--generate') return generate(others);
  await new Command('nexmark')
    .description('Runs the Nexmark queries of examples/nexmark, or verifies them. `nexmark q5 --output DIR` runs one.')
    .argument('[queries...]', 'with --verify: which; default: all')
    .option('--verify', 'compare what queries commit with a naive computation, while TaskManagers are killed', false)
    .option('--embedded', 'in one process: the threads of TaskManagers are killed', false)
    .option('--events <n>', 'events of an input', whole, 6_000)
    .option('--rate <n>', 'events per second of event time', whole, 100)
    .option('--seed <n>', 'which data, and when kills come', whole, 1)
    .option('--kills <n>', 'TaskManagers killed in every run', whole, 2)
    .option('--parallelism <n...>', 'of the queries', (text, all: readonly number[]) => [...all, whole(text)], [])
    .option('--bound <seconds>', 'time in which a run must end', whole, 120)
    .action(async (names: readonly string[], flags: Flags) => {
      const queries = names.length === 0 ? queryNames : names.map(known);
      if (flags.verify)
        return verifyAll(queries, { ...flags, parallelism: flags.parallelism.length === 0 ? [1, 2, 4] : flags.parallelism });
      for (const name of queryNames) print(`${name.padEnd(4)} ${titleOf(name)}`);
      print('\nnpm run nexmark -- q5 --events 100000 --output /tmp/q5');
    })
    .parseAsync();
}

if (isMainThread) {
  await main().catch((error: unknown) => {
    note(explainError(toErrorRecord(error)));
    process.exitCode = 1;
  });
}
