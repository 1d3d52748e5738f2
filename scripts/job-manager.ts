/** Starts a JobManager process: `node dist/scripts/job-manager.js [--config FILE] [-D key=value …]`. */
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { createLogger } from '../cluster/adapters/pino-logger.js';
import { commandWithSettings, type CommonFlags } from '../cluster/command-flags.js';
import { runProcess } from '../cluster/process-lifetime.js';
import { startJobManagerProcess } from '../cluster/processes/job-manager-process.js';
import { runWithSettings } from '../cluster/processes/run-with-settings.js';
import { options } from '../core/configuration/options.js';

endWithReader();

interface Flags extends CommonFlags {
  readonly holder?: string;
  readonly supersedes?: readonly string[];
}

commandWithSettings('job-manager', 'Runs a JobManager: takes jobs, leads the cluster when elected, waits as a non-leader otherwise.')
  .option('--holder <name>', 'name of this life of the process in the leader lease (default: made up)')
  .option('--supersedes <names...>', 'former holders that are known to be dead, the latest first: their lease is not waited for')
  .action((flags: Flags) =>
    runWithSettings(flags, (configuration) => {
      const logger = createLogger(configuration.get(options.logLevel), { pid: process.pid });
      const { holder, supersedes } = flags;
      runProcess({
        name: 'the JobManager',
        logger,
        start: (signal, fatal) =>
          startJobManagerProcess({
            configuration,
            logger,
            signal,
            fatal,
            ...(holder === undefined ? {} : { holder }),
            ...(supersedes === undefined ? {} : { supersedes }),
          }),
      });
    }),
  )
  .parse();
