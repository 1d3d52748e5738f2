/** Streams of JetStream for tests: made, read, and waited for. */
import { connect, headers, nanos, NatsError, type NatsConnection, type StreamConfig } from 'nats';
import { eventually } from './within.js';

export interface StoredMessage {
  readonly sequence: number;
  readonly subject: string;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A connection of the test's own, past any proxy. */
export const connectTo = (port: number): Promise<NatsConnection> => connect({ servers: `127.0.0.1:${port}` });

let streams = 0;

/** A new stream that takes `<name>.>`; its name. */
export async function makeStream(connection: NatsConnection, config: Partial<StreamConfig> = {}): Promise<string> {
  const name = `stream-${process.pid}-${streams++}`;
  await (await connection.jetstreamManager()).streams.add({ name, subjects: [`${name}.>`], ...config });
  return name;
}

/** Everything in a stream, in order. */
export async function contentOf(connection: NatsConnection, stream: string): Promise<StoredMessage[]> {
  const { streams: api } = await connection.jetstreamManager();
  const { state } = await api.info(stream);
  const content: StoredMessage[] = [];
  for (let sequence = state.first_seq; sequence <= state.last_seq && state.messages > 0; sequence += 1) {
    try {
      const message = await api.getMessage(stream, { seq: sequence });
      const own = Object.fromEntries([...message.header].map(([name, values]) => [name, values.join(', ')]));
      content.push({ sequence, subject: message.subject, text: Buffer.from(message.data).toString('utf8'), headers: own });
    } catch (error) {
      // A message in the middle that was removed.
      if (!(error instanceof NatsError) || error.api_error?.err_code !== 10_037) throw error;
    }
  }
  return content;
}

/** Resolves when what is in the stream by now is no longer protected from being published again. */
export async function windowPasses(connection: NatsConnection, stream: string): Promise<void> {
  const { streams: api } = await connection.jetstreamManager();
  const { config } = await api.info(stream);
  const probe = await makeStream(connection, { duplicate_window: config.duplicate_window });
  const publish = async (): Promise<boolean> =>
    (await connection.jetstream().publish(`${probe}.probe`, '', { msgID: 'probe', headers: headers() })).duplicate;
  await publish();
  await eventually(10_000, async () => !(await publish()), 'the de-duplication window to pass', config.duplicate_window / nanos(1) / 4);
  await api.delete(probe);
}
