/**
 * `npm run cluster`: a cluster of processes on this machine, until Ctrl-C. Starts nats-server and redis-server when none
 * are configured.
 */
import { InvalidArgumentError } from 'commander';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { makeTemporaryDirectory } from '../cluster/adapters/temporary-directory.js';
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

async function main(flags: Flags): Promise<void> {
  const { config, D: defines = [] } = flags;
  const logs = makeTemporaryDirectory('millrace-logs-');
  const cluster = await LocalCluster.start({
    configuration: loadSettings({ ...(config === undefined ? {} : { config }), defines }),
    defines,
    ...(config === undefined ? {} : { config }),
    taskManagers: flags.taskManagers,
    slots: flags.slots,
    restartsMax: flags.restarts,
    onLine: (name, line) => appendFileSync(join(logs, `${name}.log`), `${line}\n`),
    say,
  });
  for (const { name, pid } of cluster.processes) say(`${name} runs with pid ${pid}`);
  say(`logs are in ${logs}`);
  say(
    `run a job from another terminal:\n  npx millrace run examples/01-hello.ts ${cluster.defines
      .filter((define) => define.startsWith('nats.'))
      .map((define) => `-D ${define}`)
      .join(' ')}`,
  );
  say('stop with Ctrl-C');
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    say('stopping');
    void cluster.stop().then(() => process.exit(0));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
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
