/**
 * The log of one leader, while it leads: in parts, each of which starts with the records as they are. It keeps FH1 to FH3 of the
 * store: creating the first part exclusively is the grant, and only when that is durable is the older log read (FH1); a change
 * shows in the records once it is synced and `assertLeading` did not throw afterwards (FH2); after a failed append or a failed
 * start the next write starts a new part (FH3).
 */
import { MillraceError } from '../../core/errors.js';
import { fileError } from '../../core/file-errors.js';
import type { FileHandle, FileSystem } from '../../core/ports.js';
import type { LeaderToken } from '../contracts.js';
import type { HaLogDirectory, HaLogName } from './ha-log-directory.js';
import { baseOf, encodeHaLogLine, type HaLogOrigin } from './ha-log-line.js';
import { applyHaChange, type HaChange, type HaRecords } from './ha-records.js';

export interface LeaderLogOptions {
  readonly files: FileSystem;
  /** It is there. */
  readonly directory: HaLogDirectory;
  /** Changes after which a new part begins. */
  readonly linesPerPartMax: number;
}

/** See the head of this file. */
export class LeaderLog {
  readonly token: LeaderToken;
  readonly records: HaRecords;
  readonly #options: LeaderLogOptions;
  #part = 0;
  #handle: FileHandle | undefined;
  #lines = 1;
  #isBroken = false;

  private constructor(options: LeaderLogOptions, token: LeaderToken, records: HaRecords, handle: FileHandle) {
    this.#options = options;
    this.token = token;
    this.records = records;
    this.#handle = handle;
  }

  /** FH1; undefined when the epoch was granted to somebody else. */
  static async create(options: LeaderLogOptions, token: LeaderToken): Promise<LeaderLog | undefined> {
    const { files, directory } = options;
    const handle = await createPart(options, { epoch: token.epoch, part: 0 });
    if (handle === undefined) return undefined;
    try {
      await files.syncDirectory(directory.path);
      const { records, origin } = await directory.read(token.epoch);
      records.token = token;
      await writeBase(handle, records, token, origin);
      return new LeaderLog(options, token, records, handle);
    } catch (error) {
      await handle.close().catch(() => undefined);
      throw error;
    }
  }

  /** FH2, FH3. */
  async write(change: HaChange, assertLeading: () => Promise<unknown>): Promise<void> {
    if (this.#isBroken || this.#lines >= this.#options.linesPerPartMax) await this.#startPart(assertLeading);
    // Until it is told, the line may count or not.
    this.#isBroken = true;
    await this.#append(change);
    await assertLeading();
    this.#isBroken = false;
    applyHaChange(this.records, change);
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }

  async #append(change: HaChange): Promise<void> {
    const { directory } = this.#options;
    try {
      if (this.#handle === undefined) throw fileError('FILE_IO', directory.path);
      await this.#handle.append(encodeHaLogLine(change));
      await this.#handle.sync();
      this.#lines += 1;
    } catch (error) {
      throw directory.failed('write to the log', error);
    }
  }

  /** Goes on in a new file that starts with the records as they are. */
  async #startPart(assertLeading: () => Promise<unknown>): Promise<void> {
    const { files, directory } = this.#options;
    const { epoch } = this.token;
    this.#isBroken = true;
    const origin = { epoch, part: this.#part, lines: this.#lines };
    try {
      await this.#handle?.close().catch(() => undefined);
      this.#handle = undefined;
      this.#part += 1;
      const handle = await createPart(this.#options, { epoch, part: this.#part });
      if (handle === undefined) throw fileError('FILE_EXISTS', directory.logPath({ epoch, part: this.#part }));
      this.#handle = handle;
      await writeBase(handle, this.records, this.token, origin);
      await files.syncDirectory(directory.path);
      this.#lines = 1;
      this.#isBroken = false;
    } catch (error) {
      throw directory.failed('start a new log', error);
    }
    await assertLeading();
    await directory.removeOlderThan({ epoch, part: this.#part }).catch(() => undefined);
  }
}

/** Undefined when it is there. */
async function createPart({ files, directory }: LeaderLogOptions, name: HaLogName): Promise<FileHandle | undefined> {
  try {
    return await files.openWrite(directory.logPath(name), { exclusive: true });
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'FILE_EXISTS') return undefined;
    throw error;
  }
}

async function writeBase(handle: FileHandle, records: HaRecords, token: LeaderToken, origin: HaLogOrigin | null): Promise<void> {
  await handle.append(encodeHaLogLine(baseOf(records, token, origin)));
  await handle.sync();
}
