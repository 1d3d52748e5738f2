/**
 * The connection of a connector to its Redis.
 *
 * RN1  Whatever is told or kept of an address holds no password.
 * RN2  A refused login fails the job; a server that cannot be reached fails the attempt, after a few tries, so that the
 *      restart strategy of the job decides how long it is tried.
 * RN3  A connection that is lost comes back by itself for `limits.connectorAwayMs`; commands wait for it, and are sent again
 *      when their reply was cut: they must be idempotent.
 * RN4  ioredis is loaded when a connection is opened: a job without one does not wait for it.
 */
import type { Redis } from 'ioredis';
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { OperatorContext } from '../../dataflow/contracts.js';
import { parseRedisAddress } from '../../storage/redis/redis-address.js';

/** Who connects: an operator, or the enumerator of a source. */
export type RedisClientContext = Pick<OperatorContext, 'clock' | 'logger' | 'operatorName'>;

export type RedisArgument = string | number | Uint8Array;

const retryMs = { first: 100, max: 2_000 } as const;
const connectTimeoutMs = 5_000;
const loginRefused = /WRONGPASS|NOAUTH|NOPERM|ERR AUTH|invalid password/;

export class RedisConnection {
  readonly #context: RedisClientContext;
  readonly #shown: string;
  readonly #redis: Redis;
  #lastError = 'no answer';
  #isReady = false;
  #awaySince: number;

  /** Resolves to a connection that works. Rejects with `REDIS_ACCESS` or `REDIS_UNREACHABLE` (RN2). */
  static async open(url: string, context: RedisClientContext): Promise<RedisConnection> {
    const ioredis = await import('ioredis');
    const connection = new RedisConnection(ioredis.Redis, url, context);
    try {
      await connection.#connect();
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  private constructor(client: typeof Redis, url: string, context: RedisClientContext) {
    this.#context = context;
    this.#shown = parseRedisAddress(url).shown;
    this.#awaySince = context.clock.monotonic();
    this.#redis = new client(url, {
      lazyConnect: true,
      protocol: 2,
      connectionName: `millrace-${context.operatorName.replaceAll(/[^\w.-]+/g, '-')}`,
      connectTimeout: connectTimeoutMs,
      disableClientInfo: true,
      maxRetriesPerRequest: null,
      retryStrategy: (attempt) => this.#delayBeforeRetry(attempt),
    });
    this.#redis.on('error', (error: Error) => (this.#lastError = error.message));
    this.#redis.on('close', () => {
      if (this.#isReady) this.#awaySince = context.clock.monotonic();
    });
  }

  /** Runs a command; text in the reply is bytes. */
  async command(name: string, ...parameters: RedisArgument[]): Promise<unknown> {
    try {
      return await this.#redis.callBuffer(name, parameters.map(asArgument));
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Commands under way fail. */
  close(): void {
    this.#redis.disconnect();
  }

  async #connect(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#redis.connect();
        await this.#redis.call('PING');
        this.#isReady = true;
        return;
      } catch (error) {
        const failure = this.#failure(error);
        if (failure.code === 'REDIS_ACCESS' || attempt === limits.connectorConnectAttemptsMax) throw failure;
        this.#context.logger.log('warn', `${failure.message}; trying again`, { attempt });
      }
      const delayMs = Math.min(retryMs.first * 2 ** (attempt - 1), retryMs.max);
      await new Promise<void>((resolve) => void this.#context.clock.setTimer(delayMs, resolve));
    }
  }

  /** RN3. The first connection is tried by `#connect` alone. */
  #delayBeforeRetry(attempt: number): number | null {
    if (!this.#isReady || this.#context.clock.monotonic() - this.#awaySince > limits.connectorAwayMs) return null;
    return Math.min(retryMs.first * 2 ** (attempt - 1), retryMs.max);
  }

  #failure(error: unknown): MillraceError {
    const reason = `${toErrorRecord(error).message} ${this.#lastError}`;
    const where = this.#context.operatorName;
    if (loginRefused.test(reason)) {
      return new MillraceError('REDIS_ACCESS', `Redis at ${this.#shown} refused the login, or what this user may do`, {
        domain: 'user',
        recovery: 'fail-job',
        where,
        hint: 'Check user and password in the address, and the permissions of the user.',
      });
    }
    if (this.#redis.status !== 'ready') {
      return new MillraceError('REDIS_UNREACHABLE', `Redis at ${this.#shown} cannot be reached: ${this.#lastError}`, {
        domain: 'external',
        where,
        hint: 'Check that it runs and that the address is right.',
      });
    }
    return new MillraceError('REDIS_FAILED', `Redis at ${this.#shown} refused a command`, { domain: 'external', where, cause: error });
  }
}

const asArgument = (value: RedisArgument): string | number | Buffer =>
  value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
