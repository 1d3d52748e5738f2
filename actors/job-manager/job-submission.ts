/** What the store keeps of a job so that another leader can start it again. */
import type { JobCode } from '../../bus/protocol/schemas.js';
import { decode, encode } from '../../bus/codec/cbor.js';
import { MillraceError } from '../../core/errors.js';
import type { JobGraph } from '../../graph/types.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';

export interface JobSubmission {
  readonly formatVersion: 1;
  readonly jobGraph: JobGraph;
  readonly code: JobCode;
  /** Path of a checkpoint, or `<job>/<checkpoint>`. */
  readonly restoreFrom: string | null;
}

export function encodeSubmission(submission: JobSubmission): Uint8Array {
  return encode(submission);
}

/** Throws `RECORD_VERSION` when a later version of Millrace wrote it, `RECORD_UNREADABLE` when it is damaged. */
export function decodeSubmission(bytes: Uint8Array): JobSubmission {
  return read(bytes, 'submission') as JobSubmission;
}

/** Undefined when it cannot be read: of a job that has ended nothing more is needed than its id. */
export function readableSubmission(bytes: Uint8Array): JobSubmission | undefined {
  try {
    return decodeSubmission(bytes);
  } catch {
    return undefined;
  }
}

export function encodeResult(summary: JobSummary): Uint8Array {
  return encode({ formatVersion: 1, summary });
}

export function decodeResult(bytes: Uint8Array): JobSummary {
  return (read(bytes, 'result') as { summary: JobSummary }).summary;
}

function read(bytes: Uint8Array, what: string): unknown {
  let value: unknown;
  try {
    value = decode(bytes);
  } catch (cause) {
    throw new MillraceError('RECORD_UNREADABLE', `the stored job ${what} cannot be read`, {
      domain: 'external',
      recovery: 'fail-job',
      cause,
    });
  }
  return checked(value, what);
}

function checked(value: unknown, what: string): unknown {
  if (typeof value === 'object' && value !== null && 'formatVersion' in value && value.formatVersion === 1) return value;
  throw new MillraceError('RECORD_VERSION', `the stored job ${what} has a format this version does not know`, {
    domain: 'external',
    recovery: 'fail-job',
    hint: 'Run the version of Millrace that wrote it, or use another cluster id.',
  });
}
