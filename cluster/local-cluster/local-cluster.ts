/**
 * A cluster of processes on this machine: nats-server and redis-server where none are configured, a JobManager and
 * TaskManagers, each its own process, dead ones started again up to a limit.
 *
 * LC1  Nothing it started outlives `stop`, nor this process when it exits.
 * LC2  A JobManager that replaces a dead one says whose lease it supersedes: this process saw it die.
 * LC3  Every end of one of its processes or servers is said, with why, and what follows; a cluster that has no JobManager or
 *      no TaskManager left, and will get none, says so (`onHopeless`).
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Client } from '../../actors/client/client.js';
import type { Configuration } from '../../core/configuration/configuration.js';
import { options } from '../../core/configuration/options.js';
import { explainError, MillraceError, toErrorRecord } from '../../core/errors.js';
import { withClient } from '../cli/client-connection.js';
import { requireServerBinaries } from '../servers/find-binaries.js';
import type { ServerProcess } from '../servers/server-process.js';
import { natsUrl, redisUrl, startNatsServer, startRedisServer } from '../servers/start-servers.js';
import { ActorProcess } from './actor-process.js';
import { clientCommand, processSettings } from './handed-on-settings.js';

export interface LocalClusterOptions {
  readonly configuration: Configuration;
  /** `-D` flags and `--config` that the actor processes get too. */
  readonly defines: readonly string[];
  readonly config?: string;
  readonly taskManagers: number;
  readonly slots: number;
  readonly restartsMax: number;
  /** Take any free port for a nats-server and redis-server of our own; else the usual one is tried first. */
  readonly anyPort?: boolean;
  /** Ctrl-C of the terminal reaches this process only, which then stops the others in order; needs handlers of signals. */
  readonly isDetached?: boolean;
  readonly onLine: (process: string, line: string) => void;
  readonly say: (line: string) => void;
  /** Called once when nothing will work any more. */
  readonly onHopeless?: () => void;
}

const scripts = fileURLToPath(new URL('../../scripts/', import.meta.url));
const readyPollMs = 50;
const usualPorts = { nats: 4222, redis: 6379 };

/** Lives in a row that may have died before they led. */
const supersededMax = 16;

export class LocalCluster {
  readonly #options: LocalClusterOptions;
  readonly #servers: { nats?: ServerProcess; redis?: ServerProcess } = {};
  readonly #processes = new Map<string, ActorProcess>();
  #defines: readonly string[] = [];
  readonly #givenUp = new Set<string>();
  #serverRestarts = 0;
  #isHopeless = false;
  #stopping: Promise<void> | undefined;

  private constructor(options: LocalClusterOptions) {
    this.#options = options;
  }

  /** Resolves once servers answer and the actor processes are started; they find each other by themselves. */
  static async start(settings: LocalClusterOptions): Promise<LocalCluster> {
    const cluster = new LocalCluster(settings);
    try {
      await cluster.#start();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** `-D` flags with which a client reaches this cluster. */
  get defines(): readonly string[] {
    return this.#defines;
  }

  /** What to type in another terminal to run a job on this cluster; shows no secret. */
  get clientCommand(): string {
    return clientCommand(this.#configuration, this.#options.config ?? process.env['MILLRACE_CONF']);
  }

  get processes(): readonly ActorProcess[] {
    return [...this.#processes.values()];
  }

  get nats(): ServerProcess | undefined {
    return this.#servers.nats;
  }

  get redis(): ServerProcess | undefined {
    return this.#servers.redis;
  }

  process(name: string): ActorProcess | undefined {
    return this.#processes.get(name);
  }

  /** Resolves once a JobManager leads and all TaskManagers are registered with it; rejects after `ms`. */
  async ready(ms: number): Promise<void> {
    const { taskManagers } = this.#options;
    const deadline = performance.now() + ms;
    const look = async (client: Client): Promise<void> => {
      for (;;) {
        const found = (await client.overview()).taskManagers.length;
        if (found >= taskManagers) return;
        if (performance.now() > deadline) throw notReady(`${found} of ${taskManagers} TaskManagers registered`, ms);
        await new Promise((resolve) => setTimeout(resolve, readyPollMs));
      }
    };
    await withClient(this.#configuration, look, { patienceMs: ms, onRetry: () => undefined });
  }

  /** With the servers that were started. */
  get #configuration(): Configuration {
    return this.#options.configuration.with({ flags: Object.fromEntries(this.#defines.map(splitDefine)) });
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  async #start(): Promise<void> {
    const { configuration, defines, taskManagers, slots, say } = this.#options;
    const own: string[] = [];
    const needsNats = configuration.originOf(options.natsServers) === undefined;
    const needsRedis =
      configuration.originOf(options.redisUrl) === undefined && configuration.originOf(options.highAvailabilityType) === undefined;
    if (needsNats || needsRedis) {
      const binaries = requireServerBinaries(say);
      if (needsNats) {
        this.#servers.nats = await startNatsServer(binaries, await this.#port('nats'), this.#serverOptions('nats'));
        own.push(`nats.servers=${natsUrl(this.#servers.nats)}`);
      }
      if (needsRedis) {
        this.#servers.redis = await startRedisServer(binaries, await this.#port('redis'), this.#serverOptions('redis'));
        own.push(`redis.url=${redisUrl(this.#servers.redis)}`);
      }
    }
    if (configuration.originOf(options.highAvailabilityType) === undefined) own.push('high-availability.type=redis');
    this.#defines = [...own, ...defines];
    this.#launchJobManager();
    for (let n = 1; n <= taskManagers; n++) this.#launchTaskManager(`tm-${n}`, slots);
  }

  #launchJobManager(): void {
    const holders: string[] = [];
    this.#launch('jm-1', 'job-manager.js', (generation) => {
      holders[generation] = `jm-1-${randomBytes(4).toString('hex')}`;
      // Not only the latest: it may have died before it led.
      const before = holders.slice(Math.max(0, generation - supersededMax), generation).reverse();
      return ['--holder', holders[generation], ...(before.length === 0 ? [] : ['--supersedes', ...before])];
    });
  }

  #launchTaskManager(name: string, slots: number): void {
    this.#launch(name, 'task-manager.js', () => ['-D', `taskmanager.resource-id=${name}`, '-D', `taskmanager.numberOfTaskSlots=${slots}`]);
  }

  #launch(name: string, script: string, args: (generation: number) => readonly string[]): void {
    const { config, restartsMax, onLine } = this.#options;
    const { flags, environment } = processSettings(this.#defines, process.env);
    const common = [...(config === undefined ? [] : ['--config', config]), ...flags];
    this.#processes.set(
      name,
      new ActorProcess({
        name,
        script: `${scripts}${script}`,
        args: (generation) => [...args(generation), ...common],
        env: environment,
        restartsMax,
        isDetached: this.#options.isDetached === true,
        onLine,
        onExit: (which, { how, why, restartInMs }) => {
          const next = restartInMs === undefined ? 'it is not started again' : `starting it again in ${restartInMs / 1_000} s`;
          this.#options.say(`${which} ended (${how}): ${next}${why === undefined ? '' : `\n  ${why}`}`);
          if (restartInMs === undefined) this.#giveUp(which);
        },
      }),
    );
  }

  /** LC3. */
  #giveUp(name: string): void {
    this.#givenUp.add(name);
    const isLeft = (isJobManager: boolean): boolean =>
      [...this.#processes.keys()].some((each) => each.startsWith('jm') === isJobManager && !this.#givenUp.has(each));
    if (this.#isHopeless || (isLeft(true) && isLeft(false))) return;
    this.#isHopeless = true;
    this.#options.say(`no ${isLeft(true) ? 'TaskManager' : 'JobManager'} is left`);
    this.#options.onHopeless?.();
  }

  #serverOptions(which: 'nats' | 'redis'): { readonly onEnd: (how: string) => void; readonly isDetached: boolean } {
    return { onEnd: (how) => this.#serverEnded(which, how), isDetached: this.#options.isDetached === true };
  }

  /** A server is started again where it was, with the data it had. */
  #serverEnded(which: 'nats' | 'redis', how: string): void {
    const { say, restartsMax } = this.#options;
    const server = this.#servers[which];
    if (this.#stopping !== undefined || server === undefined) return;
    const mayRestart = this.#serverRestarts++ < restartsMax;
    say(`${server.name} ended (${how}): ${mayRestart ? 'starting it again' : 'it is not started again'}`);
    if (mayRestart) server.start().catch((error: unknown) => say(explainError(toErrorRecord(error))));
  }

  async #port(server: 'nats' | 'redis'): Promise<number | undefined> {
    const usual = usualPorts[server];
    if (this.#options.anyPort === true) return undefined;
    if (await isFree(usual)) return usual;
    this.#options.say(`port ${usual} is in use: the ${server}-server of this cluster takes another one`);
    return undefined;
  }

  async #stop(): Promise<void> {
    const names = [...this.#processes.keys()].sort((a, b) => Number(a.startsWith('jm')) - Number(b.startsWith('jm')));
    const taskManagers = names.filter((name) => !name.startsWith('jm'));
    await Promise.all(taskManagers.map((name) => this.#processes.get(name)?.stop()));
    await Promise.all(names.map((name) => this.#processes.get(name)?.stop()));
    await Promise.all([this.#servers.nats?.dispose(), this.#servers.redis?.dispose()]);
  }
}

function splitDefine(define: string): [string, string] {
  const at = define.indexOf('=');
  return [define.slice(0, at).trim(), define.slice(at + 1)];
}

const notReady = (what: string, ms: number): MillraceError =>
  new MillraceError('CLUSTER_NOT_READY', `${what} within ${ms / 1_000} s`, { domain: 'external' });

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
