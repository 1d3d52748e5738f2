/**
 * Collects rows of a snapshot into chunks and hands each full chunk to the writer.
 *
 * CB1  Rows are encoded before `add` returns: what they refer to may change afterwards.
 * CB2  Chunks stay between the bounds of core/limits, but for the last one and for single rows beyond them.
 * CB3  A failed write surfaces in `finish`, never as an unhandled rejection.
 */
import { MillraceError, toErrorRecord } from '../../../core/errors.js';
import { limits } from '../../../core/limits.js';
import type { ChunkHandle } from '../../contracts.js';
import type { ChunkWriter } from '../contracts.js';
import { encodeRows, joinChunk, type StateRow } from './snapshot-format.js';

export interface ChunkBuilderOptions<Row> {
  readonly header: Uint8Array;
  readonly write: ChunkWriter;
  /** Names operator and state of a row, for errors. */
  readonly placeOf: (row: Row) => string;
}

export class ChunkBuilder<Row = StateRow> {
  private readonly options: ChunkBuilderOptions<Row>;
  private batches: Uint8Array[] = [];
  private bytes = 0;
  private writes: Promise<ChunkHandle>[] = [];
  private isDiscarded = false;

  constructor(options: ChunkBuilderOptions<Row>) {
    this.options = options;
  }

  /** Encodes rows and takes the bytes (CB1). */
  add(rows: readonly Row[]): void {
    if (rows.length === 0) return;
    const batch = this.encode(rows);
    if (batch.length > limits.stateChunkBytesMin && rows.length > 1) {
      const middle = rows.length >> 1;
      this.add(rows.slice(0, middle));
      this.add(rows.slice(middle));
      return;
    }
    if (this.bytes + batch.length > limits.stateChunkBytesMax) this.flush();
    this.batches.push(batch);
    this.bytes += batch.length;
    if (this.bytes >= limits.stateChunkBytesMax / 2) this.flush();
  }

  /** Writes what is left; resolves to all handles in order once every write succeeded. */
  async finish(): Promise<readonly ChunkHandle[]> {
    this.flush();
    return Promise.all(this.writes);
  }

  /** Frees what was collected; chunks already handed over are left to the sweep of orphans. */
  discard(): void {
    this.isDiscarded = true;
    this.batches = [];
    this.bytes = 0;
    this.writes = [];
  }

  private flush(): void {
    if (this.bytes === 0 || this.isDiscarded) return;
    const chunk = joinChunk(this.options.header, this.batches);
    this.batches = [];
    this.bytes = 0;
    const written = this.options.write(chunk);
    written.catch(() => undefined);
    this.writes.push(written);
  }

  private encode(rows: readonly Row[]): Uint8Array {
    try {
      return encodeRows(rows);
    } catch (error) {
      throw this.locate(rows, error);
    }
  }

  /** Finds the row that cannot be encoded, so that the error can name its state. */
  private locate(rows: readonly Row[], error: unknown): unknown {
    for (const row of rows) {
      try {
        encodeRows([row]);
      } catch (cause) {
        const record = toErrorRecord(cause);
        return new MillraceError('STATE_VALUE_UNSUPPORTED', `A value cannot be kept in a checkpoint: ${record.message}`, {
          domain: 'user',
          recovery: 'fail-job',
          where: this.options.placeOf(row),
          ...(record.hint === undefined ? {} : { hint: record.hint }),
          cause,
        });
      }
    }
    return error;
  }
}
