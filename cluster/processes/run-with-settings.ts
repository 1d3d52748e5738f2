/** Reads the settings of a process; mistakes in them end it with one clear message. */
import type { Configuration } from '../../core/configuration/configuration.js';
import { explainError, toErrorRecord } from '../../core/errors.js';
import type { CommonFlags } from '../command-flags.js';
import { badSettingsExitCode } from '../process-lifetime.js';
import { loadSettings } from '../settings.js';

export function runWithSettings({ config, D }: CommonFlags, run: (configuration: Configuration) => void): void {
  try {
    run(loadSettings({ ...(config === undefined ? {} : { config }), ...(D === undefined ? {} : { defines: D }) }));
  } catch (error) {
    process.stderr.write(`${explainError(toErrorRecord(error))}\n`);
    process.exit(badSettingsExitCode);
  }
}
