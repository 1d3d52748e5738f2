/**
 * Records as writes to Redis, each exactly once.
 *
 * RT1  The commands of a transaction stand in the checkpoint, and are applied after it completed, in order, by a script that
 *      notes beside them how far it came. So a transaction that is applied again, by whoever, is applied once.
 * RT2  The note is kept per writer (job, operator and subtask the records came through): its transactions are ordered by
 *      epoch, attempt and number, and are committed in that order (TP2), so one note for the latest is enough.
 * RT3  A transaction is applied in pieces, each of them atomic: others may see a part of it, never a part of a piece.
 * RT4  A command that Redis refuses stops the sink there and names the command; what came before it stays applied.
 *
 * What Redis loses after it answered (a failover, a crash without `appendfsync always`), the sink does not write again.
 */
import { createHash } from 'node:crypto';
import { MillraceError } from '../../core/errors.js';
import { parseAttemptId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { OperatorContext } from '../../dataflow/contracts.js';
import { PackedLists, unpackLists } from '../packed-lists.js';
import { transactionTooLarge } from '../sinks/transaction-bound.js';
import { TwoPhaseCommitWriter } from '../sinks/two-phase-commit-writer.js';
import type { RedisServerOptions } from './redis-client.js';
import { RedisConnection } from './redis-connection.js';
import { checkCommand, type CommandsOf } from './redis-writes.js';
import { applyCommands } from './scripts/apply-commands.js';

export interface RedisWriterSettings<T> {
  readonly server: RedisServerOptions;
  readonly commands: CommandsOf<T>;
  readonly noteKey: string;
  readonly transactionBytesMax: number;
}

/** What it takes to apply a transaction, by whoever gets it. */
interface PendingCommands {
  readonly noteKey: string;
  /** Field of the note. */
  readonly writer: string;
  readonly epoch: number;
  readonly attempt: number;
  readonly number: number;
  readonly commands: Uint8Array;
}

/** Digits of the hash that names job and operator. */
const tagDigits = 16;

export class RedisWriter<T> extends TwoPhaseCommitWriter<T, PackedLists, PendingCommands> {
  readonly #settings: RedisWriterSettings<T>;
  readonly #closing = new AbortController();
  #connection: RedisConnection | undefined;
  #sealed = 0;

  constructor(settings: RedisWriterSettings<T>) {
    super();
    this.#settings = settings;
  }

  protected override async prepare(context: OperatorContext): Promise<void> {
    this.#connection = await RedisConnection.open({ server: this.#settings.server, context, signal: this.#closing.signal });
  }

  protected begin(): PackedLists {
    return new PackedLists();
  }

  protected write(transaction: PackedLists, value: T): void {
    const commands = this.#settings.commands(value);
    // All before the first: of a record that cannot be written nothing is in the transaction.
    for (const command of commands) checkCommand(command, this.context.operatorName);
    for (const command of commands) transaction.add(command.map((word) => (typeof word === 'number' ? String(word) : word)));
    const { transactionBytesMax } = this.#settings;
    if (transaction.bytes > transactionBytesMax)
      throw transactionTooLarge(this.context.operatorName, 'commands', transaction, transactionBytesMax);
  }

  protected async preCommit(transaction: PackedLists): Promise<PendingCommands> {
    const { task, operatorId } = this.context;
    const tag = createHash('sha256').update(`${task.jobId} ${operatorId}`).digest('hex').slice(0, tagDigits);
    const { leaderEpoch, attemptNumber } = parseAttemptId(task.attemptId);
    return {
      noteKey: this.#settings.noteKey,
      writer: `${tag}:${task.subtaskIndex}`,
      epoch: leaderEpoch,
      attempt: attemptNumber,
      number: this.#sealed++,
      commands: transaction.finish(),
    };
  }

  protected async commit(pending: PendingCommands): Promise<void> {
    const commands = [...unpackLists(pending.commands)];
    for (let next = 0; next < commands.length;) {
      const piece = pieceOf(commands, next);
      const reply = await this.#redis.run(
        applyCommands,
        [pending.noteKey],
        [pending.writer, pending.epoch, pending.attempt, pending.number, next, ...piece],
      );
      const [kind, applied, said] = reply as [unknown, number, unknown];
      if (String(kind) === 'SUPERSEDED') return;
      if (String(kind) === 'FAILED') throw this.#refused(commands[applied] ?? [], String(said));
      // After GAP too: the server forgot what it had, and gets it again.
      next = applied;
    }
  }

  protected async abort(): Promise<void> {}

  override async close(): Promise<void> {
    this.#closing.abort();
    await super.close();
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** RT4: the name and the key of the command; its values may be secret. */
  #refused(command: readonly Uint8Array[], said: string): MillraceError {
    const [name = '', key = ''] = command.slice(0, 2).map((word) => Buffer.from(word).toString('utf8').slice(0, limits.operatorNameMax));
    return this.#redis.failure(`${name} ${JSON.stringify(key)}`, Object.assign(new Error(said), { name: 'ReplyError' }));
  }

  get #redis(): RedisConnection {
    if (this.#connection === undefined) throw new MillraceError('ASSERTION', 'A writer has no connection before it is prepared');
    return this.#connection;
  }
}

/** Commands from `start` on, as the script takes them, as many as one call may have. */
function pieceOf(commands: readonly (readonly Uint8Array[])[], start: number): (number | Uint8Array)[] {
  const piece: (number | Uint8Array)[] = [];
  let bytes = 0;
  for (let index = start; index < commands.length; index += 1) {
    const command = commands[index] as readonly Uint8Array[];
    if (piece.length > 0 && (piece.length + command.length > limits.sinkScriptWordsMax || bytes > limits.sinkScriptBytes)) break;
    piece.push(command.length, ...command);
    for (const word of command) bytes += word.length;
  }
  return piece;
}
