/**
 * A server of our own on loopback: started, waited for, stopped or killed, started again on the same port and data.
 *
 * - SP1 `start` resolves once the port answers; it rejects, with the server's last words, when the server ends first.
 * - SP2 no server outlives this process when it exits by `process.exit` or normally. A detached one is not reached by a
 *   Ctrl-C of the terminal, nor by who kills the group of this process: whoever starts one handles SIGINT, SIGTERM, SIGHUP.
 * - SP3 a port that somebody else listens on is refused before anything is started: his answers are not taken for ours.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MillraceError } from '../../core/errors.js';

const startBoundMs = 10_000;
const stopBoundMs = 10_000;
const pollMs = 20;

/** A TCP port on loopback that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

export interface ServerProcessOptions {
  readonly name: string;
  readonly binary: string;
  /** Command line for a port and a data directory. */
  readonly flags: (port: number, directory: string) => readonly string[];
  /** Chosen freely when absent. */
  readonly port?: number;
  /** Called when it ends without having been asked to, with how. */
  readonly onEnd?: (how: string) => void;
  /** In a process group of its own (SP2). */
  readonly isDetached?: boolean;
}

/** One server with its own temporary data directory. */
export class ServerProcess {
  readonly name: string;
  readonly port: number;
  /** Holds the server's data until {@link dispose}. */
  readonly directory: string;
  readonly #binary: string;
  readonly #flags: readonly string[];
  #child: ChildProcess | undefined;
  #output = '';
  #isAsked = false;
  readonly #onEnd: ServerProcessOptions['onEnd'];
  readonly #isDetached: boolean;

  private constructor(options: ServerProcessOptions, port: number) {
    this.name = options.name;
    this.port = port;
    this.directory = mkdtempSync(join(tmpdir(), `millrace-${options.name}-`));
    this.#binary = options.binary;
    this.#onEnd = options.onEnd;
    this.#isDetached = options.isDetached === true;
    this.#flags = options.flags(port, this.directory);
    endWithProcess(this);
  }

  /** Starts a server and waits until it answers. */
  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    const server = new ServerProcess(options, options.port ?? (await freePort()));
    try {
      await server.start();
    } catch (error) {
      await server.dispose();
      throw error;
    }
    return server;
  }

  /** Process id, while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts it again after {@link stop} or {@link kill}, on the same port and data; `more` flags win over its own. */
  async start(more: readonly string[] = []): Promise<void> {
    if (this.#child !== undefined) throw new Error(`${this.name} runs already`);
    if (await answers(this.port))
      throw this.#notStarted('another process listens on it', 'End that process, or configure another address.');
    const child = spawn(this.#binary, [...this.#flags, ...more], {
      cwd: this.directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: this.#isDetached,
    });
    this.#child = child;
    this.#output = '';
    this.#isAsked = false;
    let isUp = false;
    let ended: string | undefined;
    child.on('error', (error) => (ended = error.message));
    child.on('exit', (code, signal) => {
      ended ??= `it ended with ${signal ?? `exit code ${code}`}`;
      if (this.#child === child) this.#child = undefined;
      if (isUp && !this.#isAsked) this.#onEnd?.(`${signal ?? `exit code ${code}`}${this.#lastWords()}`);
    });
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString('utf8')).slice(-4_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const deadline = performance.now() + startBoundMs;
    while (!(await answers(this.port)) || ended !== undefined) {
      if (ended !== undefined || performance.now() > deadline) {
        await this.kill();
        throw this.#notStarted(`${ended ?? 'no answer'}${this.#lastWords()}`, `It was started as ${this.#binary}.`);
      }
      await delay(pollMs);
    }
    isUp = true;
  }

  /** Asks it to end (SIGTERM) and waits; kills it when it does not. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** `kill -9`, and waits until it is gone. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Stops it for the time `pause` … `resume` take, as a long garbage collection or a frozen machine would. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Kills it and removes its data. */
  async dispose(): Promise<void> {
    await this.kill();
    this.disposeNow();
  }

  /** As {@link dispose}, without waiting. For exit handlers. */
  disposeNow(): void {
    this.#isAsked = true;
    this.#child?.kill('SIGKILL');
    open.delete(this);
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 3 });
  }

  /** The last line it wrote says why it ends. */
  #lastWords(): string {
    const last = this.#output.trim().split('\n').at(-1) ?? '';
    return last === '' ? '' : `: ${last}`;
  }

  #notStarted(why: string, hint: string): MillraceError {
    const message = `${this.name} did not start on port ${this.port}: ${why}`;
    return new MillraceError('SERVER_NOT_STARTED', message, { domain: 'external', recovery: 'crash', hint });
  }

  #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#isAsked = true;
    if (child === undefined || child.pid === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const insist = setTimeout(() => child.kill('SIGKILL'), stopBoundMs);
      child.on('exit', () => {
        clearTimeout(insist);
        resolve();
      });
      child.kill(signal);
    });
  }
}

const open = new Set<ServerProcess>();
let isWatching = false;

function endWithProcess(server: ServerProcess): void {
  open.add(server);
  if (isWatching) return;
  isWatching = true;
  process.on('exit', () => {
    for (const each of open) each.disposeNow();
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (result: boolean) => (): void => {
      socket.destroy();
      resolve(result);
    };
    socket.on('connect', done(true));
    socket.on('error', done(false));
  });
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
