/**
 * How the settings of a local cluster get to others: to its processes, and, in words, to whoever starts a client.
 *
 * HS1  A secret is in no command line and on no terminal: a process gets it by environment, a person reads a mask.
 */
import { secretVariables, type Configuration } from '../../core/configuration/configuration.js';
import { environmentName } from '../../core/configuration/sources.js';

export interface ProcessSettings {
  /** `-D key=value` for the command line. */
  readonly flags: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

/** The settings of a process: of `defines` a later one wins; secrets among them go by environment (HS1). */
export function processSettings(defines: readonly string[], environment: NodeJS.ProcessEnv): ProcessSettings {
  const flags: string[] = [];
  const handed: NodeJS.ProcessEnv = { ...environment };
  for (const define of defines) {
    const at = define.indexOf('=');
    const value = define.slice(at + 1);
    const variables = secretVariables(define.slice(0, at).trim(), value);
    if (variables === undefined) flags.push('-D', define);
    else {
      // An alias in the environment of this process would win over what the flag says.
      for (const variable of variables) delete handed[variable];
      handed[variables[0] as string] = value;
    }
  }
  return { flags, environment: handed };
}

/** Keys that only the processes of a cluster read. */
const ofProcesses = [
  /^(redis|taskmanager|high-availability|heartbeat|io|log)\./,
  /^cluster\.registration\./,
  /^execution\.checkpointing\.(dir|storage)$/,
];

/**
 * The command that runs a job on the cluster from another terminal: with the configuration file and with every key that a
 * client reads and that was set by a flag or the environment.
 */
export function clientCommand(configuration: Configuration, file: string | undefined): string {
  const set = configuration
    .entries()
    .filter(({ key, origin }) => /^(flag|environment variable) /.test(origin) && !ofProcesses.some((pattern) => pattern.test(key)));
  const secrets = set.filter(({ isMasked }) => isMasked).map(({ key, value }) => `${environmentName(key)}=${quoted(value)}`);
  const flags = set.filter(({ isMasked }) => !isMasked).map(({ key, value }) => ['-D', quoted(`${key}=${value}`)]);
  return [
    ...secrets,
    'npx millrace run examples/01-hello.ts',
    ...(file === undefined ? [] : ['--config', quoted(file)]),
    ...flags.flat(),
  ].join(' ');
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
