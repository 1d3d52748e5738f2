/**
 * Connecting to NATS.
 *
 * K1  The first connection is tried until it stands, with growing pauses, unless the caller limits the tries or aborts;
 *     wrong credentials and TLS that is refused fail at once, because trying again cannot help.
 * K2  Every failure names the addresses, without credentials, and says what to do.
 */
import { connect, type ConnectionOptions, credsAuthenticator, nkeyAuthenticator, type NatsConnection, type TlsOptions } from 'nats';
import { MillraceError } from '../../../core/errors.js';
import { pause } from '../../../core/pause.js';
import type { Clock, Logger } from '../../../core/ports.js';
import { NatsBus } from './connection.js';
import { isRefusal, natsCodeOf } from './nats-codes.js';
import { parseServerAddress, type ServerAddress } from './server-address.js';

export type NatsAuthentication =
  | { readonly kind: 'user'; readonly user: string; readonly password: string }
  | { readonly kind: 'token'; readonly token: string }
  /** The seed of an NKey (`SU…`). */
  | { readonly kind: 'nkey'; readonly seed: string }
  /** The content of a credentials file (JWT and seed). */
  | { readonly kind: 'creds'; readonly creds: string };

export interface NatsTls {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** False accepts any certificate: for trying out only. */
  readonly rejectUnauthorized?: boolean;
}

/** How to reach the servers: plain data, which may cross into a thread. */
export interface NatsSettings {
  /** Addresses of one NATS cluster; those after the first are tried when it is not there. */
  readonly servers: readonly string[];
  /** Overrides user and password in the addresses. */
  readonly authentication?: NatsAuthentication;
  readonly tls?: NatsTls;
  /** Tries of the first connection; default unlimited. */
  readonly connectAttemptsMax?: number;
  /** Bound of one try; default 5 s. */
  readonly connectTimeoutMs?: number;
  /** Default 250 ms. */
  readonly reconnectDelayMs?: number;
  /** Tries of a reconnection per server before the bus closes for good; default unlimited. */
  readonly reconnectAttemptsMax?: number;
}

export interface NatsBusOptions extends NatsSettings {
  /** Stands in the server's list of connections, and in logs. */
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the first connection's tries. */
  readonly signal?: AbortSignal;
}

const retryDelayMs = { first: 100, factor: 2, max: 5_000 } as const;

/** Resolves once the server has accepted the connection. Throws `NATS_UNREACHABLE`, `NATS_REFUSED` or `BAD_NATS_ADDRESS`. */
export async function connectNats(options: NatsBusOptions): Promise<NatsBus> {
  const { connection, where } = await openNats(options);
  return new NatsBus({ connection, name: options.name, where, clock: options.clock, logger: options.logger });
}

/** A connection of nats.js, with what it is connected to as people may see it. */
export interface OpenNats {
  readonly connection: NatsConnection;
  /** Addresses, without credentials. */
  readonly where: string;
}

/** The same without a bus around it, for those who speak more of NATS than the bus does. */
export async function openNats(options: NatsBusOptions): Promise<OpenNats> {
  const addresses = options.servers.map(parseServerAddress);
  if (addresses.length === 0)
    throw new MillraceError('BAD_NATS_ADDRESS', 'No address of a NATS server was given.', { domain: 'user', recovery: 'crash' });
  const where = addresses.map((address) => address.url).join(', ');
  const isAborted = (): boolean => options.signal?.aborted === true;
  let delayMs: number = retryDelayMs.first;
  for (let attempt = 1; ; attempt += 1) {
    let why: string;
    try {
      const connection = await connect(connectionOptions(options, addresses));
      if (!isAborted()) return { connection, where };
      await connection.close();
      throw new Error('aborted');
    } catch (error) {
      why = explain(error);
      if (isRefusal(error)) throw refused(where, why);
    }
    if (isAborted() || attempt >= (options.connectAttemptsMax ?? Number.POSITIVE_INFINITY)) throw unreachable(where, why, attempt);
    options.logger.log('warn', `NATS at ${where} cannot be reached: ${why}; trying again in ${delayMs} ms`, { attempt });
    await pause(options.clock, delayMs, options.signal);
    if (isAborted()) throw unreachable(where, why, attempt);
    delayMs = Math.min(delayMs * retryDelayMs.factor, retryDelayMs.max);
  }
}

/** Made anew for every try: `connect` writes into what it is given. */
function connectionOptions(options: NatsBusOptions, addresses: readonly ServerAddress[]): ConnectionOptions {
  const first = addresses.find((address) => address.user !== undefined);
  const tls = tlsOptions(options, addresses);
  return {
    servers: addresses.map((address) => address.url.replace(/^[a-z]+:\/\//, '')),
    name: options.name,
    timeout: options.connectTimeoutMs ?? 5_000,
    reconnect: true,
    reconnectTimeWait: options.reconnectDelayMs ?? 250,
    reconnectJitter: 50,
    reconnectJitterTLS: 50,
    maxReconnectAttempts: options.reconnectAttemptsMax ?? -1,
    // A peer that vanished without closing its socket is noticed within 15 s.
    pingInterval: 5_000,
    maxPingOut: 2,
    noAsyncTraces: true,
    ...authentication(options.authentication, first),
    ...(tls === undefined ? {} : { tls }),
  };
}

function authentication(given: NatsAuthentication | undefined, address: ServerAddress | undefined): Partial<ConnectionOptions> {
  switch (given?.kind) {
    case 'user':
      return { user: given.user, pass: given.password };
    case 'token':
      return { token: given.token };
    case 'nkey':
      return { authenticator: nkeyAuthenticator(new TextEncoder().encode(given.seed)) };
    case 'creds':
      return { authenticator: credsAuthenticator(new TextEncoder().encode(given.creds)) };
    case undefined:
      if (address?.user === undefined) return {};
      // `nats://token@host` is a token, as in the other NATS clients.
      return address.password === undefined ? { token: address.user } : { user: address.user, pass: address.password };
  }
}

function tlsOptions(options: NatsBusOptions, addresses: readonly ServerAddress[]): TlsOptions | undefined {
  if (options.tls === undefined) return addresses.some((address) => address.isTls) ? {} : undefined;
  const { rejectUnauthorized, ...files } = options.tls;
  // nats.js hands the object on to node:tls; its own type leaves `rejectUnauthorized` out.
  return rejectUnauthorized === undefined ? files : Object.assign({ ...files }, { rejectUnauthorized });
}

function explain(error: unknown): string {
  const code = natsCodeOf(error);
  if (code === 'CONNECTION_REFUSED' || code === 'ECONNREFUSED') return 'the connection was refused';
  if (code === 'TIMEOUT' || code === 'CONNECTION_TIMEOUT') return 'no answer in time';
  if (code === 'SERVER_OPT_NA') return 'TLS is asked for, but the server does not speak it';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the host name is not known';
  return error instanceof Error ? error.message : 'the connection was closed';
}

function unreachable(where: string, why: string, attempts: number): MillraceError {
  return new MillraceError(
    'NATS_UNREACHABLE',
    `NATS at ${where} cannot be reached: ${why} (${attempts} ${attempts === 1 ? 'try' : 'tries'}).`,
    {
      domain: 'external',
      recovery: 'crash',
      hint: 'Start nats-server there, or name another address.',
    },
  );
}

function refused(where: string, why: string): MillraceError {
  return new MillraceError('NATS_REFUSED', `NATS at ${where} refused the connection: ${why}.`, {
    domain: 'user',
    recovery: 'crash',
    hint: 'Check user, token, nkey or credentials, and the TLS settings.',
  });
}
