/**
 * A connection to JetStream that the partitions of one reader share.
 *
 * JN1  What may pass by itself (no answer, a server that restarts) is waited for, with a bound; what will not is told at once.
 */
import type * as natsModule from 'nats';
import type { JetStreamManager, NatsConnection, StreamInfo } from 'nats';
import { limits } from '../../core/limits.js';
import type { Clock } from '../../core/ports.js';
import { isPassing, refused, streamError } from './jetstream-errors.js';
import { closedForGood, connectToNats, type NatsConnectOptions } from './nats-connection.js';

export interface JetStreamSession {
  readonly nats: typeof natsModule;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly name: string;
  readonly clock: Clock;
  /** Calls `listener` after each reconnection; returns how to stop that. */
  onReconnect(listener: () => void): () => void;
  close(): Promise<void>;
}

/** Connects; `fail` is called when the connection is lost for good, or the server refuses something. */
export async function openJetStream(options: NatsConnectOptions, fail: (error: unknown) => void): Promise<JetStreamSession> {
  const connection = await connectToNats(options);
  const nats = await import('nats');
  const listeners = new Set<() => void>();
  void watch(connection, options.name, { listeners, fail });
  return {
    nats,
    connection,
    manager: await connection.jetstreamManager({ checkAPI: false }),
    name: options.name,
    clock: options.clock,
    onReconnect(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      listeners.clear();
      await connection.close();
    },
  };
}

interface Watching {
  readonly listeners: ReadonlySet<() => void>;
  readonly fail: (error: unknown) => void;
}

async function watch(connection: NatsConnection, name: string, { listeners, fail }: Watching): Promise<void> {
  const closed = connection.closed().then((error) => {
    if (error instanceof Error) fail(closedForGood(name, error));
  });
  for await (const status of connection.status()) {
    if (status.type === 'reconnect') for (const listener of listeners) listener();
    if (status.type === 'error' && status.data === 'PERMISSIONS_VIOLATION') fail(refused(name));
  }
  await closed;
}

/** The stream as the server sees it now; asks again for `limits.connectorAwayMs` while nobody answers (JN1). */
export function streamInfo(session: JetStreamSession, stream: string): Promise<StreamInfo> {
  return untilAnswered(session, stream, () => session.manager.streams.info(stream));
}

/** Asks until there is an answer, at most `boundMs`. What is no answer but will not pass is thrown at once. */
export async function untilAnswered<T>(
  session: JetStreamSession,
  stream: string,
  ask: () => Promise<T>,
  boundMs: number = limits.connectorAwayMs,
): Promise<T> {
  const { clock } = session;
  const since = clock.monotonic();
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error) || session.connection.isClosed() || clock.monotonic() - since > boundMs) {
        throw streamError(session.name, stream, error);
      }
    }
    await new Promise<void>((resolve) => void clock.setTimer(limits.connectorRetryMs, resolve));
  }
}
