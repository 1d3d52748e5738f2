/** A client of the configured cluster, for the life of one command. */
import { Client } from '../../actors/client/client.js';
import type { Bus } from '../../bus/contracts.js';
import type { Endpoint } from '../../bus/endpoint-contract.js';
import { createEndpoint } from '../../bus/endpoint.js';
import type { Configuration } from '../../core/configuration/configuration.js';
import { createLogger } from '../adapters/pino-logger.js';
import { systemClock, systemRandom } from '../adapters/system-clock.js';
import { connectBus, subjectsOf } from '../bus-connection.js';

/** A command does not wait for ever for a server that is not there. */
const giveUpAfterMs = 5_000;

export interface ClientConnectionOptions {
  /** Called when a request has to be tried again; default: says once on standard error that no JobManager answers. */
  readonly onRetry?: () => void;
  /** How long a request may go unanswered; default 15 s. */
  readonly patienceMs?: number;
}

export interface ClientEndpointOptions {
  readonly configuration: Configuration;
  /** Of the connection, as the server shows it. */
  readonly name: string;
}

/** A connection to the bus and an endpoint on it; whoever opens them closes both. */
export async function openClientEndpoint(options: ClientEndpointOptions): Promise<{ readonly bus: Bus; readonly endpoint: Endpoint }> {
  const logger = createLogger('error');
  const bus = await connectBus({ ...options, clock: systemClock, logger, giveUpAfterMs });
  const endpoint = createEndpoint({
    name: `client.${systemRandom.hex(4)}`,
    bus,
    subjects: subjectsOf(options.configuration),
    clock: systemClock,
    random: systemRandom,
    logger,
  });
  return { bus, endpoint };
}

/** Runs `use` with a client; the connection ends with it. */
export async function withClient<T>(
  configuration: Configuration,
  use: (client: Client) => Promise<T>,
  { onRetry = sayOnce(), patienceMs = 15_000 }: ClientConnectionOptions = {},
): Promise<T> {
  const { bus, endpoint } = await openClientEndpoint({ configuration, name: 'millrace-client' });
  const client = new Client({
    endpoint,
    clock: systemClock,
    random: systemRandom,
    patienceMs,
    onRetry,
  });
  try {
    return await use(client);
  } finally {
    endpoint.close();
    await bus.close();
  }
}

function sayOnce(): () => void {
  let hasSaid = false;
  return () => {
    if (!hasSaid) process.stderr.write('no JobManager answers; waiting for one\n');
    hasSaid = true;
  };
}
