/** nats-server and redis-server as Millrace wants them: loopback, temporary data, Redis durable before it answers. */
import type { ServerBinaries } from './find-binaries.js';
import { ServerProcess, type ServerProcessOptions } from './server-process.js';

type MoreOptions = Pick<ServerProcessOptions, 'onEnd' | 'isDetached'>;

/** A nats-server; its URL is `nats://127.0.0.1:<port>`. */
export function startNatsServer(binaries: ServerBinaries, port?: number, more: MoreOptions = {}): Promise<ServerProcess> {
  return ServerProcess.start({
    name: 'nats-server',
    binary: binaries.nats,
    flags: (chosen) => ['--addr', '127.0.0.1', '--port', String(chosen)],
    ...(port === undefined ? {} : { port }),
    ...more,
  });
}

/** A redis-server that has every write on the disk before it answers; its URL is `redis://127.0.0.1:<port>`. */
export function startRedisServer(binaries: ServerBinaries, port?: number, more: MoreOptions = {}): Promise<ServerProcess> {
  return ServerProcess.start({
    name: 'redis-server',
    binary: binaries.redis,
    flags: (chosen, directory) => [
      ...['--bind', '127.0.0.1', '--port', String(chosen), '--dir', directory],
      ...['--appendonly', 'yes', '--appendfsync', 'always', '--save', '', '--maxmemory-policy', 'noeviction'],
    ],
    ...(port === undefined ? {} : { port }),
    ...more,
  });
}

export const natsUrl = (server: ServerProcess): string => `nats://127.0.0.1:${server.port}`;
export const redisUrl = (server: ServerProcess): string => `redis://127.0.0.1:${server.port}`;
