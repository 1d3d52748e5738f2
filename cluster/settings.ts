/** Where a process' configuration comes from: defaults, then a file, then the environment, then flags. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Configuration } from '../core/configuration/configuration.js';
import { MillraceError } from '../core/errors.js';

export interface SettingsFlags {
  /** Path of a YAML or JSON file; default `$MILLRACE_CONF`, else `millrace.yaml` in the working directory if it is there. */
  readonly config?: string;
  /** `key=value`, as given with `-D`. */
  readonly defines?: readonly string[];
}

const defaultFile = 'millrace.yaml';
/** Not a key of the configuration: it says where the configuration is. */
const fileVariable = 'MILLRACE_CONF';

/** Throws `CONFIGURATION_INVALID` with every mistake, or `CONFIGURATION_FILE` when the file cannot be read. */
export function loadSettings(flags: SettingsFlags, environment: NodeJS.ProcessEnv = process.env): Configuration {
  const { [fileVariable]: named, ...others } = environment;
  const path = flags.config ?? named ?? (existsSync(defaultFile) ? defaultFile : undefined);
  return Configuration.load({
    ...(path === undefined ? {} : { file: { name: path, content: readText(path) } }),
    environment: Object.fromEntries(Object.entries(others).filter(([name]) => !isForTests(name))),
    flags: Object.fromEntries((flags.defines ?? []).map(parseDefine)),
  });
}

/** Variables that name servers and binaries to tests and to `npm run cluster`. */
function isForTests(name: string): boolean {
  return name.startsWith('MILLRACE_TEST_') || name === 'MILLRACE_NATS_SERVER' || name === 'MILLRACE_REDIS_SERVER';
}

function parseDefine(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at).trim(), text.slice(at + 1)];
  throw new MillraceError('CONFIGURATION_INVALID', `-D ${text} has no value: write -D key=value`, { domain: 'user', recovery: 'crash' });
}

function readText(path: string): string {
  try {
    return readFileSync(resolve(path), 'utf8');
  } catch (cause) {
    throw new MillraceError('CONFIGURATION_FILE', `the configuration file ${path} could not be read`, {
      domain: 'user',
      recovery: 'crash',
      hint: `It was named by --config or ${fileVariable}.`,
      cause,
    });
  }
}
