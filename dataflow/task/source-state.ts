/**
 * What a source reader keeps in a checkpoint: the splits it owns. The JobManager reads it too, to know which splits of
 * all are taken when a job is restored.
 */
import { MillraceError } from '../../core/errors.js';
import type { Split } from '../contracts.js';

export interface SourceReaderState {
  /** Ids of splits that were read to their end. */
  readonly finished: readonly string[];
  /** Those being read, then those of former readers that this one has not come to yet. */
  readonly unfinished: readonly SplitInProgress[];
}

export interface SplitInProgress {
  readonly split: Split;
  /** What the reader said of it; undefined: its beginning. */
  readonly position: unknown;
  /** With a watermark strategy: how far its time has come, as its tracker says. */
  readonly highest?: number | undefined;
}

/** Whether a task that takes over these was at its end in the checkpoint: it reads nothing, whatever is left of its source. */
export function wasAtEnd(restored: readonly { readonly isFinished: boolean }[]): boolean {
  return restored.length > 0 && restored.every(({ isFinished }) => isFinished);
}

/** As it is encoded: plain data, so that the JobManager needs no code of the job. */
export interface SourceReaderRecord {
  readonly finished: readonly string[];
  readonly unfinished: readonly SplitRecord[];
}

export interface SplitRecord {
  readonly splitId: string;
  readonly data: unknown;
  readonly position: unknown;
  readonly highest?: number;
}

export function toSourceRecord({ finished, unfinished }: SourceReaderState): SourceReaderRecord {
  return { finished, unfinished: unfinished.map(toSplitRecord) };
}

/** Throws `SOURCE_STATE_INVALID` for anything that {@link toSourceRecord} did not make. */
export function fromSourceRecord(value: unknown): SourceReaderState {
  const { finished, unfinished } = checkedRecord(value);
  return { finished, unfinished: unfinished.map(fromSplitRecord) };
}

/** Ids of all splits a reader owned when it wrote this record. */
export function splitsOwned(value: unknown): readonly string[] {
  const { finished, unfinished } = checkedRecord(value);
  return [...finished, ...unfinished.map(({ splitId }) => splitId)];
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

/** As it was encoded; throws as {@link fromSourceRecord} does. */
export function checkedRecord(value: unknown): SourceReaderRecord {
  if (isSourceRecord(value)) return value;
  throw new MillraceError('SOURCE_STATE_INVALID', 'The state of a source reader in the checkpoint cannot be read.', {
    recovery: 'fail-job',
  });
}

function isSourceRecord(value: unknown): value is SourceReaderRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { finished, unfinished } = value as Partial<SourceReaderRecord>;
  if (!Array.isArray(finished) || !finished.every((id) => typeof id === 'string')) return false;
  return Array.isArray(unfinished) && unfinished.every(isSplitRecord);
}

function isSplitRecord(value: unknown): value is SplitRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { splitId, highest } = value as Partial<SplitRecord>;
  return typeof splitId === 'string' && (highest === undefined || typeof highest === 'number');
}
