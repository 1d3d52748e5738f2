#!/usr/bin/env node
/** `millrace`: runs, lists, describes and cancels jobs; shows plans; starts actors as processes. */
import { Command, InvalidArgumentError } from 'commander';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endWithReader } from '../adapters/broken-pipe.js';
import { isEnded } from '../../actors/client/client.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { Configuration } from '../../core/configuration/configuration.js';
import { explainError, MillraceError, toErrorRecord } from '../../core/errors.js';
import { jobId } from '../../core/ids.js';
import { planJson } from '../../graph/plan-json.js';
import { planPicture } from '../../graph/plan-picture.js';
import { onStopSignals } from '../adapters/stop-signals.js';
import { NodeFileSystem } from '../adapters/node-file-system.js';
import { createLogger } from '../adapters/pino-logger.js';
import { systemClock, systemRandom } from '../adapters/system-clock.js';
import { statesAskedFor } from '../../dataflow/operators/asked-states.js';
import type { ComparedState } from '../../storage/state/state-comparison.js';
import { addSettingsFlags, type CommonFlags as SettingsFlags } from '../command-flags.js';
import { CodeCache } from '../job-code/code-cache.js';
import { compileJob, parseParameters } from '../job-code/compiled-job.js';
import { loadSettings } from '../settings.js';
import { versions } from '../versions.js';
import { coloursFor } from './colours.js';
import { withClient } from './client-connection.js';
import { accumulatorLines } from './accumulator-display.js';
import { stateLines } from './state-display.js';
import { checkpointLines, endText, historyLines, ProgressDisplay, progressLine } from './job-display.js';
import { eventTimeLines } from './event-time-display.js';
import { latencyLines } from './latency-display.js';
import { vertexLines } from './vertex-display.js';

endWithReader();

interface CommonFlags extends SettingsFlags {
  readonly json?: boolean;
}

interface RunFlags extends CommonFlags {
  readonly detached?: boolean;
  readonly from?: string;
  readonly allowNonRestoredState?: boolean;
  readonly parallelism?: number;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));

const settingsOf = ({ config, D }: CommonFlags, more: readonly string[] = []): Configuration =>
  loadSettings({ ...(config === undefined ? {} : { config }), defines: [...(D ?? []), ...more] });

const inquiryPorts = { clock: systemClock, random: systemRandom, logger: createLogger('error'), files: new NodeFileSystem() };

const codeCache = (): CodeCache => new CodeCache(join(tmpdir(), `millrace-${process.getuid?.() ?? 'user'}`, 'client-code'));

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('give it a whole number from 1');
  return value;
}

async function run(path: string, words: readonly string[], flags: RunFlags): Promise<void> {
  assertModule(path);
  const configuration = settingsOf(flags, definesOf(flags));
  const { jobGraph, plan, bundle } = await compileJob({ path, parameters: parseParameters(words), configuration, cache: codeCache() });
  await withClient(configuration, async (client) => {
    let states: readonly ComparedState[] | undefined;
    const id = await client.submit({
      jobGraph,
      code: { kind: 'bundle', bytes: bundle },
      ...(flags.from === undefined ? {} : { restoreFrom: flags.from, states: await statesAskedFor({ plan, ports: inquiryPorts }) }),
      onStates: (compared) => void (states = compared),
    });
    if (states !== undefined && flags.json !== true) for (const line of stateLines(states)) process.stderr.write(`${line}\n`);
    if (flags.detached === true) {
      if (flags.json === true) printJson({ jobId: id, ...(states === undefined ? {} : { states }) });
      else print(`${jobGraph.name} was submitted as job ${id}`);
      return;
    }
    if (flags.json !== true) process.stderr.write(`job ${id}\n`);
    const display = new ProgressDisplay();
    const signals = cancelOnSignal(id, () => client.cancel(id));
    const end = await client.waitForEnd(id, (job) => {
      if (flags.json !== true) display.show(job, Date.now());
    });
    display.close();
    signals.stop();
    report(end, flags);
    if (signals.hasCancelled() && end.status !== 'FINISHED') process.exitCode = 130;
  });
}

/** Settings that have a flag of their own. */
function definesOf({ parallelism, allowNonRestoredState }: RunFlags): readonly string[] {
  return [
    ...(parallelism === undefined ? [] : [`parallelism.default=${parallelism}`]),
    ...(allowNonRestoredState === true ? ['execution.state-recovery.ignore-unclaimed-state=true'] : []),
  ];
}

/** A flag that is not known, in front of the module, would be taken for the module. */
function assertModule(path: string): void {
  if (!path.startsWith('-')) return;
  throw new MillraceError('OPTION_UNKNOWN', `unknown option ${path}`, {
    domain: 'user',
    recovery: 'fail-job',
    hint: 'Parameters of the job follow the module: millrace run job.ts --name value. See `millrace run --help`.',
  });
}

/** The first Ctrl-C cancels the job and goes on to show its end; the second, and SIGTERM, leave it to itself. */
function cancelOnSignal(id: string, cancel: () => Promise<unknown>): { readonly stop: () => void; readonly hasCancelled: () => boolean } {
  let isCancelled = false;
  const leave = (exitCode: number): void => {
    process.stderr.write(`\nleaving; job ${id} is left to itself: see \`millrace status ${id}\`\n`);
    process.exit(exitCode);
  };
  const stops = [
    onStopSignals({
      signals: ['SIGINT'],
      first: () => {
        isCancelled = true;
        process.stderr.write('\ncancelling the job; press Ctrl-C again to leave at once\n');
        cancel().catch((error: unknown) => process.stderr.write(`${explainError(toErrorRecord(error))}\n`));
      },
      again: leave,
    }),
    onStopSignals({ signals: ['SIGTERM'], first: leave, again: leave }),
  ];
  return { stop: () => stops.forEach((stop) => stop()), hasCancelled: () => isCancelled };
}

function report(job: JobSummary, flags: CommonFlags): void {
  if (flags.json === true) printJson(job);
  else for (const line of [endText(job), ...checkpointLines(job)]) print(line);
  if (isEnded(job) && job.status !== 'FINISHED') process.exitCode = 1;
}

async function info(path: string, words: readonly string[], flags: RunFlags): Promise<void> {
  assertModule(path);
  const configuration = settingsOf(flags, flags.parallelism === undefined ? [] : [`parallelism.default=${flags.parallelism}`]);
  const { jobGraph } = await compileJob({ path, parameters: parseParameters(words), configuration, cache: codeCache() });
  if (flags.json === true) printJson(planJson(jobGraph));
  else print(planPicture(jobGraph));
}

async function list(flags: CommonFlags): Promise<void> {
  await withClient(settingsOf(flags), async (client) => {
    const jobs = await client.list();
    if (flags.json === true) printJson(jobs);
    else if (jobs.length === 0) print('no jobs');
    else for (const job of jobs) print(`${job.jobId}  ${job.name}  ${progressLine(job, Date.now())}`);
  });
}

async function status(id: string, flags: CommonFlags): Promise<void> {
  await withClient(settingsOf(flags), async (client) => {
    const job = await client.describe(jobId(id), { withHistory: true });
    if (job === undefined) throw unknownJob(id);
    if (flags.json === true) printJson(job);
    else {
      print(isEnded(job) ? endText(job) : `${job.name}: ${progressLine(job, Date.now())}`);
      const live = isEnded(job) ? [] : [...accumulatorLines(job), ...eventTimeLines(job, Date.now())];
      for (const line of [...checkpointLines(job), ...vertexLines(job), ...live, ...latencyLines(job), ...historyLines(job)]) print(line);
    }
  });
}

async function cancel(id: string, flags: CommonFlags): Promise<void> {
  await withClient(settingsOf(flags), async (client) => {
    const answer = await client.cancel(jobId(id));
    if (answer.kind === 'unknown') throw unknownJob(id);
    const end = answer.kind === 'ended' ? await client.describe(jobId(id)) : await client.waitForEnd(jobId(id));
    if (flags.json === true) printJson(end);
    else print(answer.kind === 'ended' ? `job ${id} had ended: ${answer.status}` : `job ${id}: ${end?.status}`);
  });
}

async function overview(flags: CommonFlags): Promise<void> {
  await withClient(settingsOf(flags), async (client) => {
    const cluster = await client.overview();
    if (flags.json === true) {
      printJson(cluster);
      return;
    }
    print(`leader ${cluster.holder}  ${cluster.host}  pid ${cluster.pid}`);
    for (const { taskManagerId, host, pid, slots } of cluster.taskManagers) {
      const free = slots.filter(({ state }) => state === 'FREE').length;
      print(`${taskManagerId}  ${host}  pid ${pid}  ${free} of ${slots.length} slots free`);
    }
  });
}

const unknownJob = (id: string): MillraceError =>
  new MillraceError('JOB_UNKNOWN', `the cluster does not know job ${id}`, {
    domain: 'user',
    recovery: 'fail-job',
    hint: 'See `millrace list`.',
  });

const program = new Command('millrace')
  .description('A stateful stream processor for TypeScript, with the runtime model of Apache Flink.')
  .version(versions.millrace)
  .showHelpAfterError()
  .configureHelp({ showGlobalOptions: true });

/** A command with the flags that every command has. */
const command = (nameAndArguments: string, description: string): Command =>
  addSettingsFlags(program.command(nameAndArguments).description(description)).option('--json', 'machine-readable output');

/** A command that takes a job module; what is no flag of the command and follows the module is a parameter of the job, as in Flink. */
const jobCommand = (nameAndArguments: string, description: string): Command =>
  command(nameAndArguments, `${description}; other flags behind the module are parameters of the job: --name value`).allowUnknownOption();

jobCommand('run <module> [parameters...]', 'submit a job module to the cluster and follow it to its end')
  .option('-d, --detached', 'leave the job to itself once it is accepted')
  .option('-p, --parallelism <n>', 'parallelism of operators that were given none', positive)
  .option('--from <checkpoint>', 'start from a retained checkpoint: <job id>/<checkpoint id>, or its path')
  .option('-n, --allowNonRestoredState', 'leave state of the checkpoint behind that the job does not ask for')
  .action(run);
jobCommand('info <module> [parameters...]', 'show the plan of a job, without a cluster')
  .option('-p, --parallelism <n>', 'parallelism of operators that were given none', positive)
  .action(info);
command('list', 'list running and ended jobs').action(list);
command('status <job>', 'show how a job stands or ended').action(status);
command('cancel <job>', 'cancel a job and wait for its end').action(cancel);
command('overview', 'show the leader, the TaskManagers and their slots').action(overview);

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${coloursFor(process.stderr).red(explainError(toErrorRecord(error)))}\n`);
  process.exitCode = 1;
});
