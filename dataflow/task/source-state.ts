/**
 * What a source reader keeps in a checkpoint: the splits it owns. The JobManager reads it too, to know which splits of
 * all are taken when a job is restored.
 */
import { MillraceError } from '../../core/errors.js';
import type { Split } from '../contracts.js';

export interface SourceReaderState {
  /** Ids of splits that were read to their end. */
  readonly finished: readonly string[];
  /** The split being read, and what the reader said of its position; undefined position: its beginning. */
  readonly current: SplitInProgress | null;
  /** Splits begun by former readers that this one took over and has not come to yet. */
  readonly waiting: readonly SplitInProgress[];
}

export interface SplitInProgress {
  readonly split: Split;
  readonly position: unknown;
  /** With a watermark strategy: how far its time has come, as its tracker says. */
  readonly highest?: number | undefined;
}

/** As it is encoded: plain data, so that the JobManager needs no code of the job. */
export interface SourceReaderRecord {
  readonly finished: readonly string[];
  readonly current: SplitRecord | null;
  readonly waiting: readonly SplitRecord[];
}

export interface SplitRecord {
  readonly splitId: string;
  readonly data: unknown;
  readonly position: unknown;
  readonly highest?: number;
}

export function toSourceRecord({ finished, current, waiting }: SourceReaderState): SourceReaderRecord {
  return { finished, current: current === null ? null : toSplitRecord(current), waiting: waiting.map(toSplitRecord) };
}

/** Throws `SOURCE_STATE_INVALID` for anything that {@link toSourceRecord} did not make. */
export function fromSourceRecord(value: unknown): SourceReaderState {
  const { finished, current, waiting } = checkedRecord(value);
  return { finished, current: current === null ? null : fromSplitRecord(current), waiting: waiting.map(fromSplitRecord) };
}

/** Ids of all splits a reader owned when it wrote this record. */
export function splitsOwned(value: unknown): readonly string[] {
  const { finished, current, waiting } = checkedRecord(value);
  return [...finished, ...(current === null ? [] : [current.splitId]), ...waiting.map((split) => split.splitId)];
}

const toSplitRecord = ({ split, position, highest }: SplitInProgress): SplitRecord => ({
  splitId: split.id,
  data: split.data,
  position,
  ...(highest === undefined ? {} : { highest }),
});
const fromSplitRecord = ({ splitId, data, position, highest }: SplitRecord): SplitInProgress => ({
  split: { id: splitId, data },
  position,
  highest,
});

function checkedRecord(value: unknown): SourceReaderRecord {
  if (isSourceRecord(value)) return value;
  throw new MillraceError('SOURCE_STATE_INVALID', 'The state of a source reader in the checkpoint cannot be read.', {
    recovery: 'fail-job',
  });
}

function isSourceRecord(value: unknown): value is SourceReaderRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { finished, current, waiting } = value as Partial<SourceReaderRecord>;
  if (!Array.isArray(finished) || !finished.every((id) => typeof id === 'string')) return false;
  return (current === null || isSplitRecord(current)) && Array.isArray(waiting) && waiting.every(isSplitRecord);
}

function isSplitRecord(value: unknown): value is SplitRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { splitId, highest } = value as Partial<SplitRecord>;
  return typeof splitId === 'string' && (highest === undefined || typeof highest === 'number');
}
