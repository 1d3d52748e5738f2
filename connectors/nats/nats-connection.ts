/**
 * The connection of a connector to its NATS servers.
 *
 * NC1  Whatever is told or kept of an address (plans, fingerprints, errors, logs) holds no credentials.
 * NC2  Refused credentials fail the job; a server that cannot be reached fails the attempt, so that the restart strategy of
 *      the job decides how long it is tried.
 * NC3  A connection that was lost and closed for good is told by the name of the connector: refused, as a server does that came
 *      back with other users, or away for too long. What nats.js says stands behind it.
 * NC4  nats.js is loaded when a connection is made: a job without one does not wait for it.
 */
import type { NatsConnection } from 'nats';
import type { NatsAuthentication, NatsTls } from '../../bus/transports/nats/connect.js';
import { parseServerAddress } from '../../bus/transports/nats/server-address.js';
import { isRefusal } from '../../bus/transports/nats/nats-codes.js';
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

/** The addresses as they may be shown (NC1). Throws `BAD_NATS_ADDRESS`, so that a job with a wrong one does not build. */
export function shownServers({ servers }: NatsServerOptions): readonly string[] {
  const list = typeof servers === 'string' ? [servers] : servers;
  if (list.length === 0) {
    throw new MillraceError('BAD_NATS_ADDRESS', 'No address of a NATS server was given.', {
      domain: 'user',
      recovery: 'fail-job',
      hint: "Give servers, such as 'nats://localhost:4222'.",
    });
  }
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
      reconnectDelayMs: limits.connectorNatsReconnectMs,
      reconnectAttemptsMax: Math.ceil(limits.connectorAwayMs / limits.connectorNatsReconnectMs),
      ...(authentication === undefined ? {} : { authentication }),
      ...(tls === undefined ? {} : { tls }),
      ...(signal === undefined ? {} : { signal }),
    });
    return connection;
  } catch (error) {
    throw error instanceof MillraceError ? asConnectorError(error, name) : error;
  }
}

/** NC3. What closed it, if nats.js says. */
export function closedForGood(where: string, cause?: unknown): MillraceError {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  if (isRefusal(cause)) {
    return new MillraceError('NATS_REFUSED', `NATS refused the connection when it was to come back${reason}`, {
      domain: 'user',
      recovery: 'fail-job',
      where,
      hint: 'Check user, password, token and certificates: what the job was started with is not taken any more.',
      cause,
    });
  }
  const awayS = limits.connectorAwayMs / 1_000;
  return new MillraceError('NATS_UNREACHABLE', `The connection to NATS was lost and did not come back within ${awayS} s${reason}`, {
    domain: 'external',
    recovery: 'restart-job',
    where,
    hint: 'Check that nats-server runs and can be reached; after the restart the job goes on from its latest checkpoint.',
    cause,
  });
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
