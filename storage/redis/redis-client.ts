/**
 * One connection to Redis for commands and scripts.
 *
 * RC1  Connecting is tried with back-off until it works, or until `giveUpAfterMs` passed without a connection: then what
 *      waits fails with `REDIS_UNREACHABLE`, naming the address without its password. A refused login is not retried.
 * RC2  `patient`: commands wait for a connection that is away, and are sent again when their reply was cut; everything sent
 *      this way must be idempotent. `prompt`: they fail at once while it is away, or after `commandTimeoutMs`; nothing is
 *      sent again.
 * RC3  Every failure is a MillraceError; recovery `retry` means that whether the command took effect may be unknown.
 * RC4  After each reconnection the server is looked at again before new commands go to it, as it may have come back with
 *      other settings: what changed is logged; one that is not fit any more is refused for good (`onLost`). Commands that
 *      waited inside the connection are not held back.
 */
import { Redis } from 'ioredis';
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import type { Clock, Logger } from '../../core/ports.js';
import { parseRedisAddress } from './redis-address.js';
import type { RedisScript } from './redis-script.js';
import { parseInfo, readServerFacts, type RedisServerFacts } from './redis-server-facts.js';

export interface RedisClientOptions {
  /** `redis://[user:password@]host[:port][/database]`, or `rediss://`. */
  readonly url: string;
  /** Name of the connection in `CLIENT LIST`: `millrace-job-manager-lease`. */
  readonly name: string;
  readonly clock: Pick<Clock, 'monotonic' | 'setTimer'>;
  readonly logger: Logger;
  readonly mode: { readonly kind: 'patient' } | { readonly kind: 'prompt'; readonly commandTimeoutMs: number };
  /** Undefined: never. */
  readonly giveUpAfterMs?: number;
  /** The connection worked and never will again, though nobody closed it; called once. */
  readonly onLost?: (error: MillraceError) => void;
}

export type RedisArgument = string | number | Uint8Array;

/** What the adapters need of a connection. Arguments must not change until the promise settled. */
export interface RedisConnection {
  /** The address without its password. */
  readonly shown: string;
  /** What the server's writes survive (RF3). */
  readonly serverFacts: RedisServerFacts;
  /** Runs a command; text in the reply is bytes. */
  command(name: string, ...parameters: RedisArgument[]): Promise<unknown>;
  /** Runs a script, loading it when the server does not know it; text in the reply is bytes. */
  run(script: RedisScript, keys: readonly string[], parameters: readonly RedisArgument[]): Promise<unknown>;
  /** One more adapter uses this connection. */
  share(): this;
  /** Closes the connection with its last user. */
  close(): Promise<void>;
}

const backoffMs = 100;
const backoffMsMax = 2_000;
const connectTimeoutMs = 5_000;
const loginRefused = /^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/;

export class RedisClient implements RedisConnection {
  readonly shown: string;
  private readonly redis: Redis;
  private readonly options: RedisClientOptions;
  private facts: RedisServerFacts | undefined;
  private users = 0;
  private lastError = 'no answer';
  private awaySince: number | undefined;
  private refusal: MillraceError | undefined;
  /** While the server is looked at again (RC4). */
  private checking: Promise<void> | undefined;
  private isClosing = false;

  /** Resolves once the connection works and the server was found fit (RF1, RF2). */
  static async connect(options: RedisClientOptions): Promise<RedisClient> {
    const client = new RedisClient(options);
    try {
      await client.becomeReady();
      client.facts = await client.readFirstFacts();
    } catch (error) {
      client.redis.disconnect();
      throw error;
    }
    return client;
  }

  private constructor(options: RedisClientOptions) {
    const address = parseRedisAddress(options.url);
    const isPatient = options.mode.kind === 'patient';
    this.options = options;
    this.shown = address.shown;
    this.redis = new Redis(address.url, {
      lazyConnect: true,
      protocol: 2,
      connectionName: options.name,
      connectTimeout: connectTimeoutMs,
      disableClientInfo: true,
      retryStrategy: (attempt) => this.delayBeforeRetry(attempt),
      enableOfflineQueue: isPatient,
      autoResendUnfulfilledCommands: isPatient,
      maxRetriesPerRequest: isPatient ? null : 0,
      ...(options.mode.kind === 'prompt' ? { commandTimeout: options.mode.commandTimeoutMs } : {}),
    });
    this.redis.on('error', (error: Error) => this.noteError(error));
    this.redis.on('ready', () => this.noteReady());
    this.redis.on('end', () => this.noteEnd());
    this.redis.on('close', () => (this.awaySince ??= this.options.clock.monotonic()));
  }

  get serverFacts(): RedisServerFacts {
    if (this.facts === undefined) throw this.failure('read its settings', new Error('it is not connected'));
    return this.facts;
  }

  async command(name: string, ...parameters: RedisArgument[]): Promise<unknown> {
    await this.checking;
    return this.send(name, parameters);
  }

  private async send(name: string, parameters: readonly RedisArgument[]): Promise<unknown> {
    try {
      return await this.redis.callBuffer(name, parameters.map(asArgument));
    } catch (error) {
      throw this.failure(`run ${name}`, error);
    }
  }

  async run(script: RedisScript, keys: readonly string[], parameters: readonly RedisArgument[]): Promise<unknown> {
    await this.checking;
    const rest = [keys.length, ...keys, ...parameters.map(asArgument)];
    try {
      return await this.redis.callBuffer('EVALSHA', [script.sha1, ...rest]);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw this.failure(`run the script ${script.name}`, error);
    }
    try {
      return await this.redis.callBuffer('EVAL', [script.lua, ...rest]);
    } catch (error) {
      throw this.failure(`run the script ${script.name}`, error);
    }
  }

  share(): this {
    this.users += 1;
    return this;
  }

  async close(): Promise<void> {
    this.users -= 1;
    if (this.users > 0 || this.redis.status === 'end') return;
    this.isClosing = true;
    // QUIT would wait for a connection that is away.
    if (this.redis.status === 'ready') await this.redis.quit().catch(() => undefined);
    this.redis.disconnect();
  }

  private becomeReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.awaySince = this.options.clock.monotonic();
      this.redis.once('ready', () => resolve());
      this.redis.once('end', () => reject(this.refusal ?? this.unreachable()));
      // Its first failure is not the last word: the retries go on, and end in one of the events above.
      this.redis.connect().catch((error: unknown) => this.noteError(error));
    });
  }

  /** Belongs to connecting (RC1): on a machine under load the first answer may come after a prompt command's time. */
  private async readFirstFacts(): Promise<RedisServerFacts> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const facts = await this.readFacts();
        this.awaySince = undefined;
        return facts;
      } catch (error) {
        if (!(error instanceof MillraceError) || error.recovery !== 'retry' || this.redis.status === 'end') throw error;
        this.lastError = error.message;
        const delayMs = this.delayBeforeRetry(attempt);
        if (delayMs === null) throw this.unreachable();
        await new Promise<void>((resolve) => this.options.clock.setTimer(delayMs, resolve));
      }
    }
  }

  private async readFacts(): Promise<RedisServerFacts> {
    const info = parseInfo(String(await this.send('INFO', [])));
    // Hosted servers often forbid CONFIG.
    const fsync = await this.send('CONFIG', ['GET', 'appendfsync']).catch(() => undefined);
    return readServerFacts(info, Array.isArray(fsync) && fsync.length === 2 ? String(fsync[1]) : undefined, this.shown);
  }

  private delayBeforeRetry(attempt: number): number | null {
    const awayMs = this.options.clock.monotonic() - (this.awaySince ??= this.options.clock.monotonic());
    const { giveUpAfterMs, logger } = this.options;
    if (this.refusal !== undefined) return null;
    const delayMs = Math.min(backoffMs * 2 ** Math.min(attempt - 1, 10), backoffMsMax);
    if (giveUpAfterMs !== undefined && awayMs + delayMs > giveUpAfterMs) return null;
    logger.log('warn', `cannot reach Redis at ${this.shown}: ${this.lastError}; trying again`, {
      attempt,
      delayMs,
      connection: this.options.name,
    });
    return delayMs;
  }

  private noteError(error: unknown): void {
    const { message } = toErrorRecord(error);
    if (message.endsWith('Connection is closed.')) return;
    this.lastError = message.replace(/^\w*Error: /, '');
    if (!loginRefused.test(this.lastError)) return;
    this.refusal = new MillraceError('REDIS_ACCESS', `Redis at ${this.shown} refused the login: ${this.lastError}`, {
      domain: 'user',
      recovery: 'crash',
      where: this.shown,
      hint: 'Check user and password in the address.',
    });
    this.redis.disconnect();
  }

  private noteReady(): void {
    if (this.awaySince !== undefined && this.facts !== undefined) {
      this.options.logger.log('info', `reached Redis at ${this.shown} again`, {
        awayMs: Math.round(this.options.clock.monotonic() - this.awaySince),
        connection: this.options.name,
      });
    }
    this.awaySince = undefined;
    if (this.facts !== undefined) this.checking = this.checkAgain(this.facts);
  }

  /** RC4. Never rejects. */
  private async checkAgain(before: RedisServerFacts): Promise<void> {
    const { logger, name } = this.options;
    try {
      this.facts = await this.readFacts();
      if (this.facts.durability === before.durability) return;
      logger.log(this.facts.isDurable ? 'info' : 'warn', `the server came back with other settings: ${this.facts.durability}`, {
        before: before.durability,
        connection: name,
      });
    } catch (error) {
      const unfit = this.failure('read its settings', error);
      if (unfit.recovery === 'crash') this.refuse(unfit);
      // Else it went away again: it is looked at when it is back.
      else logger.log('warn', 'the settings of the server could not be read again', { error: unfit.message, connection: name });
    } finally {
      this.checking = undefined;
    }
  }

  private refuse(error: MillraceError): void {
    this.refusal = error;
    this.options.logger.log('error', error.message, { hint: error.hint, connection: this.options.name });
    this.redis.disconnect();
  }

  private noteEnd(): void {
    if (this.isClosing || this.facts === undefined) return;
    this.isClosing = true;
    this.options.onLost?.(this.refusal ?? this.unreachable());
  }

  private unreachable(): MillraceError {
    const after = this.options.giveUpAfterMs === undefined ? '' : ` for ${this.options.giveUpAfterMs} ms`;
    return new MillraceError('REDIS_UNREACHABLE', `Redis at ${this.shown} could not be reached${after}: ${this.lastError}`, {
      domain: 'external',
      recovery: 'retry',
      where: this.shown,
      hint: 'Check that it runs and that the address is right.',
    });
  }

  private failure(what: string, error: unknown): MillraceError {
    if (error instanceof MillraceError) return error;
    if (this.refusal !== undefined) return this.refusal;
    if (this.redis.status === 'end') return this.unreachable();
    return new MillraceError('REDIS_FAILED', `Redis at ${this.shown} could not ${what}: ${toErrorRecord(error).message}`, {
      domain: 'external',
      recovery: 'retry',
      where: this.shown,
      cause: error,
    });
  }
}

const asArgument = (value: RedisArgument): string | number | Buffer =>
  value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
