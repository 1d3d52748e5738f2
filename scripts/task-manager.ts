/** Starts a TaskManager process: `node dist/scripts/task-manager.js [--config FILE] [-D key=value …]`. */
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { createLogger } from '../cluster/adapters/pino-logger.js';
import { commandWithSettings, type CommonFlags } from '../cluster/command-flags.js';
import { runProcess } from '../cluster/process-lifetime.js';
import { runWithSettings } from '../cluster/processes/run-with-settings.js';
import { startTaskManagerProcess } from '../cluster/processes/task-manager-process.js';
import { options } from '../core/configuration/options.js';

endWithReader();

commandWithSettings('task-manager', 'Runs a TaskManager: offers slots to jobs and runs their tasks.')
  .action((flags: CommonFlags) =>
    runWithSettings(flags, (configuration) => {
      const logLevel = configuration.get(options.logLevel);
      const logger = createLogger(logLevel, { pid: process.pid });
      runProcess({
        name: 'the TaskManager',
        logger,
        start: (signal, fatal) => startTaskManagerProcess({ configuration, logger, logLevel, signal, fatal }),
      });
    }),
  )
  .parse();
