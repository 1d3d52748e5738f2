/** Runs a job in this process, without any server. */
import { realpathSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import type { Submission } from '../../actors/client/client.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { Configuration } from '../../core/configuration/configuration.js';
import { options as declared } from '../../core/configuration/options.js';
import { explainError, fromErrorRecord, MillraceError, toErrorRecord } from '../../core/errors.js';
import type { JobDefinition } from '../../dataflow/contracts.js';
import { slotsNeededBy } from '../../graph/slot-sharing.js';
import type { JobGraph } from '../../graph/types.js';
import { endWithReader } from '../adapters/broken-pipe.js';
import type { LogSetting } from '../adapters/pino-logger.js';
import { forgetTemporaryDirectory, makeTemporaryDirectory } from '../adapters/temporary-directory.js';
import { onStopSignals } from '../adapters/stop-signals.js';
import { endText, ProgressDisplay } from '../cli/job-display.js';
import { UnsettledNotes } from '../cli/unsettled-display.js';
import { CodeCache } from '../job-code/code-cache.js';
import { buildJob, compileJob, parseParameters } from '../job-code/compiled-job.js';
import { importJob } from '../job-code/job-module.js';
import { embeddedSettingsOf } from './embedded-settings.js';
import { jobUrl } from './job-url.js';
import { MiniCluster } from './mini-cluster.js';

export interface RunOptions {
  /** What the builder reads as `env.parameters`. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Flink's keys, e.g. `{ 'parallelism.default': 2 }`. A key that can have no effect in an embedded cluster is refused. */
  readonly configuration?: Readonly<Record<string, string | number | boolean>>;
  /** TaskManagers in this process; default 2. */
  readonly taskManagers?: number;
  /** Slots of each; default: `taskmanager.numberOfTaskSlots` when it is set, else as many as the job needs. */
  readonly slots?: number;
  readonly logLevel?: LogSetting;
  /** Called with every look at the job, about five times a second. */
  readonly onProgress?: (job: JobSummary) => void;
  /** Called once the job is submitted; for tests that disturb it. */
  readonly onStarted?: (cluster: MiniCluster) => void;
}

/**
 * Runs the job that the module at `url` exports, in a cluster inside this process, to its end. Resolves for FINISHED;
 * rejects with the first cause for FAILED and CANCELED. Leaves nothing behind. What user code keeps it waiting unusually long is
 * said on standard error, unless a log level was chosen. From within the module itself use {@link runIfMain}: a module cannot
 * wait for its own import.
 */
export async function run(url: string, chosen: RunOptions = {}): Promise<JobSummary> {
  const options = withUnsettledNotes(chosen);
  try {
    const module = jobUrl(url);
    if (module.endsWith('.ts')) return await runTypeScript(module, options);
    return await runBuilt(await importJob(module, fileURLToPath(module)), { kind: 'module', url: module }, options);
  } catch (error) {
    throw explained(error);
  }
}

/** A job that only waits must not look like one that works; who chose a log level finds the same in the log. */
function withUnsettledNotes(options: RunOptions): RunOptions {
  const { logLevel, configuration = {}, onProgress } = options;
  if (logLevel !== undefined || declared.logLevel.key in configuration) return options;
  const notes = new UnsettledNotes();
  return {
    ...options,
    onProgress: (job) => {
      for (const line of notes.news(job)) process.stderr.write(`waiting: ${line}\n`);
      onProgress?.(job);
    },
  };
}

/** A mistake of the user is told by its explanation: our frames, which Node shows when nobody catches it, say nothing about it. */
function explained(error: unknown): unknown {
  if (error instanceof MillraceError && error.domain === 'user' && error.code !== 'UNCAUGHT')
    error.stack = `MillraceError: ${explainError(toErrorRecord(error))}`;
  return error;
}

/**
 * For the end of a job module: runs `job` embedded when the module at `url` (`import.meta.url`) is what Node was started
 * with (`node my-job.js --name value`), shows progress and the end, and sets the exit code. Does nothing when the module
 * is imported. Resolves to undefined when nothing ran or the job did not finish.
 */
export async function runIfMain(url: string, job: JobDefinition, options: RunOptions = {}): Promise<JobSummary | undefined> {
  if (!isMainThread || process.argv[1] === undefined || fileURLToPath(url) !== realpathSync(process.argv[1])) return undefined;
  endWithReader();
  const display = new ProgressDisplay();
  try {
    const parameters = { ...options.parameters, ...parseParameters(process.argv.slice(2)) };
    const onProgress = (summary: JobSummary): void => {
      display.show(summary, Date.now());
      options.onProgress?.(summary);
    };
    const end = await runBuilt(job, { kind: 'module', url }, { ...options, parameters, onProgress });
    display.close();
    process.stdout.write(`${endText(end)}\n`);
    return end;
  } catch (error) {
    display.close();
    process.stderr.write(`${explainError(toErrorRecord(error))}\n`);
    process.exitCode = 1;
    return undefined;
  }
}

async function runBuilt(job: JobDefinition, code: Submission['code'], options: RunOptions): Promise<JobSummary> {
  const { parameters = {} } = options;
  const configuration = configurationOf(options);
  const where = code.kind === 'module' ? code.url : job.name;
  return execute(buildJob(job, { where, parameters, configuration }), code, configuration, options);
}

/** Refuses what cannot be had before anything is built or started. */
function configurationOf(options: RunOptions): Configuration {
  const configuration = Configuration.load({ flags: options.configuration ?? {} });
  embeddedSettingsOf(configuration);
  return configuration;
}

async function execute(
  jobGraph: JobGraph,
  code: Submission['code'],
  configuration: Configuration,
  options: RunOptions,
): Promise<JobSummary> {
  const { taskManagers = 2, logLevel, onStarted, onProgress } = options;
  const slots = options.slots ?? embeddedSettingsOf(configuration).slots ?? Math.ceil(slotsNeededBy(jobGraph) / taskManagers);
  const cluster = new MiniCluster({ taskManagers, slots, configuration, ...(logLevel === undefined ? {} : { logLevel }) });
  const signals = onSignals(cluster);
  try {
    const id = await cluster.client.submit({ jobGraph, code });
    onStarted?.(cluster);
    const end = await cluster.client.waitForEnd(id, (job) => {
      if (!signals.isStopping()) onProgress?.(job);
    });
    // What becomes of a job whose cluster is stopped under it is no news.
    if (signals.isStopping()) return await exit;
    if (end.status !== 'FINISHED') throw failureOf(end);
    return end;
  } catch (error) {
    if (signals.isStopping()) return await exit;
    throw error;
  } finally {
    signals.stop();
    await cluster.stop();
  }
}

/** Never settles: the process is about to end. */
const exit = new Promise<never>(() => undefined);

/** Ctrl-C ends threads and removes files before the process goes; a second one goes at once. */
function onSignals(cluster: MiniCluster): { readonly stop: () => void; readonly isStopping: () => boolean } {
  let isStopping = false;
  const stop = onStopSignals({
    first: (exitCode) => {
      isStopping = true;
      process.stderr.write('\nstopping\n');
      void cluster.stop().finally(() => process.exit(exitCode));
    },
    again: (exitCode) => process.exit(exitCode),
  });
  return { stop, isStopping: () => isStopping };
}

async function runTypeScript(url: string, options: RunOptions): Promise<JobSummary> {
  const { parameters = {} } = options;
  const configuration = configurationOf(options);
  const directory = makeTemporaryDirectory('millrace-code-');
  try {
    const { jobGraph, bundle } = await compileJob({
      path: fileURLToPath(url),
      parameters,
      configuration,
      cache: new CodeCache(directory),
    });
    return await execute(jobGraph, { kind: 'bundle', bytes: bundle }, configuration, options);
  } finally {
    rmSync(directory, { recursive: true, force: true });
    forgetTemporaryDirectory(directory);
  }
}

function failureOf(end: JobSummary): MillraceError {
  if (end.error !== null && end.status === 'FAILED') return fromErrorRecord(end.error);
  return new MillraceError('JOB_NOT_FINISHED', `job ${end.name} is ${end.status}`, { domain: 'user', recovery: 'fail-job' });
}
