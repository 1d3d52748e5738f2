/**
 * The session of a sink with its Redis: it runs scripts, and tells apart what it asked wrongly from what Redis cannot do now.
 *
 * RX1  The address is checked when the job is built; what is shown of it never holds a password.
 * RX2  A connection that breaks comes back by itself, and what had no answer is sent again: whatever goes over it must be
 *      idempotent. After `limits.sinkCommitPatienceMs` without a connection everything that waits fails.
 * RX3  Every failure is a MillraceError; the password is in none of them.
 * RX4  ioredis is loaded when a connection is made: a job without one does not wait for it.
 */
import type { Redis } from 'ioredis';
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { OperatorContext } from '../../dataflow/contracts.js';
import { parseRedisAddress } from '../../storage/redis/redis-address.js';
import type { RedisScript } from '../../storage/redis/redis-script.js';
import type { RedisArgument } from './redis-connection.js';

const backoffMs = { first: 100, max: 2_000 } as const;
const connectTimeoutMs = 5_000;
const loginRefused = /^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/;
/** Answers that say how the server is, not what was asked. */
const serverState = /^(?:ReplyError: )?(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|NOREPLICAS|MISCONF|OOM|UNKILLABLE)/;

export interface RedisSessionOptions {
  /** As `parseRedisAddress` takes it. */
  readonly url: string;
  readonly context: OperatorContext;
  /** Stands in the server's list of connections. */
  readonly purpose: string;
  /** Whoever opens may be closed before he has opened. */
  readonly signal: AbortSignal;
}

export class RedisSession {
  /** The address without its password. */
  readonly shown: string;
  readonly #context: OperatorContext;
  readonly #redis: Redis;
  #awaySince: number;
  #lastError = 'no answer';
  #refusal: MillraceError | undefined;

  /** Resolves once the connection works; throws `REDIS_UNREACHABLE` or `REDIS_ACCESS`. `signal` ends the tries. */
  static async open(options: RedisSessionOptions): Promise<RedisSession> {
    const { Redis: Client } = await import('ioredis');
    const session = new RedisSession(options, Client);
    const { signal } = options;
    const stop = (): void => session.#redis.disconnect();
    signal.addEventListener('abort', stop, { once: true });
    try {
      await session.#connect(signal);
    } finally {
      signal.removeEventListener('abort', stop);
    }
    return session;
  }

  #connect(signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (signal.aborted) return void reject(this.#unreachable());
      this.#redis.once('ready', () => resolve());
      this.#redis.once('end', () => reject(this.#unreachable()));
      // Its first failure is not the last word: the tries go on, and end in one of the events above.
      this.#redis.connect().catch((error: unknown) => this.#note(error));
    });
  }

  private constructor({ url, context, purpose }: RedisSessionOptions, Client: typeof Redis) {
    const address = parseRedisAddress(url);
    this.shown = address.shown;
    this.#context = context;
    this.#awaySince = context.clock.monotonic();
    this.#redis = new Client(address.url, {
      lazyConnect: true,
      protocol: 2,
      connectionName: `millrace-${purpose}-${context.task.subtaskIndex}`,
      connectTimeout: connectTimeoutMs,
      disableClientInfo: true,
      enableOfflineQueue: true,
      autoResendUnfulfilledCommands: true,
      maxRetriesPerRequest: null,
      retryStrategy: (attempt) => this.#delayBefore(attempt),
    });
    this.#redis.on('error', (error: Error) => this.#note(error));
    this.#redis.on('ready', () => (this.#awaySince = Number.POSITIVE_INFINITY));
    this.#redis.on('close', () => (this.#awaySince = Math.min(this.#awaySince, context.clock.monotonic())));
  }

  /** Runs a command; text in the reply is bytes. */
  async command(parts: readonly RedisArgument[]): Promise<unknown> {
    const [name, ...rest] = parts.map(asArgument);
    return this.#tell(`run ${String(name)}`, this.#redis.callBuffer(String(name), rest));
  }

  /** Runs a script, loading it when the server does not know it; text in the reply is bytes. */
  async run(script: RedisScript, keys: readonly string[], parameters: readonly RedisArgument[]): Promise<unknown> {
    const rest = [keys.length, ...keys, ...parameters.map(asArgument)];
    try {
      return await this.#redis.callBuffer('EVALSHA', [script.sha1, ...rest]);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw this.failure(`run the script ${script.name}`, error);
    }
    return this.#tell(`run the script ${script.name}`, this.#redis.callBuffer('EVAL', [script.lua, ...rest]));
  }

  async close(): Promise<void> {
    if (this.#redis.status === 'end') return;
    // QUIT would wait for a connection that is away.
    if (this.#redis.status === 'ready') await this.#redis.quit().catch(() => undefined);
    this.#redis.disconnect();
  }

  /** What Redis said, as an error of the job: `user` when it was asked for something wrong. */
  failure(what: string, error: unknown): MillraceError {
    if (error instanceof MillraceError) return error;
    if (this.#refusal !== undefined) return this.#refusal;
    if (this.#redis.status === 'end') return this.#unreachable();
    const { message } = toErrorRecord(error);
    const isAskedWrong = error instanceof Error && error.name === 'ReplyError' && !serverState.test(message);
    return new MillraceError('REDIS_FAILED', `Redis at ${this.shown} could not ${what}: ${message}`, {
      domain: isAskedWrong ? 'user' : 'external',
      recovery: isAskedWrong ? 'fail-job' : 'restart-job',
      where: this.#context.operatorName,
    });
  }

  async #tell(what: string, answer: Promise<unknown>): Promise<unknown> {
    try {
      return await answer;
    } catch (error) {
      throw this.failure(what, error);
    }
  }

  #delayBefore(attempt: number): number | null {
    if (this.#refusal !== undefined) return null;
    const awayMs = this.#context.clock.monotonic() - this.#awaySince;
    const delayMs = Math.min(backoffMs.first * 2 ** Math.min(attempt - 1, 10), backoffMs.max);
    if (awayMs + delayMs > limits.sinkCommitPatienceMs) return null;
    this.#context.logger.log('warn', `cannot reach Redis at ${this.shown}: ${this.#lastError}; trying again`, { attempt, delayMs });
    return delayMs;
  }

  #note(error: unknown): void {
    const { message } = toErrorRecord(error);
    if (message.endsWith('Connection is closed.')) return;
    this.#lastError = message.replace(/^\w*Error: /, '');
    if (!loginRefused.test(this.#lastError)) return;
    this.#refusal = new MillraceError('REDIS_ACCESS', `Redis at ${this.shown} refused the login: ${this.#lastError}`, {
      domain: 'user',
      recovery: 'fail-job',
      where: this.#context.operatorName,
      hint: 'Check user and password in the address.',
    });
    this.#redis.disconnect();
  }

  #unreachable(): MillraceError {
    if (this.#refusal !== undefined) return this.#refusal;
    return new MillraceError('REDIS_UNREACHABLE', `Redis at ${this.shown} could not be reached: ${this.#lastError}`, {
      domain: 'external',
      recovery: 'restart-job',
      where: this.#context.operatorName,
      hint: 'Check that it runs and that the address is right.',
    });
  }
}

const asArgument = (value: RedisArgument): string | number | Buffer =>
  value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
