/**
 * nats-server and redis-server for tests. `sharedNatsUrl` and `sharedRedisUrl` are one pair for all test files: use
 * names of your own in them (a random prefix), and never stop them. A test that restarts a server starts its own.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findServerBinaries, installCommand, type ServerBinaries } from '../../cluster/servers/find-binaries.js';
import { ServerProcess } from '../../cluster/servers/server-process.js';
import { startNatsServer, startRedisServer } from '../../cluster/servers/start-servers.js';

export { freePort, type ServerProcess } from '../../cluster/servers/server-process.js';
export { natsUrl, redisUrl } from '../../cluster/servers/start-servers.js';

/** The nats-server that the runner started. */
export const sharedNatsUrl = (): string => fromRunner('MILLRACE_TEST_NATS_URL');
/** The redis-server that the runner started. */
export const sharedRedisUrl = (): string => fromRunner('MILLRACE_TEST_REDIS_URL');

/** A nats-server of this test's own. Dispose it. */
export const startOwnNats = (port?: number): Promise<ServerProcess> => startNatsServer(binaries(), port);
/** A nats-server with JetStream, whose streams survive a restart. Dispose it. */
export const startOwnJetStream = (port?: number): Promise<ServerProcess> =>
  ServerProcess.start({
    name: 'nats-server',
    binary: binaries().nats,
    flags: (chosen, directory) => ['--addr', '127.0.0.1', '--port', String(chosen), '--jetstream', '--store_dir', directory],
    ...(port === undefined ? {} : { port }),
  });
/** A nats-server that carries at most so many bytes a message. Dispose it. */
export const startSmallNats = (payloadBytesMax: number): Promise<ServerProcess> =>
  ServerProcess.start({
    name: 'nats-server',
    binary: binaries().nats,
    flags: (port, directory) => {
      const file = join(directory, 'nats.conf');
      writeFileSync(file, `max_payload: ${payloadBytesMax}\n`);
      return ['--config', file, '--addr', '127.0.0.1', '--port', String(port)];
    },
  });
/** A redis-server of this test's own, `appendfsync always`. Dispose it. */
export const startOwnRedis = (port?: number): Promise<ServerProcess> => startRedisServer(binaries(), port);

function fromRunner(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run this file with node dist/scripts/test.js`);
  return value;
}

function binaries(): ServerBinaries {
  const found = findServerBinaries();
  if ('nats' in found) return found;
  throw new Error(`${found.missing.join(' and ')} not found. Run: ${installCommand}`);
}
