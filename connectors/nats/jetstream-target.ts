/**
 * The stream that a sink writes to: its connection, what is known of it, and patience with it.
 *
 * JT1  What fails is tried again while the server is away, for `limits.connectorAwayMs`; then, and when the connection is closed
 *      for good, it fails by the name of the operator.
 */
import type { headers, JetStreamClient, NatsConnection } from 'nats';
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { pause } from '../../core/pause.js';
import type { OperatorContext } from '../../dataflow/contracts.js';
import { isStreamGone, streamError } from './jetstream-errors.js';
import { StreamView } from './jetstream-read-back.js';
import { closedForGood, connectToNats, type NatsServerOptions } from './nats-connection.js';

export interface JetStreamTargetOptions {
  readonly servers: NatsServerOptions;
  readonly stream: string;
  /** What was written is looked for after a failure: the stream has to keep it. */
  readonly isReadBack: boolean;
  readonly context: Pick<OperatorContext, 'clock' | 'logger' | 'operatorName'>;
  /** The sink is being closed: nothing is tried again. */
  readonly signal: AbortSignal;
}

export class JetStreamTarget {
  readonly view: StreamView;
  readonly client: JetStreamClient;
  readonly makeHeaders: typeof headers;
  readonly #options: JetStreamTargetOptions;
  readonly #connection: NatsConnection;

  /** Throws what `connectToNats` and `StreamView.open` throw. */
  static async open(options: JetStreamTargetOptions): Promise<JetStreamTarget> {
    const { servers, stream, isReadBack, context, signal } = options;
    const { clock, logger, operatorName } = context;
    const connection = await connectToNats({ ...servers, name: operatorName, clock, logger, signal });
    try {
      const view = await StreamView.open({ connection, stream, operatorName, isReadBack });
      return new JetStreamTarget(options, { connection, view, makeHeaders: (await import('nats')).headers });
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  private constructor(
    options: JetStreamTargetOptions,
    opened: { readonly connection: NatsConnection; readonly view: StreamView; readonly makeHeaders: typeof headers },
  ) {
    this.#options = options;
    this.#connection = opened.connection;
    this.view = opened.view;
    this.makeHeaders = opened.makeHeaders;
    this.client = opened.connection.jetstream({ timeout: limits.sinkAnswerMs });
  }

  /** JT1. */
  async patiently<R>(attempt: () => Promise<R>): Promise<R> {
    const { context, signal } = this.#options;
    const { clock, logger, operatorName } = context;
    const startedAt = clock.monotonic();
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (this.#connection.isClosed() && !signal.aborted) throw closedForGood(operatorName, await this.#connection.closed());
        await this.#checkStream();
        const isLate = clock.monotonic() - startedAt > limits.connectorAwayMs;
        if (isLate || signal.aborted || error instanceof MillraceError) throw this.#failed(error);
        logger.log('warn', 'the stream of a sink cannot be reached; trying again', { error: toErrorRecord(error).message });
        await pause(clock, limits.connectorRetryMs, signal);
      }
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** A stream that was deleted will not come back: what it then says of a message (nobody listens) sounds as if it did. */
  async #checkStream(): Promise<void> {
    const { context, stream, signal } = this.#options;
    if (signal.aborted) return;
    try {
      await this.view.lastSequence();
    } catch (error) {
      if (isStreamGone(error)) throw streamError(context.operatorName, stream, error);
    }
  }

  #failed(error: unknown): MillraceError {
    if (error instanceof MillraceError) return error;
    const { stream, context } = this.#options;
    const { message } = toErrorRecord(error);
    return new MillraceError('SINK_NOT_COMMITTED', `Messages could not be published to the stream ${stream}: ${message}`, {
      domain: 'external',
      recovery: 'restart-job',
      where: context.operatorName,
      hint: 'Check that nats-server runs with JetStream; after the restart the sink publishes what is missing.',
      cause: error,
    });
  }
}
