/** A cluster of processes over nats-server and redis-server of its own, and a client that never waits long. */
import { readFileSync } from 'node:fs';
import type { Bus } from '../../bus/contracts.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { MessageReply } from '../../bus/protocol/registry.js';
import { Client } from '../../actors/client/client.js';
import { systemClock, systemRandom } from '../../cluster/adapters/system-clock.js';
import { openClientEndpoint } from '../../cluster/cli/client-connection.js';
import { LocalCluster } from '../../cluster/local-cluster/local-cluster.js';
import { loadSettings } from '../../cluster/settings.js';
import type { JobId } from '../../core/ids.js';

const askTimeoutMs = 250;
const pollMs = 10;

export class ClusterUnderTest {
  readonly cluster: LocalCluster;
  readonly client: Client;
  /** What the processes said, newest last: for when something fails. */
  readonly lines: readonly string[];
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

  static async start(size: { readonly taskManagers: number; readonly slots: number }): Promise<ClusterUnderTest> {
    const lines: string[] = [];
    const cluster = await LocalCluster.start({
      ...size,
      configuration: loadSettings({}, {}),
      defines: [],
      restartsMax: 1_000,
      anyPort: true,
      onLine: (name, line) => void lines.push(`${Date.now()} ${name} ${line}`),
      say: (line) => void lines.push(`${Date.now()} ${line}`),
    });
    const configuration = loadSettings({ defines: cluster.defines }, {});
    const { bus, endpoint } = await openClientEndpoint({ configuration, name: 'bench' });
    const started = new ClusterUnderTest({ cluster, bus, endpoint, lines });
    await started.until('every TaskManager registered', async () => (await started.overview())?.taskManagers.length === size.taskManagers);
    return started;
  }

  async stop(): Promise<void> {
    this.#endpoint.close();
    await this.#bus.close();
    await this.cluster.stop();
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

/** Memory of a process that is in use and not swapped out, in MiB. Linux only. */
export function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024;
}
