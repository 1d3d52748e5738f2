/**
 * Records as writes to Redis, at least once: for writes that may be repeated.
 *
 * RL1  Commands go over one connection, in order; in a cluster over one to each node. After a failure of the job, or of the
 *      connection, those without an answer are sent again, in order.
 */
import { limits } from '../../core/limits.js';
import { MillraceError } from '../../core/errors.js';
import type { OperatorContext } from '../../dataflow/contracts.js';
import { AtLeastOnceWriter } from '../sinks/at-least-once-writer.js';
import { RedisConnection, type RedisArgument } from './redis-connection.js';
import type { RedisServerOptions } from './redis-client.js';
import { checkCommand, type CommandsOf } from './redis-writes.js';

export interface RedisFlushingWriterSettings<T> {
  readonly server: RedisServerOptions;
  readonly commands: CommandsOf<T>;
}

type Commands = readonly (readonly RedisArgument[])[];

/** The next batch fills while one is under way. */
const bounds = { recordsMax: limits.sinkScriptWordsMax, bytesMax: limits.sinkScriptBytes, lingerMs: limits.sinkLingerMs, requestsMax: 1 };

export class RedisFlushingWriter<T> extends AtLeastOnceWriter<T, Commands> {
  readonly #settings: RedisFlushingWriterSettings<T>;
  readonly #closing = new AbortController();
  #connection: RedisConnection | undefined;

  constructor(settings: RedisFlushingWriterSettings<T>) {
    super(bounds);
    this.#settings = settings;
  }

  protected override async prepare(context: OperatorContext): Promise<void> {
    this.#connection = await RedisConnection.open({ server: this.#settings.server, context, signal: this.#closing.signal });
  }

  protected toItem(value: T): Commands {
    const commands = this.#settings.commands(value);
    for (const command of commands) checkCommand(command, this.context.operatorName);
    return commands;
  }

  protected bytesOf(commands: Commands): number {
    let bytes = 0;
    for (const command of commands) for (const word of command) bytes += typeof word === 'number' ? 8 : word.length;
    return bytes;
  }

  protected async send(batch: readonly Commands[]): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) throw new MillraceError('ASSERTION', 'A writer has no connection before it is prepared');
    await Promise.all(
      batch.flatMap((commands) => commands.map(([name, ...parameters]) => connection.command(String(name), ...parameters))),
    );
  }

  protected override async release(): Promise<void> {
    this.#closing.abort();
    this.#connection?.close();
    this.#connection = undefined;
  }
}
