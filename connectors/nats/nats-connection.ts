/**
 * The connection of a connector to its NATS servers.
 *
 * NC1  Whatever is told or kept of an address (plans, fingerprints, errors, logs) holds no credentials.
 * NC2  Refused credentials fail the job; a server that cannot be reached fails the attempt, so that the restart strategy of
 *      the job decides how long it is tried.
 * NC3  nats.js is loaded when a connection is made: a job without one does not wait for it.
 */
import type { NatsConnection } from 'nats';
import type { NatsAuthentication, NatsTls } from '../../bus/transports/nats/connect.js';
import { parseServerAddress } from '../../bus/transports/nats/server-address.js';
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { Clock, Logger } from '../../core/ports.js';

/** Where the servers are, and who connects. */
export interface NatsServerOptions {
  /** `nats://[user:password@]host[:port]` or `tls://…`; several addresses of one cluster as an array. */
  readonly servers: string | readonly string[];
  /** Overrides what stands in the addresses. */
  readonly authentication?: NatsAuthentication;
  readonly tls?: NatsTls;
}

export interface NatsConnectOptions extends NatsServerOptions {
  /** Name of the connector, for errors and the server's list of connections. */
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the tries: whoever opens may be closed before he has opened. */
  readonly signal?: AbortSignal;
}

const reconnectDelayMs = 250;

/** The addresses as they may be shown (NC1). Throws `BAD_NATS_ADDRESS`, so that a job with a wrong one does not build. */
export function shownServers({ servers }: NatsServerOptions): readonly string[] {
  const list = typeof servers === 'string' ? [servers] : servers;
  if (list.length === 0) throw new MillraceError('BAD_NATS_ADDRESS', 'No address of a NATS server was given.', { domain: 'user' });
  return list.map((server) => parseServerAddress(server).url);
}

/**
 * Connects. A connection that is lost comes back by itself, for `limits.connectorAwayMs`; then it closes for good.
 * Rejects with `NATS_REFUSED` or `NATS_UNREACHABLE` (NC2).
 */
export async function connectToNats(options: NatsConnectOptions): Promise<NatsConnection> {
  const { servers, name, clock, logger, authentication, tls, signal } = options;
  const { openNats } = await import('../../bus/transports/nats/connect.js');
  try {
    const { connection } = await openNats({
      servers: typeof servers === 'string' ? [servers] : servers,
      name: `millrace ${name}`,
      clock,
      logger,
      connectAttemptsMax: limits.connectorConnectAttemptsMax,
      reconnectDelayMs,
      reconnectAttemptsMax: Math.ceil(limits.connectorAwayMs / reconnectDelayMs),
      ...(authentication === undefined ? {} : { authentication }),
      ...(tls === undefined ? {} : { tls }),
      ...(signal === undefined ? {} : { signal }),
    });
    return connection;
  } catch (error) {
    throw error instanceof MillraceError ? asConnectorError(error, name) : error;
  }
}

/** The same failure, as it concerns a connector: the process that runs it is not to end for it. */
function asConnectorError(error: MillraceError, where: string): MillraceError {
  return new MillraceError(error.code, error.message, {
    domain: error.domain,
    recovery: error.code === 'NATS_UNREACHABLE' ? 'restart-job' : 'fail-job',
    where,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
