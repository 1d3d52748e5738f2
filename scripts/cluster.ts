/**
 * `npm run cluster`: a cluster of processes on this machine, until Ctrl-C. Starts nats-server and redis-server when none
 * are configured.
 */
import { InvalidArgumentError } from 'commander';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { onStopSignals } from '../cluster/adapters/stop-signals.js';
import { forgetTemporaryDirectory, makeTemporaryDirectory } from '../cluster/adapters/temporary-directory.js';
import { commandWithSettings, type CommonFlags } from '../cluster/command-flags.js';
import { LocalCluster } from '../cluster/local-cluster/local-cluster.js';
import { loadSettings } from '../cluster/settings.js';
import { explainError, toErrorRecord } from '../core/errors.js';

endWithReader();

interface Flags extends CommonFlags {
  readonly taskManagers: number;
  readonly slots: number;
  readonly restarts: number;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('give it a whole number from 1');
  return value;
}

/** Appends to the log of each process. A full disk costs lines of logs, not the cluster. */
function writer(directory: string): (name: string, line: string) => void {
  let isFull = false;
  return (name, line) => {
    try {
      appendFileSync(join(directory, `${name}.log`), `${line}\n`);
    } catch (error) {
      if (!isFull) say(`log lines are lost: ${error instanceof Error ? error.message : String(error)}`);
      isFull = true;
    }
  };
}

async function main(flags: Flags): Promise<void> {
  const { config, D: defines = [] } = flags;
  const configuration = loadSettings({ ...(config === undefined ? {} : { config }), defines });
  const logs = makeTemporaryDirectory('millrace-logs-');
  const running: { cluster?: LocalCluster } = {};
  const leave = async (exitCode: number): Promise<void> => {
    // Before it has started, the exit handlers of processes and servers end them.
    await running.cluster?.stop();
    process.exit(exitCode);
  };
  onStopSignals({
    first: (exitCode) => {
      say('stopping');
      void leave(exitCode);
    },
    again: (exitCode) => process.exit(exitCode),
  });
  // The terminal was closed.
  process.on('SIGHUP', () => void leave(129));
  const cluster = await LocalCluster.start({
    configuration,
    defines,
    ...(config === undefined ? {} : { config }),
    taskManagers: flags.taskManagers,
    slots: flags.slots,
    restartsMax: flags.restarts,
    isDetached: true,
    onLine: writer(logs),
    say,
    onHopeless: () => {
      forgetTemporaryDirectory(logs);
      say(`logs are left in ${logs}`);
      void leave(1);
    },
  });
  running.cluster = cluster;
  for (const { name, pid } of cluster.processes) say(`${name} runs with pid ${pid}`);
  say(`logs are in ${logs}`);
  const command = cluster.clientCommand;
  say(`run a job from another terminal${command.includes('******') ? ' (put your secrets in place of ******)' : ''}:\n  ${command}`);
  say('stop with Ctrl-C');
}

commandWithSettings(
  'cluster',
  'Runs a JobManager and TaskManagers as processes on this machine, with nats-server and redis-server when none are configured.',
)
  .option('--task-managers <n>', 'TaskManager processes', positive, 2)
  .option('--slots <n>', 'slots of each TaskManager', positive, 2)
  .option('--restarts <n>', 'how often a dead process is started again', positive, 100)
  .action(main)
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`${explainError(toErrorRecord(error))}\n`);
    process.exit(1);
  });
