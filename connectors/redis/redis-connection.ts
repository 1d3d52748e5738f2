/**
 * The connection of a connector to its Redis: it runs commands and scripts, and tells apart what it asked wrongly from what
 * Redis cannot do now.
 *
 * RN1  Whatever is told or kept of an address holds no password.
 * RN2  A refused login fails the job; a server that cannot be reached fails the attempt, after `limits.connectorConnectAttemptsMax`
 *      tries, so that the restart strategy of the job decides how long it is tried.
 * RN3  A connection that is lost comes back by itself, what waits for a reply is sent again, and so must be idempotent. After
 *      `limits.connectorAwayMs` without a connection everything that waits fails.
 * RN4  Every failure is a MillraceError.
 * RN5  A node of a cluster that is taken for one server, and keys that lie on several nodes, are told with what to do.
 */
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { OperatorContext } from '../../dataflow/contracts.js';
import type { RedisScript } from '../../storage/redis/redis-script.js';
import { makeRedisClient, shownRedis, type RedisClient, type RedisServerOptions } from './redis-client.js';

/** Who connects: an operator, or the enumerator of a source. */
export type RedisClientContext = Pick<OperatorContext, 'clock' | 'logger' | 'operatorName'>;

export interface RedisConnectionOptions {
  readonly server: RedisServerOptions;
  readonly context: RedisClientContext;
  /** Ends the tries: whoever opens may be closed before he has opened. */
  readonly signal?: AbortSignal;
}

export type RedisArgument = string | number | Uint8Array;

const loginRefused = /^(?:ReplyError: )?(WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/;
/** Answers of a node that does not have the keys, or not all of them. */
const isClusterWord = /^(?:ReplyError: )?(MOVED |CROSSSLOT |ERR .*(?:non local key|keys that do not hash to the same slot))/;
/** Answers that say how the server is, not what was asked. */
const serverState = /^(?:ReplyError: )?(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|NOREPLICAS|MISCONF|OOM|UNKILLABLE)/;

export class RedisConnection {
  readonly #context: RedisClientContext;
  readonly #shown: string;
  readonly #redis: RedisClient;
  /** Since when there is no connection; undefined before the first, and while there is one. */
  #awaySince: number | undefined;
  #wasReady = false;
  #lastError = 'no answer';
  #refusal: MillraceError | undefined;

  /** Resolves to a connection that works. Rejects with `REDIS_ACCESS` or `REDIS_UNREACHABLE` (RN2). */
  static async open(options: RedisConnectionOptions): Promise<RedisConnection> {
    const { server, context, signal } = options;
    const client = await makeRedisClient({
      ...server,
      connectionName: `millrace-${context.operatorName.replaceAll(/[^\w.-]+/g, '-')}`,
      delayBeforeRetry: (attempt) => connection.#delayBeforeRetry(attempt),
    });
    const connection: RedisConnection = new RedisConnection(options, client);
    const stop = (): void => client.disconnect();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      await connection.#connect(signal);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
    return connection;
  }

  private constructor({ server, context }: RedisConnectionOptions, client: RedisClient) {
    this.#shown = shownRedis(server);
    this.#context = context;
    this.#redis = client;
    this.#redis.on('error', (error: Error) => this.#note(error));
    this.#redis.on('ready', () => {
      this.#wasReady = true;
      this.#awaySince = undefined;
    });
    this.#redis.on('close', () => {
      if (this.#wasReady) this.#awaySince ??= context.clock.monotonic();
    });
  }

  /** Runs a command; text in the reply is bytes. */
  async command(name: string, ...parameters: RedisArgument[]): Promise<unknown> {
    return this.#told(`run ${name}`, this.#redis.callBuffer(name, parameters.map(asArgument)));
  }

  /** Runs a script, loading it when the server does not know it; text in the reply is bytes. */
  async run(script: RedisScript, keys: readonly string[], parameters: readonly RedisArgument[]): Promise<unknown> {
    const rest = [keys.length, ...keys, ...parameters.map(asArgument)];
    const what = `run the script ${script.name}`;
    try {
      return await this.#redis.callBuffer('EVALSHA', [script.sha1, ...rest]);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw this.failure(what, error);
    }
    return this.#told(what, this.#redis.callBuffer('EVAL', [script.lua, ...rest]));
  }

  /** What has no reply yet fails. */
  close(): void {
    this.#redis.disconnect();
  }

  /** What Redis said, as an error of the job: `user` when it was asked for something wrong. */
  failure(what: string, error: unknown): MillraceError {
    if (error instanceof MillraceError) return error;
    const { message } = toErrorRecord(error);
    if (loginRefused.test(message)) return this.#refused(message);
    if (this.#redis.status === 'end') return this.#refusal ?? this.#unreachable();
    if (isClusterWord.test(message)) return this.#clusterError(what, message);
    const isAskedWrong = error instanceof Error && error.name === 'ReplyError' && !serverState.test(message);
    return new MillraceError('REDIS_FAILED', `Redis at ${this.#shown} could not ${what}: ${message}`, {
      domain: isAskedWrong ? 'user' : 'external',
      recovery: isAskedWrong ? 'fail-job' : 'restart-job',
      where: this.#context.operatorName,
    });
  }

  async #told(what: string, reply: Promise<unknown>): Promise<unknown> {
    try {
      return await reply;
    } catch (error) {
      throw this.failure(what, error);
    }
  }

  #connect(signal: AbortSignal | undefined): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (signal?.aborted === true) return void reject(this.#unreachable());
      this.#redis.once('ready', () => resolve());
      this.#redis.once('end', () => reject(this.#refusal ?? this.#unreachable()));
      // Its first failure is not the last word: the tries go on, and end in one of the events above.
      this.#redis.connect().catch((error: unknown) => this.#note(error));
    });
  }

  /** RN2, RN3: what ioredis asks before it tries to connect again. */
  #delayBeforeRetry(attempt: number): number | null {
    if (this.#refusal !== undefined) return null;
    if (!this.#wasReady && attempt >= limits.connectorConnectAttemptsMax) return null;
    const { clock, logger } = this.#context;
    if (this.#awaySince !== undefined && clock.monotonic() - this.#awaySince > limits.connectorAwayMs) return null;
    const delayMs = Math.min(limits.connectorRedisPauseMinMs * 2 ** (attempt - 1), limits.connectorRedisPauseMaxMs);
    logger.log('warn', `cannot reach Redis at ${this.#shown}: ${this.#lastError}; trying again`, { attempt, delayMs });
    return delayMs;
  }

  #note(error: unknown): void {
    // Of a cluster, what its nodes said last.
    const { lastNodeError } = error as { readonly lastNodeError?: unknown };
    const { message } = toErrorRecord(lastNodeError ?? error);
    if (message.endsWith('Connection is closed.')) return;
    this.#lastError = message.replace(/^\w*Error: /, '');
    if (!loginRefused.test(message)) return;
    this.#refusal = this.#refused(message);
    this.#redis.disconnect();
  }

  #refused(message: string): MillraceError {
    const said = message.replace(/^\w*Error: /, '');
    return new MillraceError('REDIS_ACCESS', `Redis at ${this.#shown} refused the login, or what this user may do: ${said}`, {
      domain: 'user',
      recovery: 'fail-job',
      where: this.#context.operatorName,
      hint: 'Check user and password in the address, and the permissions of the user.',
    });
  }

  /** RN5. */
  #clusterError(what: string, message: string): MillraceError {
    const said = message.replace(/^\w*Error: /, '');
    return new MillraceError('REDIS_CLUSTER', `Redis at ${this.#shown} could not ${what}, because it is a node of a cluster: ${said}`, {
      domain: 'user',
      recovery: 'fail-job',
      where: this.#context.operatorName,
      hint: said.startsWith('MOVED')
        ? 'Say so with { cluster: true }.'
        : 'Keys of one sink that writes exactly once, and its noteKey, must be in one slot: give them the same hash tag, such as {orders}.',
    });
  }

  #unreachable(): MillraceError {
    return new MillraceError('REDIS_UNREACHABLE', `Redis at ${this.#shown} cannot be reached: ${this.#lastError}`, {
      domain: 'external',
      recovery: 'restart-job',
      where: this.#context.operatorName,
      hint: 'Check that it runs and that the address is right.',
    });
  }
}

const asArgument = (value: RedisArgument): string | number | Buffer =>
  value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
