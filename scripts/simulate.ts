/**
 * `npm run simulate -- --seed N --runs K [--job KIND] [--trace] [--stacks] [--break GUARD]`: whole clusters with a user job under virtual time, with
 * everything going wrong that can. A line per run: `seed <n> trace <16 hex> ok|violation <code>`. Run i has the hash of
 * `--seed N+i --runs 1`. Exit code 1 when a run violates.
 */
import { InvalidArgumentError, Command, Option } from 'commander';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { runCampaign } from '../testing/simulator/campaign.js';
import type { BrokenGuards } from '../testing/simulator/simulated-cluster.js';
import type { FaultFocus } from '../testing/simulator/faults.js';
import type { RunVerdict } from '../testing/simulator/simulated-run.js';
import type { WorkKind } from '../testing/simulator/workload.js';

endWithReader();

const guards: Readonly<Record<string, BrokenGuards>> = {
  'old-attempt': { isOldAttemptAccepted: true },
  sequence: { isSequenceCheckOff: true },
  alignment: { isAlignmentOff: true },
  credit: { isCreditIgnored: true },
  'old-epoch': { isOldEpochAccepted: true },
};

interface Flags {
  readonly seed: number;
  readonly runs: number;
  readonly trace: boolean;
  readonly focus?: FaultFocus;
  readonly break?: string;
  readonly job?: WorkKind;
  readonly json: boolean;
  readonly stacks: boolean;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('give it a whole number from 0');
  return value;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function lineOf({ seed, traceHash, violation }: RunVerdict): string {
  return `seed ${seed} trace ${traceHash} ${violation === undefined ? 'ok' : `violation ${violation.code}`}`;
}

async function main({ seed, runs, trace, focus, break: broken, job, json, stacks: areStacksKept }: Flags): Promise<void> {
  const startedAt = performance.now();
  const failed: number[] = [];
  const onVerdict = (verdict: RunVerdict): void => {
    say(json ? JSON.stringify(verdict) : lineOf(verdict));
    if (verdict.violation === undefined) return;
    failed.push(verdict.seed);
    say(`  ${verdict.violation.detail.split('\n').slice(0, 4).join('\n  ')}`);
    say(`  after: ${verdict.blows.join(', ') || 'nothing'}`);
    const flags = Object.entries({ focus, break: broken, job }).map(([flag, value]) => (value === undefined ? '' : ` --${flag} ${value}`));
    say(`  reproduce: npm run simulate -- --seed ${verdict.seed} --runs 1 --trace${flags.join('')}`);
  };
  await runCampaign({
    seed,
    runs,
    onVerdict,
    areStacksKept,
    ...(broken === undefined ? {} : { broken: guards[broken] as BrokenGuards }),
    ...(focus === undefined ? {} : { focus }),
    ...(job === undefined ? {} : { workKind: job }),
    ...(trace ? { onTrace: say } : {}),
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  say(
    `${runs} runs, ${failed.length} violations${failed.length === 0 ? '' : ` (seeds ${failed.join(', ')})`}, ${seconds.toFixed(1)} s, ${Math.round((runs / seconds) * 60)} a minute`,
  );
  process.exitCode = failed.length === 0 ? 0 : 1;
}

new Command('simulate')
  .description('Runs whole clusters under virtual time from a seed, with faults, and checks their output.')
  .option('--seed <n>', 'seed of the first run', whole, 1)
  .option('--runs <k>', 'how many runs, with consecutive seeds', whole, 100)
  .option('--trace', 'print everything that happens', false)
  .option('--json', 'a JSON object a run', false)
  .addOption(new Option('--focus <kind>', 'only faults of this kind').choices(['leaders', 'tasks', 'pauses', 'frames']))
  .option('--stacks', 'errors with their stacks; hashes are then other ones', false)
  .addOption(new Option('--job <kind>', 'only jobs of this kind; default: the seed draws it').choices(['counts', 'times']))
  .addOption(new Option('--break <guard>', 'switch a guard off, to see that the check notices').choices(Object.keys(guards)))
  .action(main)
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
