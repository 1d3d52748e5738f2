/** Connects a process to NATS as its configuration says. */
import { readFileSync } from 'node:fs';
import { connectNats, type NatsAuthentication, type NatsSettings, type NatsTls } from '../bus/transports/nats/connect.js';
import type { NatsBus } from '../bus/transports/nats/connection.js';
import { createSubjects, type Subjects } from '../bus/protocol/subjects.js';
import type { Configuration } from '../core/configuration/configuration.js';
import { options } from '../core/configuration/options.js';
import { limits } from '../core/limits.js';
import { MillraceError } from '../core/errors.js';
import type { Clock, Logger } from '../core/ports.js';

export interface BusConnectionOptions {
  readonly configuration: Configuration;
  /** As the server's list of connections shows it. */
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Gives up after this long when the configuration does not say. */
  readonly giveUpAfterMs?: number;
  readonly signal?: AbortSignal;
  /** Called when the connection worked and was given up: the process cannot go on without it. */
  readonly fatal?: (reason: string) => void;
}

/** Pauses between attempts grow to 5 s; the bound on their number follows from the time allowed. */
const attemptsIn = (ms: number): number =>
  Math.max(1, ms < 3_200 ? Math.ceil(Math.log2(ms / 100 + 1)) : 5 + Math.ceil((ms - 3_200) / 5_000));

/** Throws `NATS_UNREACHABLE` or `NATS_REFUSED`, naming the address, when it gives up, and `NATS_PAYLOAD_TOO_SMALL`. */
export async function connectBus(settings: BusConnectionOptions): Promise<NatsBus> {
  const { configuration, name, clock, logger, giveUpAfterMs, signal, fatal } = settings;
  const bus = await connectNats({
    ...natsSettingsOf(configuration, giveUpAfterMs),
    name,
    clock,
    logger,
    ...(signal === undefined ? {} : { signal }),
  });
  const servers = configuration.shown(options.natsServers);
  if (bus.payloadBytesMax < limits.payloadBytesMin) {
    await bus.close();
    throw payloadTooSmall(servers, bus.payloadBytesMax);
  }
  logger.log('info', 'connected to NATS', { connection: name, servers });
  bus.onStatus(() => {
    if (bus.isGivenUp) fatal?.(`the connection to NATS at ${servers} was given up`);
  });
  return bus;
}

/** What a connection needs to know of the configuration: plain data, which may cross into a thread. */
export function natsSettingsOf(configuration: Configuration, giveUpAfterMs?: number): NatsSettings {
  const giveUp = configuration.get(options.natsGiveUpAfter) ?? giveUpAfterMs;
  const authentication = authenticationOf(configuration);
  const tls = tlsOf(configuration);
  return {
    servers: configuration.get(options.natsServers),
    connectTimeoutMs: configuration.get(options.natsConnectTimeout),
    reconnectDelayMs: configuration.get(options.natsReconnectWait),
    ...(giveUp === undefined
      ? {}
      : {
          connectAttemptsMax: attemptsIn(giveUp),
          reconnectAttemptsMax: Math.max(1, Math.ceil(giveUp / configuration.get(options.natsReconnectWait))),
        }),
    ...(authentication === undefined ? {} : { authentication }),
    ...(tls === undefined ? {} : { tls }),
  };
}

function payloadTooSmall(servers: string, bytes: number): MillraceError {
  const message = `NATS at ${servers} carries messages of ${bytes} bytes at most; ${limits.payloadBytesMin} are needed.`;
  return new MillraceError('NATS_PAYLOAD_TOO_SMALL', message, {
    domain: 'user',
    recovery: 'crash',
    hint: "Set max_payload in nats-server's configuration to that or more; its default is 1 MiB.",
  });
}

export function subjectsOf(configuration: Configuration): Subjects {
  return createSubjects({ prefix: configuration.get(options.natsSubjectPrefix), clusterId: configuration.get(options.clusterId) });
}

function authenticationOf(configuration: Configuration): NatsAuthentication | undefined {
  const user = configuration.get(options.natsUser);
  const password = configuration.get(options.natsPassword);
  const token = configuration.get(options.natsToken);
  const seed = configuration.get(options.natsNkeySeed);
  const credentials = configuration.get(options.natsCredentialsFile);
  if (credentials !== undefined) return { kind: 'creds', creds: readText(credentials) };
  if (seed !== undefined) return { kind: 'nkey', seed };
  if (token !== undefined) return { kind: 'token', token };
  return user === undefined ? undefined : { kind: 'user', user, password: password ?? '' };
}

function tlsOf(configuration: Configuration): NatsTls | undefined {
  const caFile = configuration.get(options.natsTlsCaFile);
  const certFile = configuration.get(options.natsTlsCertFile);
  const keyFile = configuration.get(options.natsTlsKeyFile);
  if (!configuration.get(options.isNatsTls) && caFile === undefined && certFile === undefined) return undefined;
  return {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new MillraceError('CREDENTIALS_FILE', `the credentials file ${path} could not be read`, {
      domain: 'user',
      recovery: 'crash',
      cause,
    });
  }
}
