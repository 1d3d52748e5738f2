/**
 * What a file format is to the file source: it cuts records out of bytes.
 *
 * FF1  A decoder is deterministic: the same bytes from the same record boundary give the same records, however the bytes
 *      were cut into blocks.
 * FF2  A decoder keeps nothing between records but what it parsed ahead, so that any record boundary is a place to start.
 * FF3  Values never alias the bytes they were read from: strings are copied out.
 */
import type { FileHandle } from '../../core/ports.js';

/** A file as a format sees it before reading records. */
export interface FormatFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly recordBytesMax: number;
  /** Bytes of the byte order mark at the beginning: 0 or 3. */
  readonly markBytes: number;
  /** Whether reading goes on behind a record, not at the beginning. */
  readonly isContinued: boolean;
}

/** A way to read records out of files. Plain settings in `data`: they count in the job's fingerprint. */
export interface FileFormat<T> {
  readonly name: string;
  readonly data: unknown;
  /** Whether every line feed ends a record, so that a reader may start in the middle of a file. */
  readonly isSplittable: boolean;
  /** Called for each split, also when it continues: the format may read the head of the file. */
  open(file: FormatFile): RecordDecoder<T> | Promise<RecordDecoder<T>>;
}

/**
 * `record`: `value` was read. `malformed`: `reason` says what is wrong with this record; the next one can be read.
 * `skipped`: bytes without a record. `starved`: more bytes are needed (never said at the end of the file). `ended`: no
 * record follows. `broken`: `reason` says why nothing after this can be read.
 */
export type DecodeOutcome = 'record' | 'malformed' | 'skipped' | 'starved' | 'ended' | 'broken';

/**
 * Reads one record at a time. Results stand in fields, so that reading a record allocates nothing but the record.
 * After `record`, `malformed` and `skipped` the caller goes on at `at + consumedBytes`.
 */
export interface RecordDecoder<T> {
  /** Where the first record may begin: after byte order mark and header. */
  readonly dataOffset: number;
  /** Line number, from 1, of what stands at `dataOffset`. */
  readonly dataLine: number;
  /** Whether the format says itself where it ends (a closing bracket); else the split's end counts. */
  readonly endsItself: boolean;
  value: T;
  reason: string;
  consumedBytes: number;
  /** Of what was (or is not) consumed, bytes before the record itself: separators. For the place that errors name. */
  leadingBytes: number;
  /** Line feeds within what was consumed. */
  consumedLines: number;
  next(bytes: Buffer, at: number, isEndOfFile: boolean): DecodeOutcome;
}
