/**
 * Reads one byte range of a file at a time, record by record.
 *
 * FR1  A range owns the records that begin inside it; the last one may reach past its end. A range that begins after the
 *      first record's beginning starts behind the first line feed at or after the byte before it.
 * FR2  A position is a record boundary: byte offset, and line number where it is known. Continuing there gives exactly
 *      the rest.
 * FR3  A malformed record fails the read with its line number (counted from the beginning of the file only then), or
 *      goes to the side output. What cannot be cut into records (a broken array, a record past the bound) always fails.
 */
import { assert } from '../../core/errors.js';
import type { FileHandle } from '../../core/ports.js';
import {
  noTimestamp,
  type OperatorContext,
  type PollStatus,
  type SourceOutput,
  type SourceReader,
  type Split,
} from '../../dataflow/contracts.js';
import type { FileFormat, RecordDecoder } from '../formats/format.js';
import { malformedError, type MalformedPolicy, malformedRows, type MalformedRow, shownText } from '../malformed-row.js';
import { BlockReader } from './block-reader.js';
import type { FileRange } from './file-splits.js';
import { countLineFeeds } from '../formats/line-feeds.js';
import { countLinesBefore, readMark } from './file-head.js';

export interface FileReaderOptions<T> {
  readonly context: OperatorContext;
  readonly format: FileFormat<T>;
  readonly malformed: MalformedPolicy;
  readonly recordBytesMax: number;
  readonly blockBytes: number;
  readonly sourceName: string;
}

/** Where a reader stands in a range. */
export interface FilePosition {
  readonly offset: number;
  /** Line number of the next record; null when unknown. */
  readonly line: number | null;
}

/** What is open while a range is read. */
interface OpenRange<T> {
  readonly range: FileRange;
  readonly handle: FileHandle;
  readonly blocks: BlockReader;
  readonly decoder: RecordDecoder<T>;
}

const noBytes = Buffer.alloc(0);
const lineFeed = 0x0a;

export class FileReader<T> implements SourceReader<T> {
  readonly #options: FileReaderOptions<T>;
  #open: OpenRange<T> | undefined;
  /** Bytes that are here; the next record begins at `#at`, which is `#offset` in the file. */
  #bytes: Buffer = noBytes;
  #at = 0;
  #offset = 0;
  #line: number | undefined;
  /** Whether the beginning of the first record is still to be found (FR1). */
  #isAligning = false;
  #hasMoved = false;
  #failure: Promise<never> | undefined;

  constructor(options: FileReaderOptions<T>) {
    this.#options = options;
  }

  async start(split: Split, position: unknown): Promise<void> {
    await this.close();
    const range = split.data as FileRange;
    const from = position as FilePosition | undefined;
    const handle = await this.#options.context.files.openRead(range.path);
    try {
      await this.#startAt(range, from, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #startAt(range: FileRange, from: FilePosition | undefined, handle: FileHandle): Promise<void> {
    const { format, recordBytesMax, blockBytes } = this.#options;
    const markBytes = await readMark(handle);
    const decoder = await format.open({ path: range.path, handle, recordBytesMax, markBytes, isContinued: from !== undefined });
    const beginsData = range.start <= decoder.dataOffset;
    this.#isAligning = from === undefined && !beginsData;
    this.#hasMoved = from !== undefined;
    this.#offset = from?.offset ?? (beginsData ? decoder.dataOffset : range.start - 1);
    this.#line = from === undefined ? (beginsData ? decoder.dataLine : undefined) : (from.line ?? undefined);
    this.#bytes = noBytes;
    this.#at = 0;
    this.#failure = undefined;
    const blocks = new BlockReader({ handle, from: this.#offset, until: range.end, blockBytes });
    this.#open = { range, handle, decoder, blocks };
  }

  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    const open = this.#open;
    assert(open !== undefined, 'poll without a split');
    if (this.#failure !== undefined) return 'pending';
    if (this.#isAligning && !this.#align(open)) return open.blocks.isExhausted ? 'split-finished' : 'pending';
    const { decoder, range } = open;
    for (let count = 0; count < recordsMax && output.isAvailable(); count++) {
      if (this.#offset >= range.end && !decoder.endsItself) return 'split-finished';
      const outcome = this.#next(open);
      switch (outcome) {
        case 'record':
          if (!this.#advance(open)) return 'pending';
          output.emit(decoder.value, noTimestamp);
          break;
        case 'skipped':
          if (!this.#advance(open)) return 'pending';
          break;
        case 'malformed':
          if (!this.#malformed(open)) return 'pending';
          break;
        case 'starved':
          if (this.#bytes.length - this.#at > this.#options.recordBytesMax) this.#fail(open, this.#tooLong());
          return 'pending';
        case 'ended':
          if (this.#offset < range.end && !decoder.endsItself) {
            this.#fail(open, `the file ends at byte ${this.#offset} and had ${range.end} when the job began`);
            return 'pending';
          }
          return 'split-finished';
        case 'broken':
          this.#fail(open, decoder.reason);
          return 'pending';
      }
    }
    return 'more';
  }

  whenAvailable(): Promise<void> {
    return this.#failure ?? this.#open?.blocks.whenAvailable() ?? Promise.resolve();
  }

  position(): FilePosition | undefined {
    return this.#hasMoved ? { offset: this.#offset, line: this.#line ?? null } : undefined;
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await this.#failure?.catch(() => undefined);
    await open?.blocks.close();
  }

  /** Decodes one record, with more bytes as long as they are here. */
  #next(open: OpenRange<T>): ReturnType<RecordDecoder<T>['next']> {
    for (;;) {
      const outcome = open.decoder.next(this.#bytes, this.#at, open.blocks.isExhausted);
      if (outcome !== 'starved' || !this.#refill(open)) return outcome;
    }
  }

  /** Appends the next block; true also when there is none because the file has ended. */
  #refill(open: OpenRange<T>): boolean {
    const block = open.blocks.take();
    if (block === undefined) return open.blocks.isExhausted;
    if (this.#bytes.length - this.#at > this.#options.recordBytesMax) return false;
    this.#bytes = this.#at === this.#bytes.length ? block : Buffer.concat([this.#bytes.subarray(this.#at), block]);
    this.#at = 0;
    return true;
  }

  /** Goes behind the record just decoded; false when it is longer than allowed. */
  #advance(open: OpenRange<T>): boolean {
    const { consumedBytes, consumedLines } = open.decoder;
    if (consumedBytes > this.#options.recordBytesMax) {
      this.#fail(open, this.#tooLong());
      return false;
    }
    this.#at += consumedBytes;
    this.#offset += consumedBytes;
    if (this.#line !== undefined) this.#line += consumedLines;
    this.#hasMoved = true;
    return true;
  }

  /** FR1: skips the record that began before the range; false when more bytes are needed. */
  #align(open: OpenRange<T>): boolean {
    for (;;) {
      const found = this.#bytes.indexOf(lineFeed, this.#at);
      const skipped = (found === -1 ? this.#bytes.length : found + 1) - this.#at;
      this.#at += skipped;
      this.#offset += skipped;
      if (found !== -1) break;
      const block = open.blocks.take();
      if (block === undefined) return false;
      this.#bytes = block;
      this.#at = 0;
    }
    this.#isAligning = false;
    return true;
  }

  #malformed(open: OpenRange<T>): boolean {
    if (this.#options.malformed === 'fail') {
      this.#fail(open, open.decoder.reason);
      return false;
    }
    const row = this.#malformedRow(open, this.#at + open.decoder.consumedBytes, open.decoder.reason);
    if (!this.#advance(open)) return false;
    this.#options.context.sideOutput(malformedRows.id)(row, noTimestamp);
    return true;
  }

  #malformedRow(open: OpenRange<T>, end: number, reason: string): MalformedRow {
    const start = Math.min(this.#at + open.decoder.leadingBytes, end);
    const offset = this.#offset + start - this.#at;
    const line = this.#line === undefined ? null : this.#line + countLineFeeds(this.#bytes.subarray(this.#at, start));
    return { path: open.range.path, offset, line, text: shownText(this.#bytes.subarray(start, end)), reason };
  }

  #fail(open: OpenRange<T>, reason: string): void {
    const end = this.#bytes.indexOf(lineFeed, this.#at + open.decoder.leadingBytes);
    const row = this.#malformedRow(open, end === -1 ? this.#bytes.length : end, reason);
    this.#failure = this.#failAt(open, row);
    this.#failure.catch(() => undefined);
  }

  async #failAt(open: OpenRange<T>, row: MalformedRow): Promise<never> {
    const line = row.line ?? 1 + (await countLinesBefore(open.handle, row.offset));
    throw malformedError(this.#options.sourceName, { ...row, line });
  }

  #tooLong(): string {
    return `the record is longer than ${this.#options.recordBytesMax} bytes`;
  }
}
