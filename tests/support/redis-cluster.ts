/** A Redis Cluster of three masters on loopback, without replicas, for tests. */
import { Cluster, Redis } from 'ioredis';
import { findServerBinaries, installCommand } from '../../cluster/servers/find-binaries.js';
import { freePort, ServerProcess } from '../../cluster/servers/server-process.js';
import { redisUrl } from './servers.js';
import { eventually } from './within.js';

const slotCount = 16_384;
const mastersCount = 3;

export class RedisCluster {
  readonly servers: readonly ServerProcess[];
  /** Past any connector. */
  readonly client: Cluster;

  private constructor(servers: readonly ServerProcess[]) {
    this.servers = servers;
    this.client = new Cluster(servers.map(({ port }) => ({ host: '127.0.0.1', port })));
  }

  /** Resolves when every slot is served. Dispose it. */
  static async start(): Promise<RedisCluster> {
    const servers = await Promise.all(Array.from({ length: mastersCount }, startMaster));
    const nodes = servers.map((server) => new Redis(redisUrl(server)));
    const [first] = servers as [ServerProcess];
    const share = Math.ceil(slotCount / mastersCount);
    await Promise.all(
      nodes.map(async (node, index) => {
        await node.call('CLUSTER', 'ADDSLOTSRANGE', index * share, Math.min((index + 1) * share, slotCount) - 1);
        const [, busPort] = await busPortOf(nodes[0] as Redis);
        if (index > 0) await node.call('CLUSTER', 'MEET', '127.0.0.1', first.port, busPort);
      }),
    );
    const isReady = async (node: Redis): Promise<boolean> => {
      const info = String(await node.call('CLUSTER', 'INFO'));
      return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${mastersCount}`);
    };
    await eventually(20_000, async () => (await Promise.all(nodes.map(isReady))).every(Boolean), 'the cluster to be ready', 50);
    for (const node of nodes) node.disconnect();
    return new RedisCluster(servers);
  }

  get url(): string {
    return redisUrl(this.servers[0] as ServerProcess);
  }

  /** Number of the master that has a key. */
  async masterOf(key: string): Promise<number> {
    const slot = Number(await this.client.cluster('KEYSLOT', key));
    return Math.floor(slot / Math.ceil(slotCount / mastersCount));
  }

  /** A name with this prefix whose key is on the given master. */
  async nameOn(master: number, prefix: string): Promise<string> {
    for (let number = 0; ; number += 1) if ((await this.masterOf(`${prefix}-${number}`)) === master) return `${prefix}-${number}`;
  }

  async dispose(): Promise<void> {
    this.client.disconnect();
    await Promise.all(this.servers.map((server) => server.dispose()));
  }
}

async function startMaster(): Promise<ServerProcess> {
  const found = findServerBinaries();
  if (!('redis' in found)) throw new Error(`redis-server not found. Run: ${installCommand}`);
  const busPort = await freePort();
  return ServerProcess.start({
    name: 'redis-server',
    binary: found.redis,
    flags: (port, directory) => [
      ...['--bind', '127.0.0.1', '--port', String(port), '--dir', directory, '--save', ''],
      ...['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'],
      ...['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-config-file', 'nodes.conf'],
      // A master that is away for less than this is not given up, so that its slots come back with it.
      ...['--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no'],
    ],
  });
}

/** Host and cluster port of a node. */
async function busPortOf(node: Redis): Promise<readonly [host: string, port: number]> {
  const line = String(await node.call('CLUSTER', 'NODES'));
  const [, host = '', port = ''] = /(\S*):\d+@(\d+)/.exec(line) ?? [];
  return [host, Number(port)];
}
