/**
 * The logs and leases of all leaders in one directory: `<epoch>.<part>.log` and `<epoch>.lease`.
 *
 * LD1  The epoch of the latest grant is the highest of any log there, whole or empty: creating a log exclusively is the grant.
 * LD2  The records are told by the highest epoch, and of that the highest part, that has a whole base.
 * LD3  The log with the highest epoch is never removed, so no epoch is granted twice.
 */
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import { isFileNotFound } from '../../core/file-errors.js';
import type { FileSystem } from '../../core/ports.js';
import { emptyHaRecords, type HaRecords } from './ha-records.js';
import { decodeHaLog, replayHaLog, type HaLogOrigin } from './ha-log-line.js';

export interface HaLogName {
  readonly epoch: number;
  readonly part: number;
}

export interface HaLease {
  readonly holder: string;
  readonly leaseMs: number;
  /** Counts up with each renewal: a follower sees by it that the leader lives, whatever the wall clock does. */
  readonly renewal: number;
  /** Wall clock of the leader when it renewed. */
  readonly renewedAt: number;
  readonly isReleased: boolean;
}

const epochDigits = 16;
const partDigits = 8;
const logPattern = /^(\d{16})\.(\d{8})\.log$/;
const readAttemptsMax = 5;

export class HaLogDirectory {
  readonly path: string;
  private readonly files: FileSystem;

  constructor(files: FileSystem, path: string) {
    this.files = files;
    this.path = path;
  }

  logPath(name: HaLogName): string {
    return `${this.path}/${pad(name.epoch, epochDigits)}.${pad(name.part, partDigits)}.log`;
  }

  leaseName(epoch: number): string {
    return `${pad(epoch, epochDigits)}.lease`;
  }

  /** All logs, the newest last. */
  async logs(): Promise<readonly HaLogName[]> {
    const names = await this.list();
    return names.flatMap((name) => {
      const match = logPattern.exec(name);
      return match === null ? [] : [{ epoch: Number(match[1]), part: Number(match[2]) }];
    });
  }

  /** LD1; 0 before the first grant. */
  async latestEpoch(): Promise<number> {
    return (await this.logs()).at(-1)?.epoch ?? 0;
  }

  /** The records as the logs below `beforeEpoch` tell them (LD2), and where that was read. */
  async read(beforeEpoch = Infinity): Promise<{ readonly records: HaRecords; readonly origin: HaLogOrigin | null }> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.readOnce(beforeEpoch);
      } catch (error) {
        // A leader that starts a new part removes the old one: look again.
        if (!isFileNotFound(error) || attempt === readAttemptsMax) throw error;
      }
    }
  }

  /** The lease of an epoch; undefined while its leader has not written one. */
  async lease(epoch: number): Promise<HaLease | undefined> {
    try {
      return JSON.parse(new TextDecoder().decode(await this.files.readFile(`${this.path}/${this.leaseName(epoch)}`))) as HaLease;
    } catch (error) {
      if (isFileNotFound(error) || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  /** Removes logs and leases older than a log that has a whole base (LD3). */
  async removeOlderThan(name: HaLogName): Promise<void> {
    for (const file of await this.list()) {
      const [epoch, part] = file.split('.');
      const isOlder = Number(epoch) < name.epoch || (Number(epoch) === name.epoch && file.endsWith('.log') && Number(part) < name.part);
      if (isOlder && /^\d{16}\./.test(file)) await this.files.remove(`${this.path}/${file}`);
    }
  }

  /** What to throw when something here could not be done: it may work later. */
  failed(what: string, cause: unknown): MillraceError {
    if (cause instanceof MillraceError && cause.code === 'HA_STORE_FAILED') return cause;
    return new MillraceError('HA_STORE_FAILED', `Could not ${what} in ${this.path}: ${toErrorRecord(cause).message}`, {
      domain: 'external',
      recovery: 'retry',
      where: this.path,
      cause,
    });
  }

  private async list(): Promise<readonly string[]> {
    try {
      return await this.files.list(this.path);
    } catch (error) {
      if (isFileNotFound(error)) return [];
      throw error;
    }
  }

  private async readOnce(beforeEpoch: number): Promise<{ readonly records: HaRecords; readonly origin: HaLogOrigin | null }> {
    const candidates = (await this.logs()).filter((name) => name.epoch < beforeEpoch);
    for (const name of candidates.reverse()) {
      const entries = decodeHaLog(await this.files.readFile(this.logPath(name)));
      const records = replayHaLog(entries);
      if (records !== undefined) return { records, origin: { ...name, lines: entries.length } };
    }
    return { records: emptyHaRecords(), origin: null };
  }
}

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');
