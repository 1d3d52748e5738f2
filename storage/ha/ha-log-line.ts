/**
 * Lines of a leader's log: JSON with a checksum, so that people can read them and a torn line is told from a whole one.
 *
 * HL1  A line counts only if it is whole; everything after a line that is not does not exist.
 * HL2  The first line is the base: the records as the leader found them when it took over.
 */
import { createHash } from 'node:crypto';
import type { JobId } from '../../core/ids.js';
import type { JobRecord, JobResultRecord, LeaderToken } from '../contracts.js';
import { applyHaChange, type HaChange, type HaRecords, type JobCheckpoints } from './ha-records.js';

/** Where a base was read from: which log, and how many of its lines counted. */
export interface HaLogOrigin {
  readonly epoch: number;
  readonly part: number;
  readonly lines: number;
}

export interface HaLogBase {
  readonly kind: 'base';
  readonly formatVersion: 1;
  readonly token: LeaderToken;
  readonly origin: HaLogOrigin | null;
  readonly jobs: readonly JobRecord[];
  readonly results: readonly JobResultRecord[];
  readonly checkpoints: readonly (readonly [JobId, JobCheckpoints])[];
}

export type HaLogEntry = HaLogBase | HaChange;

const checksumDigits = 16;
const checksumOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, checksumDigits);

export function encodeHaLogLine(entry: HaLogEntry): Uint8Array {
  const text = JSON.stringify(entry, (_, value: unknown) =>
    value instanceof Uint8Array ? { $bytes: Buffer.from(value).toString('base64') } : value,
  );
  return new TextEncoder().encode(`${checksumOf(text)} ${text}\n`);
}

/** The whole lines of a log, up to the first that is not (HL1). */
export function decodeHaLog(bytes: Uint8Array): readonly HaLogEntry[] {
  const entries: HaLogEntry[] = [];
  const lines = new TextDecoder().decode(bytes).split('\n');
  // What follows the last line end is empty or torn.
  for (const line of lines.slice(0, -1)) {
    const text = line.slice(checksumDigits + 1);
    if (line.slice(0, checksumDigits) !== checksumOf(text)) break;
    entries.push(JSON.parse(text, reviveBytes) as HaLogEntry);
  }
  return entries;
}

/** The records a log tells; undefined when it has no whole base. */
export function replayHaLog(entries: readonly HaLogEntry[]): HaRecords | undefined {
  const [base, ...changes] = entries;
  if (base?.kind !== 'base' || base.formatVersion !== 1) return undefined;
  const records: HaRecords = {
    token: base.token,
    jobs: new Map(base.jobs.map((job) => [job.jobId, job])),
    results: new Map(base.results.map((result) => [result.jobId, result])),
    checkpoints: new Map(base.checkpoints),
  };
  for (const change of changes) if (change.kind !== 'base') applyHaChange(records, change);
  return records;
}

/** The base that starts a log with these records. */
export function baseOf(records: HaRecords, token: LeaderToken, origin: HaLogOrigin | null): HaLogBase {
  return {
    kind: 'base',
    formatVersion: 1,
    token,
    origin,
    jobs: [...records.jobs.values()],
    results: [...records.results.values()],
    checkpoints: [...records.checkpoints],
  };
}

function reviveBytes(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('$bytes' in value)) return value;
  const bytes = Buffer.from(String(value.$bytes), 'base64');
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice();
}
