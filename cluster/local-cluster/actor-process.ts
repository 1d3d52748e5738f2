/**
 * One actor process of a local cluster: started, watched, restarted when it dies, up to a limit.
 *
 * LP1  A process that dies without being asked to is started again after a short pause, at most `restartsMax` times.
 * LP2  `stop` ends it for good: SIGTERM, and SIGKILL when it has not ended within the bound.
 * LP3  It does not outlive this process, unless this process is killed with SIGKILL.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ActorProcessOptions {
  readonly name: string;
  /** Compiled script, and its arguments for each start: `generation` counts from 0. */
  readonly script: string;
  readonly args: (generation: number) => readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly restartsMax: number;
  readonly onLine: (name: string, line: string) => void;
  readonly onExit: (name: string, how: string, willRestart: boolean) => void;
}

const restartDelayMs = 100;
const stopBoundMs = 10_000;

export class ActorProcess {
  readonly #options: ActorProcessOptions;
  #child: ChildProcess | undefined;
  #generation = 0;
  #isStopped = false;
  #restart: NodeJS.Timeout | undefined;

  constructor(options: ActorProcessOptions) {
    this.#options = options;
    this.#start();
  }

  get name(): string {
    return this.#options.name;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** How often it was started again. */
  get restarts(): number {
    return this.#generation;
  }

  /** Sends a signal to the process, if it runs; SIGKILL is `kill -9`. Returns whether there was one. */
  signal(signal: NodeJS.Signals): boolean {
    return this.#child?.kill(signal) ?? false;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined) return;
    await new Promise<void>((resolve) => {
      const insist = setTimeout(() => child.kill('SIGKILL'), stopBoundMs);
      child.once('exit', () => {
        clearTimeout(insist);
        resolve();
      });
      child.kill('SIGTERM');
    });
  }

  #start(): void {
    const { name, script, args, env, onLine } = this.#options;
    const child = spawn(process.execPath, ['--enable-source-maps', script, ...args(this.#generation)], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    killAtExit(child);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => onLine(name, line));
    }
    child.on('error', (error) => onLine(name, `could not be started: ${error.message}`));
    child.once('exit', (code, signal) => this.#ended(signal ?? `exit code ${code}`));
  }

  #ended(how: string): void {
    this.#child = undefined;
    const willRestart = !this.#isStopped && this.#generation < this.#options.restartsMax;
    if (!this.#isStopped) this.#options.onExit(this.name, how, willRestart);
    if (!willRestart) return;
    this.#restart = setTimeout(() => {
      this.#generation++;
      this.#start();
    }, restartDelayMs);
  }
}

const alive = new Set<ChildProcess>();
let isWatchingExit = false;

/** LP3. */
function killAtExit(child: ChildProcess): void {
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  if (isWatchingExit) return;
  isWatchingExit = true;
  process.on('exit', () => {
    for (const each of alive) each.kill('SIGKILL');
  });
}
