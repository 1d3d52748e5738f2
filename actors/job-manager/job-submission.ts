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

/** Throws `RECORD_VERSION` when a later version of Millrace wrote it. */
export function decodeSubmission(bytes: Uint8Array): JobSubmission {
  return checked(decode(bytes), 'submission') as JobSubmission;
}

export function encodeResult(summary: JobSummary): Uint8Array {
  return encode({ formatVersion: 1, summary });
}

export function decodeResult(bytes: Uint8Array): JobSummary {
  return (checked(decode(bytes), 'result') as { summary: JobSummary }).summary;
}

function checked(value: unknown, what: string): unknown {
  if (typeof value === 'object' && value !== null && 'formatVersion' in value && value.formatVersion === 1) return value;
  throw new MillraceError('RECORD_VERSION', `the stored job ${what} has a format this version does not know`, {
    domain: 'external',
    recovery: 'fail-job',
    hint: 'Run the version of Millrace that wrote it, or use another cluster id.',
  });
}
