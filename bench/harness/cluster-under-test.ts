/** A cluster of processes over nats-server and redis-server of its own, and a client that never waits long. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bus } from '../../bus/contracts.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { MessageReply } from '../../bus/protocol/registry.js';
import { Client } from '../../actors/client/client.js';
import { systemClock, systemRandom } from '../../cluster/adapters/system-clock.js';
import { openClientEndpoint } from '../../cluster/cli/client-connection.js';
import { CodeCache } from '../../cluster/job-code/code-cache.js';
import { compileJob } from '../../cluster/job-code/compiled-job.js';
import { LocalCluster } from '../../cluster/local-cluster/local-cluster.js';
import { loadSettings } from '../../cluster/settings.js';
import { Configuration } from '../../core/configuration/configuration.js';
import type { JobId } from '../../core/ids.js';
import { markIn, scriptPath, type Mark } from './forms.js';
import { preloadEverywhere } from './preload.js';

const askTimeoutMs = 250;
const pollMs = 10;

interface ClusterOptions {
  readonly taskManagers: number;
  readonly slots: number;
  /** A compiled script below dist that every process and thread of the cluster loads first. */
  readonly preload?: string;
}

export class ClusterUnderTest {
  readonly cluster: LocalCluster;
  readonly client: Client;
  /** What the processes said, newest last: for when something fails. */
  readonly lines: readonly string[];
  /** Called with every mark that a process of the cluster makes. */
  onMark: (mark: Mark) => void = () => undefined;
  /** Called with every line that a process of the cluster writes. */
  onLine: (line: string) => void = () => undefined;
  readonly #bus: Bus;
  readonly #endpoint: Endpoint;

  private constructor(parts: {
    readonly cluster: LocalCluster;
    readonly bus: Bus;
    readonly endpoint: Endpoint;
    readonly lines: readonly string[];
  }) {
    this.cluster = parts.cluster;
    this.lines = parts.lines;
    this.#bus = parts.bus;
    this.#endpoint = parts.endpoint;
    this.client = new Client({ endpoint: parts.endpoint, clock: systemClock, random: systemRandom });
  }

  static async start({ preload, ...size }: ClusterOptions): Promise<ClusterUnderTest> {
    const lines: string[] = [];
    let hear = (_line: string): void => undefined;
    const withoutPreload = process.env['NODE_OPTIONS'];
    if (preload !== undefined) preloadEverywhere(preload);
    const cluster = await LocalCluster.start({
      ...size,
      configuration: loadSettings({}, {}),
      defines: [],
      restartsMax: 1_000,
      anyPort: true,
      onLine: (name, line) => {
        lines.push(`${Date.now()} ${name} ${line}`);
        hear(line);
      },
      say: (line) => void lines.push(`${Date.now()} ${line}`),
    });
    const configuration = loadSettings({ defines: cluster.defines }, {});
    const { bus, endpoint } = await openClientEndpoint({ configuration, name: 'bench' });
    const started = new ClusterUnderTest({ cluster, bus, endpoint, lines });
    if (withoutPreload === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = withoutPreload;
    hear = (line) => {
      started.onLine(line);
      const mark = markIn(line);
      if (mark !== undefined) started.onMark(mark);
    };
    await started.until('every TaskManager registered', async () => (await started.overview())?.taskManagers.length === size.taskManagers);
    return started;
  }

  async stop(): Promise<void> {
    this.#endpoint.close();
    await this.#bus.close();
    await this.cluster.stop();
  }

  /** Every process that works for a job, and the server between them: not redis-server, which only keeps checkpoints. */
  pids(): ReadonlyMap<string, number> {
    const named = [
      ...this.cluster.processes.map(({ name, pid }) => [name, pid] as const),
      ['nats-server', this.cluster.nats?.pid] as const,
    ];
    return new Map(named.filter((one): one is readonly [string, number] => one[1] !== undefined));
  }

  /** Bundles and submits a job of bench/jobs. */
  async submit(job: string, parameters: Readonly<Record<string, string>> = {}): Promise<JobId> {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
    try {
      const { jobGraph, bundle } = await compileJob({
        path: scriptPath(`bench/jobs/${job}.js`),
        parameters,
        configuration: Configuration.defaults,
        cache: new CodeCache(directory),
      });
      return await this.client.submit({ jobGraph, code: { kind: 'bundle', bytes: bundle } });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  /** Undefined when nobody answered soon. */
  async describe(jobId: JobId): Promise<JobSummary | undefined> {
    const reply = await this.#endpoint
      .ask({ kind: 'job-manager' }, 'job.describe', { jobId }, { timeoutMs: askTimeoutMs })
      .catch(() => undefined);
    return reply?.kind === 'found' ? reply.job : undefined;
  }

  async overview(): Promise<MessageReply<'cluster.overview'> | undefined> {
    return this.#endpoint.ask({ kind: 'job-manager' }, 'cluster.overview', {}, { timeoutMs: askTimeoutMs }).catch(() => undefined);
  }

  /** Looks every few milliseconds; throws with the last lines of the logs when `boundMs` are over. */
  async until(what: string, isSo: () => Promise<boolean>, boundMs = 60_000): Promise<void> {
    const startedAt = performance.now();
    while (!(await isSo())) {
      if (performance.now() - startedAt > boundMs)
        throw new Error(`not so after ${boundMs} ms: ${what}\n${this.lines.slice(-60).join('\n')}`);
      await new Promise((resolve) => void setTimeout(resolve, pollMs));
    }
  }
}
