/**
 * Records as lines of files, each exactly once.
 *
 * FK1  Records go to a hidden temporary file in the target directory, named after the attempt that writes it. It is
 *      synced, and so is the directory, before the checkpoint is acknowledged.
 * FK2  Committing is a rename to the final name; a file of that name with the right content means it happened before;
 *      neither file being there is an error, never silence.
 * FK3  Final names are unique to job, operator, subtask and number, so that nothing is ever overwritten.
 * FK4  On start, temporary files of older attempts of this subtask that no restored transaction names are removed.
 * FK5  The directory must be the same for all subtasks (shared-directory.ts).
 */
import { createHash } from 'node:crypto';
import { basename, isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MillraceError } from '../../core/errors.js';
import { isFileNotFound } from '../../core/file-errors.js';
import { parseAttemptId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { FileSystem } from '../../core/ports.js';
import type { OperatorContext, Sink } from '../../dataflow/contracts.js';
import { FileTransaction, type SealedFile } from './file-transaction.js';
import { claimDirectory } from './shared-directory.js';
import { type Recovery, TwoPhaseCommitWriter } from './two-phase-commit-writer.js';

export interface FileSinkOptions<T> {
  /** Shown in plans; default: `files` and the name of the directory. */
  readonly name?: string;
  /** One line, without its line feed; default JSON (NDJSON files). */
  readonly encode?: (value: T) => string;
  /** What file names begin with; default `part`. */
  readonly prefix?: string;
  /** What file names end with, such as `.ndjson`; default nothing. */
  readonly suffix?: string;
}

/**
 * Writes files `part-<subtask>-<number>-<job and operator>` into a directory: an absolute path or `file:` URL that every
 * TaskManager can write to. Files appear when a checkpoint completes; without checkpoints, at the end of input.
 */
export function fileSink<T>(directory: string | URL, options: FileSinkOptions<T> = {}): Sink<T> {
  const path = directory instanceof URL || directory.startsWith('file:') ? fileURLToPath(directory) : directory;
  if (!isAbsolute(path)) {
    throw new TypeError(
      `${JSON.stringify(path)} is not an absolute path. A job may run on other machines and in other folders: hand the directory to the job as a parameter`,
    );
  }
  const { prefix = 'part', suffix = '' } = options;
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(prefix))
    throw new TypeError(`${JSON.stringify(prefix)} cannot begin file names: use letters, digits, "-" and "_"`);
  if (!/^[A-Za-z0-9._-]*$/.test(suffix))
    throw new TypeError(`${JSON.stringify(suffix)} cannot end file names: use letters, digits, ".", "-" and "_"`);
  const target = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  const encode = options.encode === undefined ? toJson : oneLine(options.encode);
  return {
    name: options.name ?? `files ${basename(target) || target}`,
    data: { directory: target, prefix, suffix },
    createWriter: () => new FileWriter<T>({ directory: target, prefix, suffix, encode }),
  };
}

const toJson = (value: unknown): string => JSON.stringify(value) ?? 'null';

/** A line feed inside a line would make two of it. */
function oneLine<T>(encode: (value: T) => string): (value: T) => string {
  return (value) => {
    const line = encode(value);
    if (!line.includes('\n')) return line;
    throw new MillraceError('SINK_LINE_FEED', `A line for a file has a line feed in it: ${JSON.stringify(line.slice(0, 120))}`, {
      domain: 'user',
      recovery: 'fail-job',
      hint: 'Let `encode` escape line feeds, or leave it out to write JSON.',
    });
  };
}

interface FileWriterSettings<T> {
  readonly directory: string;
  readonly prefix: string;
  readonly suffix: string;
  readonly encode: (value: T) => string;
}

/** What it takes to commit a file: names within the directory, and what must be in it. */
interface PendingFile extends SealedFile {
  readonly temporary: string;
  readonly final: string;
}

class FileWriter<T> extends TwoPhaseCommitWriter<T, FileTransaction, PendingFile> {
  readonly #settings: FileWriterSettings<T>;
  #temporaries = 0;
  #nextNumber = 0;
  #isHoldingBack = false;

  constructor(settings: FileWriterSettings<T>) {
    super();
    this.#settings = settings;
  }

  protected override async prepare(context: OperatorContext): Promise<void> {
    const { files, clock, random, task } = context;
    const { directory } = this.#settings;
    context.declareSharedResource(directory, await claimDirectory({ files, clock, random, directory, jobId: task.jobId }));
  }

  protected begin(): FileTransaction {
    const path = this.#path(`${this.#temporaryPrefix}${this.#attempt}.${this.#temporaries++}.tmp`);
    return new FileTransaction({ files: this.context.files, path, onFailure: (error) => this.context.fail(error) });
  }

  protected write(transaction: FileTransaction, value: T): void {
    transaction.write(`${this.#settings.encode(value)}\n`);
    if (transaction.queuedBytes > limits.sinkPendingBytesMax && !this.#isHoldingBack) this.#holdBack(transaction);
  }

  protected async preCommit(transaction: FileTransaction): Promise<PendingFile> {
    const { prefix, suffix } = this.#settings;
    const final = `${prefix}-${this.context.task.subtaskIndex}-${this.#nextNumber++}-${this.#tag}${suffix}`;
    const sealed = await transaction.seal();
    await this.#files.syncDirectory(this.#settings.directory);
    return { temporary: transaction.path.slice(this.#settings.directory.length + 1), final, ...sealed };
  }

  /** FK2. A former attempt may do the same at the same time: a file that is gone under our hands has its final name. */
  protected async commit(pending: PendingFile): Promise<void> {
    const temporary = this.#path(pending.temporary);
    const final = this.#path(pending.final);
    const written = await this.#files.stat(temporary);
    if (written !== undefined && written.sizeBytes !== pending.bytes) {
      throw this.#changed(temporary, `has ${written.sizeBytes} bytes instead of ${pending.bytes}`);
    }
    const isRenamed = written !== undefined && (await this.#files.stat(final)) === undefined && (await this.#rename(temporary, final));
    if (!isRenamed) {
      await this.#checkFinal(pending);
      if (written !== undefined) await this.#files.remove(temporary);
    }
    await this.#files.syncDirectory(this.#settings.directory);
  }

  protected abort(transaction: FileTransaction): Promise<void> {
    return transaction.discard();
  }

  protected override async recover({ committed, isComplete }: Recovery<PendingFile>): Promise<void> {
    const names = await this.#files.list(this.#settings.directory);
    if (isComplete) await this.#sweep(names, new Set(committed.map(({ temporary }) => temporary)));
    const pattern = new RegExp(`^${this.#settings.prefix}-${this.context.task.subtaskIndex}-(\\d+)-${this.#tag}`);
    for (const name of [...names, ...committed.map(({ final }) => final)]) {
      const number = pattern.exec(name)?.[1];
      if (number !== undefined) this.#nextNumber = Math.max(this.#nextNumber, Number(number) + 1);
    }
  }

  /** FK4. Only older attempts: this one may be the straggler. */
  async #sweep(names: readonly string[], wanted: ReadonlySet<string>): Promise<void> {
    const own = parseAttemptId(this.context.task.attemptId);
    for (const name of names) {
      if (!name.startsWith(this.#temporaryPrefix) || wanted.has(name)) continue;
      const match = /^(\d+)-(\d+)\.\d+\.tmp$/.exec(name.slice(this.#temporaryPrefix.length));
      if (match === null) continue;
      const [epoch, attempt] = [Number(match[1]), Number(match[2])];
      const isOlder = epoch < own.leaderEpoch || (epoch === own.leaderEpoch && attempt < own.attemptNumber);
      if (isOlder) await this.#files.remove(this.#path(name));
    }
  }

  /** False when the file was gone. */
  async #rename(from: string, to: string): Promise<boolean> {
    try {
      await this.#files.rename(from, to);
      return true;
    } catch (error) {
      if (isFileNotFound(error)) return false;
      throw error;
    }
  }

  async #checkFinal({ temporary, final, bytes, sha256 }: PendingFile): Promise<void> {
    const found = await this.#files.stat(this.#path(final));
    if (found === undefined) {
      throw new MillraceError(
        'SINK_TRANSACTION_LOST',
        `Neither ${this.#path(temporary)} nor ${this.#path(final)} is there: committed records are lost`,
        {
          domain: 'external',
          recovery: 'fail-job',
          hint: 'Files of the latest checkpoint must not be moved or removed while the job may restart.',
        },
      );
    }
    if (found.sizeBytes !== bytes || (await hashOf(this.#files, this.#path(final))) !== sha256) {
      throw this.#changed(this.#path(final), 'does not hold what this sink wrote');
    }
  }

  #changed(path: string, what: string): MillraceError {
    return new MillraceError('SINK_FILE_CHANGED', `${path} ${what}`, { domain: 'external', recovery: 'fail-job' });
  }

  #holdBack(transaction: FileTransaction): void {
    this.#isHoldingBack = true;
    const resume = (): boolean => {
      this.#isHoldingBack = false;
      return true;
    };
    this.context.park(resume, transaction.drained());
  }

  get #files(): FileSystem {
    return this.context.files;
  }

  #path(name: string): string {
    return this.#settings.directory === '/' ? `/${name}` : `${this.#settings.directory}/${name}`;
  }

  /** Temporary files of this subtask, whatever the attempt. */
  get #temporaryPrefix(): string {
    const { task, operatorId } = this.context;
    return `.${this.#settings.prefix}-${task.jobId}.${operatorId}.${task.subtaskIndex}.`;
  }

  get #attempt(): string {
    const { leaderEpoch, attemptNumber } = parseAttemptId(this.context.task.attemptId);
    return `${leaderEpoch}-${attemptNumber}`;
  }

  /** Tells the files of this job and operator from others in the directory. */
  get #tag(): string {
    const { task, operatorId } = this.context;
    return createHash('sha256').update(`${task.jobId} ${operatorId}`).digest('hex').slice(0, 8);
  }
}

async function hashOf(files: FileSystem, path: string): Promise<string> {
  const hash = createHash('sha256');
  const handle = await files.openRead(path);
  try {
    const block = Buffer.allocUnsafe(limits.sourceBlockBytes);
    for (let position = 0; ;) {
      const count = await handle.read(block, position);
      if (count === 0) return hash.digest('hex');
      hash.update(block.subarray(0, count));
      position += count;
    }
  } finally {
    await handle.close();
  }
}
