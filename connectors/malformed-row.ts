/** What a source does with input it cannot read. */
import { limits } from '../core/limits.js';
import { MillraceError } from '../core/errors.js';
import { outputTag, type OutputTag } from '../dataflow/functions.js';
import type { ConnectorOptions } from './connector-options.js';

/** Fail the job, or hand the row to the side output {@link malformedRows} and go on. */
export type MalformedPolicy = 'fail' | 'side-output';

/** A row, or a message, that could not be read. */
export interface MalformedRow {
  /** Of a message: the stream, subject or address it came from. */
  readonly path: string;
  /** Byte offset of the row in its file. Of a message: its place in what it came from, such as its sequence in a stream. */
  readonly offset: number;
  /** From 1; null where a reader that began in the middle of a file cannot know it. */
  readonly line: number | null;
  /** The row as it stands there; long ones are cut. */
  readonly text: string;
  readonly reason: string;
}

/** The side output of sources that were told `malformed: 'side-output'`. */
export const malformedRows: OutputTag<MalformedRow> = outputTag<MalformedRow>('malformed-rows');

/** The policy that was given, `fail` by default; what is none is refused (CO1). */
export const checkedMalformedPolicy = (given: ConnectorOptions, policy: MalformedPolicy = 'fail'): MalformedPolicy =>
  given.word('malformed', policy, ['fail', 'side-output']);

/** The bytes of a malformed row as text fit to show. */
export function shownText(bytes: Buffer): string {
  const text = bytes
    .subarray(0, limits.malformedTextMax * 4)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  return text.length > limits.malformedTextMax ? `${text.slice(0, limits.malformedTextMax)}…` : text;
}

/** The error of the policy `fail`. Of a message, `place` says where it stood. */
export function malformedError(
  sourceName: string,
  row: MalformedRow,
  place: string = row.line === null ? `byte ${row.offset}` : `line ${row.line}`,
): MillraceError {
  return new MillraceError('SOURCE_MALFORMED', `${row.path}, ${place}: ${row.reason}: ${JSON.stringify(row.text.slice(0, 120))}`, {
    domain: 'user',
    recovery: 'fail-job',
    where: sourceName,
    hint: "Correct the row, or read on with { malformed: 'side-output' } and take the bad rows from getSideOutput(malformedRows).",
  });
}
