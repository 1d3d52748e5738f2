/** A cluster of processes with servers of its own, for tests that talk to it as people do: through the command line. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Client } from '../../actors/client/client.js';
import { withClient } from '../../cluster/cli/client-connection.js';
import { LocalCluster } from '../../cluster/local-cluster/local-cluster.js';
import { loadSettings } from '../../cluster/settings.js';

export interface CommandResult {
  readonly exitCode: number | null;
  readonly output: string;
  readonly errors: string;
}

const scripts = fileURLToPath(new URL('../../scripts/', import.meta.url));

export interface ProgramOptions {
  readonly ms?: number;
  /** On top of this process' environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called with all that it wrote so far to standard error. */
  readonly onErrors?: (errors: string, signal: (name: NodeJS.Signals) => void) => void;
  /** Called with all that it wrote so far to standard output. */
  readonly onOutput?: (output: string, signal: (name: NodeJS.Signals) => void) => void;
}

/** Runs `dist/scripts/<script>` to its end; killed after `ms`. */
export const runScript = (script: string, words: readonly string[], options: ProgramOptions = {}): Promise<CommandResult> =>
  runProgram(`${scripts}${script}`, words, options);

/** Runs a module of JavaScript to its end; killed after `ms`. */
export function runProgram(
  path: string,
  words: readonly string[],
  { ms = 60_000, env = {}, onErrors, onOutput }: ProgramOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path, ...words], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    const killer = setTimeout(() => child.kill('SIGKILL'), ms);
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      onOutput?.(output, (name) => child.kill(name));
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString('utf8');
      onErrors?.(errors, (name) => child.kill(name));
    });
    child.on('error', reject);
    child.on('close', (exitCode) => {
      clearTimeout(killer);
      resolve({ exitCode, output, errors });
    });
  });
}

export interface TestCluster {
  readonly cluster: LocalCluster;
  /** `-D` flags of a client. */
  readonly flags: readonly string[];
  /** What `npm run cluster` would have told so far. */
  said(): readonly string[];
  /** Log lines of an actor so far. */
  log(name: string): string;
  /** Asks without starting a process for it. */
  ask<T>(question: (client: Client) => Promise<T>): Promise<T>;
  /** Runs `millrace <words>` against the cluster. */
  millrace(...words: string[]): Promise<CommandResult>;
  stop(): Promise<void>;
}

/** Resolves once its two TaskManagers, of two slots each, are registered. */
export async function startTestCluster(defines: readonly string[] = []): Promise<TestCluster> {
  const logs = new Map<string, string>();
  const said: string[] = [];
  const cluster = await LocalCluster.start({
    configuration: loadSettings({ defines }, {}),
    defines,
    taskManagers: 2,
    slots: 2,
    restartsMax: 10,
    anyPort: true,
    onLine: (name, line) => void logs.set(name, `${logs.get(name) ?? ''}${line}\n`),
    say: (line) => void said.push(line),
  });
  const flags = cluster.defines.flatMap((define) => ['-D', define]);
  const log = (name: string): string => logs.get(name) ?? '';
  try {
    await cluster.ready(60_000);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return {
    cluster,
    flags,
    said: () => said,
    log,
    ask: (question) => withClient(loadSettings({ defines: cluster.defines }), question, { onRetry: () => undefined, patienceMs: 60_000 }),
    millrace: (command, ...words) => runScript('client.js', [command as string, ...flags, ...words]),
    stop: () => cluster.stop(),
  };
}
