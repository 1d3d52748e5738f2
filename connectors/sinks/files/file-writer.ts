/**
 * Records as lines of files, each exactly once, in any number of partitions.
 *
 * FK1  Records go to a hidden temporary file in the directory of their partition, named after the attempt that writes it.
 *      It is synced, and so is the directory, before the checkpoint is acknowledged.
 * FK2  Committing is a rename to the final name (file-commit.ts); neither name being there is an error, never silence.
 * FK3  Final names are unique (PN1), so that nothing is ever overwritten.
 * FK4  On start, temporary files of older attempts of this subtask that the restored checkpoint does not name are removed.
 * FK5  The directory must be the same for all subtasks (shared-directory.ts).
 * FK6  A file that goes on after a checkpoint stays as it was then, at its beginning. A restore copies that beginning into
 *      a file of its own, which ends there: the former attempt may still write to the other one.
 * FK7  At most `openFilesMax` files are being written at once; one more ends the one that was not written for longest.
 */
import { MillraceError } from '../../../core/errors.js';
import { limits } from '../../../core/limits.js';
import type { FileSystem } from '../../../core/ports.js';
import { noTimestamp, type OperatorContext } from '../../../dataflow/contracts.js';
import { TwoPhaseCommitWriter, type Recovery } from '../two-phase-commit-writer.js';
import { commitFiles, copyBeginning, type PendingFile } from './file-commit.js';
import { PartFile, type DiskQueue } from './part-file.js';
import { PartNames, temporaryOf } from './part-names.js';
import { PartitionDirectories } from './partition-directories.js';
import { checkPartition } from './partition-path.js';
import type { RollingBounds } from './rolling-policy.js';
import { claimDirectory } from './shared-directory.js';

export interface FileWriterSettings<T> {
  readonly directory: string;
  readonly prefix: string;
  readonly suffix: string;
  readonly encode: (value: T) => string;
  readonly partitionBy: ((value: T, timestamp: number | undefined) => string) | undefined;
  readonly rolling: RollingBounds;
  readonly openFilesMax: number;
}

/** A file that takes records. */
interface OpenFile {
  /** '' without partitions. */
  readonly partition: string;
  /** Final path below the directory of the sink. */
  readonly name: string;
  readonly file: PartFile;
  readonly openedAt: number;
  /** Of the writes of this writer, the last that went here. */
  lastUse: number;
  /** What the last snapshot found, and when it found something new. */
  seenBytes: number;
  activeAt: number;
  /** A checkpoint may name it (FK6). */
  isKept: boolean;
}

/** A file that takes no more records, on its way to the disk. */
interface EndedFile {
  readonly isKept: boolean;
  readonly path: string;
  readonly sealed: Promise<PendingFile>;
}

/** The files that ended since the last checkpoint. */
type FileTransaction = EndedFile[];

export class FileWriter<T> extends TwoPhaseCommitWriter<T, FileTransaction, readonly PendingFile[]> {
  readonly #settings: FileWriterSettings<T>;
  readonly #open = new Map<string, OpenFile>();
  readonly #queue: DiskQueue = { bytes: 0 };
  /** Beginnings of files that were open in the restored checkpoint; they go with the first one. */
  #restored: EndedFile[] = [];
  #directories: PartitionDirectories | undefined;
  #names: PartNames | undefined;
  /** The file of the last record. */
  #latest: OpenFile | undefined;
  #uses = 0;
  #sealing = 0;
  #isHoldingBack = false;
  #isEnded = false;

  constructor(settings: FileWriterSettings<T>) {
    super();
    this.#settings = settings;
  }

  protected override async prepare(context: OperatorContext): Promise<void> {
    const { files, clock, random, task } = context;
    const { directory } = this.#settings;
    this.#names = new PartNames(this.#settings, context);
    this.#directories = new PartitionDirectories(files, directory);
    context.declareSharedResource(directory, await claimDirectory({ files, clock, random, directory, jobId: task.jobId }));
  }

  protected begin(): FileTransaction {
    return this.#restored.splice(0);
  }

  protected write(transaction: FileTransaction, value: T, timestamp: number): void {
    // First what may throw: a record that cannot be written leaves no file behind.
    const partition = this.#partitionOf(value, timestamp);
    const line = `${this.#settings.encode(value)}\n`;
    const latest = this.#latest;
    const open = latest !== undefined && latest.partition === partition ? latest : this.#fileOf(partition, transaction);
    this.#latest = open;
    open.lastUse = ++this.#uses;
    open.file.write(line);
    if (open.file.length >= this.#settings.rolling.sizeBytes) this.#end(open, transaction);
    if (this.#queue.bytes > limits.sinkPendingBytesMax) this.#holdBack(open.file.drained());
  }

  protected override isDue(): boolean {
    if (this.#restored.length > 0) return true;
    for (const open of this.#open.values()) if (this.#isOver(open)) return true;
    return false;
  }

  protected async preCommit(transaction: FileTransaction): Promise<readonly PendingFile[]> {
    for (const open of [...this.#open.values()]) if (this.#isOver(open)) this.#end(open, transaction);
    const pending = await Promise.all(transaction.map(({ sealed }) => sealed));
    await this.#directoriesOf().sync(pending.map(({ name }) => name));
    return pending;
  }

  /** FK6: what the open files hold, durably. */
  protected override keep(): Promise<unknown> | undefined {
    if (this.#open.size === 0) return undefined;
    const kept = [...this.#open.values()].map(async (open) => {
      open.isKept = true;
      return { name: open.name, ...(await open.file.sync()) };
    });
    return Promise.all(kept).then(async (beginnings) => {
      await this.#directoriesOf().sync(beginnings.map(({ name }) => name));
      return beginnings;
    });
  }

  protected commit(pending: readonly PendingFile[]): Promise<void> {
    return commitFiles({ files: this.#files, directory: this.#settings.directory }, pending);
  }

  protected async abort(transaction: FileTransaction): Promise<void> {
    for (const { sealed, path, isKept } of [...transaction, ...this.#restored.splice(0)]) {
      await sealed.catch(() => undefined);
      if (!isKept) await this.#files.remove(path);
    }
  }

  protected override async recover({ committed, kept, isComplete }: Recovery<readonly PendingFile[]>): Promise<void> {
    const beginnings = (kept as readonly (readonly PendingFile[])[]).flat();
    if (isComplete) {
      const needed = new Set([...committed.flat(), ...beginnings].map(({ name }) => this.#path(temporaryOf(name))));
      await this.#directoriesOf().sweep(this.#partNames(), needed);
    }
    for (const beginning of beginnings) this.#restored.push(await this.#copy(beginning));
  }

  endInput(): void {
    this.#isEnded = true;
  }

  override async close(): Promise<void> {
    await super.close();
    await this.abort([]);
    for (const { file, isKept } of this.#open.values()) await (isKept ? file.close() : file.discard());
    this.#open.clear();
  }

  #partitionOf(value: T, timestamp: number): string {
    const { partitionBy } = this.#settings;
    return partitionBy === undefined ? '' : partitionBy(value, timestamp === noTimestamp ? undefined : timestamp);
  }

  #fileOf(partition: string, transaction: FileTransaction): OpenFile {
    const known = this.#open.get(partition);
    if (known !== undefined) return known;
    if (this.#settings.partitionBy !== undefined) checkPartition(partition, this.context.operatorName);
    if (this.#open.size >= this.#settings.openFilesMax) this.#end(this.#leastRecentlyUsed(), transaction);
    const now = this.context.clock.monotonic();
    const { name, file } = this.#create(partition);
    const open = { partition, name, file, openedAt: now, lastUse: 0, seenBytes: 0, activeAt: now, isKept: false };
    this.#open.set(partition, open);
    return open;
  }

  #create(partition: string): { readonly name: string; readonly file: PartFile } {
    const name = `${partition === '' ? '' : `${partition}/`}${this.#partNames().next()}`;
    const file = new PartFile({
      files: this.#files,
      path: this.#path(temporaryOf(name)),
      directory: this.#directoriesOf().ready(partition),
      queue: this.#queue,
      onFailure: (error) => this.context.fail(error),
    });
    return { name, file };
  }

  /** FK7. A look at all of them is less than what ending a file costs. */
  #leastRecentlyUsed(): OpenFile {
    let oldest: OpenFile | undefined;
    for (const open of this.#open.values()) if (oldest === undefined || open.lastUse < oldest.lastUse) oldest = open;
    if (oldest === undefined) throw new MillraceError('ASSERTION', 'No file is open, and none may be opened');
    return oldest;
  }

  /** Whether a file ends with the snapshot that is being taken; notes whether it was written. */
  #isOver(open: OpenFile): boolean {
    const { onCheckpoint, ageMs, inactivityMs } = this.#settings.rolling;
    if (onCheckpoint || this.#isEnded || !this.context.isCheckpointed) return true;
    const now = this.context.clock.monotonic();
    if (open.file.length > open.seenBytes) {
      open.seenBytes = open.file.length;
      open.activeAt = now;
    }
    return now - open.openedAt >= ageMs || now - open.activeAt >= inactivityMs;
  }

  #end(open: OpenFile, transaction: FileTransaction): void {
    if (this.context.isCheckpointed && transaction.length >= limits.sinkFilesPerTransactionMax) throw this.#tooManyFiles();
    this.#open.delete(open.partition);
    if (this.#latest === open) this.#latest = undefined;
    const { name, isKept, file } = open;
    transaction.push(this.#seal(name, file, isKept));
    if (this.#sealing >= limits.sinkSealingFilesMax) this.#holdBack(transaction.at(-1)?.sealed);
  }

  #seal(name: string, file: PartFile, isKept: boolean, replaces?: string): EndedFile {
    this.#sealing += 1;
    const sealed = file
      .seal()
      .then((content) => ({ name, ...content, ...(replaces === undefined ? {} : { replaces }) }))
      .finally(() => (this.#sealing -= 1));
    sealed.catch((error: unknown) => this.context.fail(error));
    return { isKept, path: file.path, sealed };
  }

  async #copy(beginning: PendingFile): Promise<EndedFile> {
    const { name } = beginning;
    const { name: own, file } = this.#create(name.slice(0, Math.max(0, name.lastIndexOf('/'))));
    await copyBeginning({ files: this.#files, from: this.#path(temporaryOf(name)), to: file }, beginning);
    return this.#seal(own, file, false, name);
  }

  #holdBack(until: Promise<unknown> | undefined): void {
    if (this.#isHoldingBack || until === undefined) return;
    this.#isHoldingBack = true;
    const resume = (): boolean => {
      this.#isHoldingBack = false;
      return true;
    };
    this.context.park(resume, until);
  }

  #tooManyFiles(): MillraceError {
    return new MillraceError(
      'SINK_TOO_MANY_FILES',
      `More than ${limits.sinkFilesPerTransactionMax} files ended between two checkpoints in one subtask`,
      {
        domain: 'user',
        recovery: 'fail-job',
        where: this.context.operatorName,
        hint: 'Records come in no order of partitions: key the stream by partition before the sink, raise `openFilesMax`, or take checkpoints more often.',
      },
    );
  }

  get #files(): FileSystem {
    return this.context.files;
  }

  #path(name: string): string {
    return this.#settings.directory === '/' ? `/${name}` : `${this.#settings.directory}/${name}`;
  }

  #partNames(): PartNames {
    if (this.#names === undefined) throw new MillraceError('ASSERTION', 'A writer has no names before it is prepared');
    return this.#names;
  }

  #directoriesOf(): PartitionDirectories {
    if (this.#directories === undefined) throw new MillraceError('ASSERTION', 'A writer has no directories before it is prepared');
    return this.#directories;
  }
}
