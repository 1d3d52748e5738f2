/** A client of the configured cluster, for the life of one command. */
import { Client } from '../../actors/client/client.js';
import { createEndpoint } from '../../bus/endpoint.js';
import type { Configuration } from '../../core/configuration/configuration.js';
import { createLogger } from '../adapters/pino-logger.js';
import { systemClock, systemRandom } from '../adapters/system-clock.js';
import { connectBus, subjectsOf } from '../bus-connection.js';

/** A command does not wait for ever for a server that is not there. */
const giveUpAfterMs = 5_000;

/** Runs `use` with a client; the connection ends with it. */
export async function withClient<T>(configuration: Configuration, use: (client: Client) => Promise<T>): Promise<T> {
  const logger = createLogger('error');
  const bus = await connectBus({ configuration, name: 'millrace-client', clock: systemClock, logger, giveUpAfterMs });
  const endpoint = createEndpoint({
    name: `client.${systemRandom.hex(4)}`,
    bus,
    subjects: subjectsOf(configuration),
    clock: systemClock,
    random: systemRandom,
    logger,
  });
  let hasSaid = false;
  const client = new Client({
    endpoint,
    clock: systemClock,
    random: systemRandom,
    patienceMs: 15_000,
    onRetry: () => {
      if (!hasSaid) process.stderr.write('no JobManager answers; waiting for one\n');
      hasSaid = true;
    },
  });
  try {
    return await use(client);
  } finally {
    endpoint.close();
    await bus.close();
  }
}
