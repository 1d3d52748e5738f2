/** The list of jobs, in pages that a message holds. */
import { encode } from '../../bus/codec/cbor.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { MessageBody, MessageReply } from '../../bus/protocol/registry.js';
import { limits } from '../../core/limits.js';
import { answerBytesOf } from './fitting-history.js';

type Cursor = NonNullable<MessageBody<'job.list'>['after']>;

/** Oldest first, by id where submitted at the same time. */
export function compareJobs(a: Cursor, b: Cursor): number {
  return a.submittedAt - b.submittedAt || (a.jobId < b.jobId ? -1 : a.jobId > b.jobId ? 1 : 0);
}

/** Jobs that ended are kept with their history; most clients do not want it. */
export function withoutHistory(job: JobSummary): JobSummary {
  const { exceptions: _, attempts: __, vertices: ___, latencies: ____, eventTimes: _____, ...summary } = job;
  return summary;
}

/** The jobs after `after`, as many as a page holds over such a bus and at least one; without what they collected and their history. `jobs` are sorted. */
export function pageOf(jobs: readonly JobSummary[], after: Cursor | undefined, payloadBytesMax: number): MessageReply<'job.list'> {
  const page: JobSummary[] = [];
  const pageBytes = Math.min(limits.jobListPageBytes, answerBytesOf(payloadBytesMax) >> 1);
  let bytes = 0;
  for (const each of jobs) {
    if (after !== undefined && compareJobs(each, after) <= 0) continue;
    const { results: _, accumulators: __, ...job } = withoutHistory(each);
    bytes += encode(job).length;
    const last = page.at(-1);
    if (last !== undefined && bytes > pageBytes) return { jobs: page, next: { submittedAt: last.submittedAt, jobId: last.jobId } };
    page.push(job);
  }
  return { jobs: page };
}
