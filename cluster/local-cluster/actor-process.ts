/**
 * One actor process of a local cluster: started, watched, restarted when it dies, up to a limit.
 *
 * LP1  A process that dies without being asked to is started again after a short pause, at most `restartsMax` times. The
 *      pause grows while it ends by itself after short lives; whoever kills it with SIGKILL wants it back at once. One that
 *      says that its settings are wrong is not started again.
 * LP2  `stop` ends it for good: SIGTERM, and SIGKILL when it has not ended within the bound.
 * LP3  It does not outlive this process, unless this process is killed with SIGKILL. A Ctrl-C of the terminal does not
 *      reach a detached one: `stop` ends it, in order.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { badSettingsExitCode } from '../process-lifetime.js';

export interface ActorProcessOptions {
  readonly name: string;
  /** Compiled script, and its arguments for each start: `generation` counts from 0. */
  readonly script: string;
  readonly args: (generation: number) => readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly restartsMax: number;
  /** In a process group of its own: whoever starts it handles SIGINT, SIGTERM and SIGHUP. */
  readonly isDetached: boolean;
  readonly onLine: (name: string, line: string) => void;
  /** `why`: the last error it told before it ended; `restartInMs`: undefined when it is not started again. */
  readonly onExit: (name: string, exit: { readonly how: string; readonly why?: string; readonly restartInMs?: number }) => void;
}

const restartDelayMs = { first: 100, max: 5_000 } as const;
/** A shorter life than this makes the next pause longer. */
const shortLifeMs = 3_000;
const stopBoundMs = 10_000;

export class ActorProcess {
  readonly #options: ActorProcessOptions;
  #child: ChildProcess | undefined;
  #generation = 0;
  #isStopped = false;
  #restart: NodeJS.Timeout | undefined;
  #delayMs: number = restartDelayMs.first;
  #startedAt = 0;
  #why: string | undefined;

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
    this.#startedAt = performance.now();
    this.#why = undefined;
    const child = spawn(process.execPath, ['--enable-source-maps', script, ...args(this.#generation)], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: this.#options.isDetached,
    });
    this.#child = child;
    killAtExit(child);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.#why = errorIn(line) ?? this.#why;
        onLine(name, line);
      });
    }
    child.on('error', (error) => onLine(name, `could not be started: ${error.message}`));
    child.once('exit', () => (this.#child = undefined));
    // Not `exit`: what it said last may still be in the pipes.
    child.once('close', (code, signal) => this.#ended(code, signal));
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#isStopped) return;
    const { restartsMax, onExit } = this.#options;
    const willRestart = code !== badSettingsExitCode && this.#generation < restartsMax;
    const isShort = signal !== 'SIGKILL' && performance.now() - this.#startedAt < shortLifeMs;
    this.#delayMs = isShort && this.#generation > 0 ? Math.min(2 * this.#delayMs, restartDelayMs.max) : restartDelayMs.first;
    onExit(this.name, {
      how: signal ?? `exit code ${code}`,
      ...(this.#why === undefined ? {} : { why: this.#why }),
      ...(willRestart ? { restartInMs: this.#delayMs } : {}),
    });
    if (!willRestart) return;
    this.#restart = setTimeout(() => {
      this.#generation++;
      this.#start();
    }, this.#delayMs);
  }
}

/** What a line of the log says if it is an error; a line that is no JSON was written by Node, or before there was a log. */
function errorIn(line: string): string | undefined {
  try {
    const { level, msg } = JSON.parse(line) as { readonly level?: number; readonly msg?: string };
    return level !== undefined && level >= errorLevel ? msg : undefined;
  } catch {
    return /^(?!Node\.js v)\S+ /.test(line) ? line : undefined;
  }
}

const errorLevel = 50;

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
