/**
 * The ioredis client of a connector: of one server, or of a Redis Cluster.
 *
 * RK1  In a cluster a command goes to the node that has its first key; while a node is away, or a slot moves, it is sent again
 *      for `limits.connectorAwayMs`.
 * RK2  ioredis is loaded when a client is made: a job without one does not wait for it.
 */
import type { Cluster, Redis } from 'ioredis';
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { parseRedisAddress } from '../../storage/redis/redis-address.js';

export type RedisClient = Redis | Cluster;

/** Where Redis is. */
export interface RedisServerOptions {
  /** `redis://[user:password@]host[:port][/database]`, or `rediss://`. The password is never shown. */
  readonly url: string;
  /**
   * The address is that of a node of a Redis Cluster, of which the others are learnt. As an array: further nodes to ask when
   * that one is away; user, password and TLS are those of `url`.
   */
  readonly cluster?: boolean | readonly string[];
}

export interface RedisClientSettings extends RedisServerOptions {
  /** Shown in the server's list of clients. */
  readonly connectionName: string;
  /** Called before each try to connect again; null: no more. */
  readonly delayBeforeRetry: (attempt: number) => number | null;
}

/** The address as it may be shown. Throws `CONFIG_INVALID`, so that a job with a wrong one does not build. */
export function shownRedis({ url, cluster }: RedisServerOptions): string {
  const { shown } = parseRedisAddress(url);
  if (!isCluster(cluster)) return shown;
  for (const node of [url, ...furtherNodes(cluster)]) {
    parseRedisAddress(node);
    if (!/^\/?0?$/.test(new URL(node).pathname)) {
      throw new MillraceError('CONFIG_INVALID', 'A Redis Cluster has no databases but the first.', {
        domain: 'user',
        recovery: 'crash',
        hint: 'Leave the number behind the port out of the address.',
      });
    }
  }
  return shown;
}

/** Not connected yet (RK2). */
export async function makeRedisClient(settings: RedisClientSettings): Promise<RedisClient> {
  const ioredis = await import('ioredis');
  const { url, cluster, connectionName, delayBeforeRetry } = settings;
  const common = {
    protocol: 2 as const,
    connectionName,
    connectTimeout: limits.connectorRedisConnectMs,
    disableClientInfo: true,
  };
  if (!isCluster(cluster)) {
    return new ioredis.Redis(url, {
      ...common,
      lazyConnect: true,
      enableOfflineQueue: true,
      autoResendUnfulfilledCommands: true,
      maxRetriesPerRequest: null,
      retryStrategy: delayBeforeRetry,
    });
  }
  const { username, password, protocol } = new URL(url);
  return new ioredis.Cluster([url, ...furtherNodes(cluster)].map(hostAndPort), {
    lazyConnect: true,
    enableOfflineQueue: true,
    clusterRetryStrategy: delayBeforeRetry,
    slotsRefreshTimeout: limits.connectorRedisConnectMs,
    retryDelayOnFailover: limits.connectorRetryMs,
    retryDelayOnClusterDown: limits.connectorRetryMs,
    retryDelayOnTryAgain: limits.connectorRetryMs,
    maxRedirections: Math.ceil(limits.connectorAwayMs / limits.connectorRetryMs),
    redisOptions: {
      ...common,
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' ? { tls: {} } : {}),
    },
  });
}

const isCluster = (cluster: RedisServerOptions['cluster']): boolean => cluster !== undefined && cluster !== false;

const furtherNodes = (cluster: RedisServerOptions['cluster']): readonly string[] => (Array.isArray(cluster) ? cluster : []);

function hostAndPort(node: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(node);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 6_379 : Number(port) };
}
