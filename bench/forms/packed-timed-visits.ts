/** Batches of visits that carry when they were due: a column more. */
import type { TimedVisit, Visit } from '../jobs/keyed-functions.js';
import type { VisitPacker } from './packed-visits.js';

const headBytes = 8;
const perRecord = 8 + 4 + 2;

interface Columns {
  readonly due: Float64Array;
  readonly numbers: Uint32Array;
  readonly lengths: Uint16Array;
}

function columns(buffer: ArrayBuffer, count: number): Columns {
  return {
    due: new Float64Array(buffer, headBytes, count),
    numbers: new Uint32Array(buffer, headBytes + 8 * count, count),
    lengths: new Uint16Array(buffer, headBytes + 12 * count, count),
  };
}

function pack(batch: readonly Visit[]): ArrayBuffer {
  let block = '';
  for (const { page } of batch) block += page;
  const textsAt = headBytes + perRecord * batch.length;
  const buffer = new ArrayBuffer(textsAt + block.length);
  new Uint32Array(buffer, 0, 1)[0] = batch.length;
  const { due, numbers, lengths } = columns(buffer, batch.length);
  for (let at = 0; at < batch.length; at += 1) {
    const visit = batch[at] as TimedVisit;
    due[at] = visit.due;
    numbers[at] = visit.visits;
    lengths[at] = visit.page.length;
  }
  Buffer.from(buffer).write(block, textsAt, 'latin1');
  return buffer;
}

function unpack(buffer: ArrayBuffer, take: (visit: Visit) => void): void {
  const count = new Uint32Array(buffer, 0, 1)[0] as number;
  const { due, numbers, lengths } = columns(buffer, count);
  const block = Buffer.from(buffer).toString('latin1', headBytes + perRecord * count);
  let from = 0;
  for (let at = 0; at < count; at += 1) {
    const to = from + (lengths[at] as number);
    const visit: TimedVisit = { page: block.substring(from, to), visits: numbers[at] as number, due: due[at] as number };
    take(visit);
    from = to;
  }
}

export const timedPacker: VisitPacker = { batchRecords: 600, pack, unpack };
