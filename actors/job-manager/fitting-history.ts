/**
 * The history of a job, cut to what a message carries: its parts are bounded one by one, their sum is not.
 *
 * FH1  What fits is left as it is. Else the part that takes most is halved, again and again: each keeps its first rows.
 * FH2  What is no history is never cut.
 */
import { encode } from '../../bus/codec/cbor.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { limits } from '../../core/limits.js';

type History = Required<Pick<JobSummary, 'exceptions' | 'attempts' | 'vertices' | 'latencies' | 'eventTimes'>>;
type Halves = { readonly [Part in keyof History]: (rows: History[Part]) => History[Part] };

/** Rows that have rows of their own lose those first. */
const halves: Halves = {
  exceptions: (entries) =>
    entries.some(({ concurrent }) => concurrent.length > 0)
      ? entries.map((entry) => ({ ...entry, concurrent: half(entry.concurrent) }))
      : half(entries),
  attempts: half,
  vertices: (vertices) =>
    vertices.some(({ subtasks }) => subtasks.length > 0)
      ? vertices.map((vertex) => ({ ...vertex, subtasks: half(vertex.subtasks) }))
      : half(vertices),
  latencies: half,
  eventTimes: half,
};
const parts = Object.keys(halves) as (keyof History)[];

/** What an answer about a job may take over such a bus: the rest of the message is for what goes around it. */
export function answerBytesOf(payloadBytesMax: number): number {
  return Math.min(limits.controlMessageBytesMax, payloadBytesMax) - limits.answerOverheadBytes;
}

/** The job as it travels in at most `bytesMax` bytes (FH1); larger only where what is no history takes more (FH2). */
export function fitting(job: JobSummary, bytesMax: number): JobSummary {
  const fitted = { ...job };
  let bytes = encode(job).length;
  const sizes = new Map(parts.map((part) => [part, sizeOf(fitted, part)]));
  while (bytes > bytesMax) {
    const largest = parts.reduce((left, right) => ((sizes.get(right) ?? 0) > (sizes.get(left) ?? 0) ? right : left));
    const before = sizes.get(largest) ?? 0;
    if (before <= emptyBytes) break;
    halve(fitted, largest);
    const after = sizeOf(fitted, largest);
    sizes.set(largest, after);
    bytes -= before - after;
  }
  return fitted;
}

/** Of a list without rows. */
const emptyBytes = 1;

function sizeOf(job: JobSummary, part: keyof History): number {
  return job[part] === undefined ? 0 : encode(job[part]).length;
}

function halve<Part extends keyof History>(job: Partial<History>, part: Part): void {
  const rows = job[part];
  if (rows !== undefined) job[part] = halves[part](rows);
}

function half<Row>(rows: Row[]): Row[] {
  return rows.slice(0, rows.length >> 1);
}
