/**
 * `node dist/scripts/kill-actor.js <TaskManager id | job-manager> [--signal SIGKILL] [-D key=value …]`: finds the process
 * of an actor through the cluster itself and signals it, when it runs on this machine. Exit code 1 when there is none.
 */
import { constants, hostname } from 'node:os';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { withClient } from '../cluster/cli/client-connection.js';
import { commandWithSettings, type CommonFlags } from '../cluster/command-flags.js';
import { loadSettings } from '../cluster/settings.js';
import { explainError, MillraceError, toErrorRecord } from '../core/errors.js';

endWithReader();

interface Flags extends CommonFlags {
  readonly signal: string;
}

const leaderName = 'job-manager';

async function kill(actor: string, { signal, config, D }: Flags): Promise<void> {
  const name = signal.startsWith('SIG') ? signal : `SIG${signal}`;
  if (!(name in constants.signals))
    throw refused('SIGNAL_UNKNOWN', `there is no signal ${signal}`, 'Name one such as SIGKILL, SIGTERM or SIGSTOP.');
  const configuration = loadSettings({ ...(config === undefined ? {} : { config }), ...(D === undefined ? {} : { defines: D }) });
  const { holder, host, pid, taskManagers } = await withClient(configuration, (client) => client.overview());
  const found =
    actor === leaderName || actor === holder ? { host, pid } : taskManagers.find(({ taskManagerId }) => taskManagerId === actor);
  if (found === undefined) {
    const known = [leaderName, ...taskManagers.map(({ taskManagerId }) => taskManagerId)];
    throw refused('ACTOR_UNKNOWN', `the cluster has no actor ${actor}`, `It has ${known.join(', ')}.`);
  }
  if (found.host !== hostname()) throw refused('ACTOR_ELSEWHERE', `${actor} runs on ${found.host}, not here`, 'Run this script there.');
  try {
    process.kill(found.pid, name as NodeJS.Signals);
  } catch (cause) {
    throw new MillraceError('ACTOR_NOT_SIGNALLED', `pid ${found.pid} of ${actor} could not be sent ${name}`, { domain: 'external', cause });
  }
  process.stdout.write(`sent ${name} to ${actor}, pid ${found.pid}\n`);
}

const refused = (code: string, message: string, hint: string): MillraceError =>
  new MillraceError(code, message, { domain: 'user', recovery: 'fail-job', hint });

commandWithSettings('kill-actor', 'Sends a signal to the process of a TaskManager, or of the JobManager that leads.')
  .argument('<actor>', `id of a TaskManager, or ${leaderName} for the leader`)
  .option('--signal <name>', 'what to send', 'SIGKILL')
  .action(kill)
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(`${explainError(toErrorRecord(error))}\n`);
    process.exitCode = 1;
  });
