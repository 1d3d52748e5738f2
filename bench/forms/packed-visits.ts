/**
 * Batches of visits as one buffer: numbers, then lengths, then all texts as one block, a byte a unit. What somebody would
 * write who knows the records and has measured: columns, no field names, one text to cut the others from.
 */
import type { Visit, VisitKind, WideVisit } from '../jobs/keyed-functions.js';

export interface VisitPacker {
  /** Records whose batch is about 16 KiB. */
  readonly batchRecords: number;
  pack(batch: readonly Visit[]): ArrayBuffer;
  /** `buffer` begins with the batch. */
  unpack(buffer: ArrayBuffer, take: (visit: Visit) => void): void;
}

function packNarrow(batch: readonly Visit[]): ArrayBuffer {
  let block = '';
  for (const { page } of batch) block += page;
  const textsAt = 6 * batch.length + 4;
  const buffer = new ArrayBuffer(textsAt + block.length);
  new Uint32Array(buffer, 0, 1)[0] = batch.length;
  const numbers = new Uint32Array(buffer, 4, batch.length);
  const lengths = new Uint16Array(buffer, 4 + 4 * batch.length, batch.length);
  for (let at = 0; at < batch.length; at += 1) {
    const { page, visits } = batch[at] as Visit;
    numbers[at] = visits;
    lengths[at] = page.length;
  }
  Buffer.from(buffer).write(block, textsAt, 'latin1');
  return buffer;
}

function unpackNarrow(buffer: ArrayBuffer, take: (visit: Visit) => void): void {
  const count = new Uint32Array(buffer, 0, 1)[0] as number;
  const numbers = new Uint32Array(buffer, 4, count);
  const lengths = new Uint16Array(buffer, 4 + 4 * count, count);
  const block = Buffer.from(buffer).toString('latin1', 6 * count + 4);
  let from = 0;
  for (let at = 0; at < count; at += 1) {
    const to = from + (lengths[at] as number);
    take({ page: block.substring(from, to), visits: numbers[at] as number });
    from = to;
  }
}

/** Per record: a double, two 32-bit numbers, five lengths of a byte. */
const wideBytes = { times: 8, numbers: 4, durations: 4, lengths: 5 };
const wideBytesPerRecord = wideBytes.times + wideBytes.numbers + wideBytes.durations + wideBytes.lengths;
const wideHeadBytes = 8;

function packWide(batch: readonly Visit[]): ArrayBuffer {
  const count = batch.length;
  let block = '';
  for (const { page, user, referrer, agent, country } of batch as readonly WideVisit[]) block += page + user + referrer + agent + country;
  const textsAt = wideHeadBytes + wideBytesPerRecord * count;
  const buffer = new ArrayBuffer(textsAt + block.length);
  const { times, numbers, durations, lengths } = wideColumns(buffer, count);
  new Uint32Array(buffer, 0, 1)[0] = count;
  let length = 0;
  for (let at = 0; at < count; at += 1) {
    const visit = batch[at] as WideVisit;
    times[at] = visit.at;
    numbers[at] = visit.visits;
    durations[at] = visit.durationMs;
    lengths[length++] = visit.page.length;
    lengths[length++] = visit.user.length;
    lengths[length++] = visit.referrer.length;
    lengths[length++] = visit.agent.length;
    lengths[length++] = visit.country.length;
  }
  Buffer.from(buffer).write(block, textsAt, 'latin1');
  return buffer;
}

function unpackWide(buffer: ArrayBuffer, take: (visit: Visit) => void): void {
  const count = new Uint32Array(buffer, 0, 1)[0] as number;
  const { times, numbers, durations, lengths } = wideColumns(buffer, count);
  const block = Buffer.from(buffer).toString('latin1', wideHeadBytes + wideBytesPerRecord * count);
  let from = 0;
  let length = 0;
  for (let at = 0; at < count; at += 1) {
    const userAt = from + (lengths[length++] as number);
    const referrerAt = userAt + (lengths[length++] as number);
    const agentAt = referrerAt + (lengths[length++] as number);
    const countryAt = agentAt + (lengths[length++] as number);
    const to = countryAt + (lengths[length++] as number);
    const visit: WideVisit = {
      page: block.substring(from, userAt),
      visits: numbers[at] as number,
      user: block.substring(userAt, referrerAt),
      referrer: block.substring(referrerAt, agentAt),
      agent: block.substring(agentAt, countryAt),
      country: block.substring(countryAt, to),
      at: times[at] as number,
      durationMs: durations[at] as number,
    };
    take(visit);
    from = to;
  }
}

function wideColumns(
  buffer: ArrayBuffer,
  count: number,
): {
  readonly times: Float64Array;
  readonly numbers: Uint32Array;
  readonly durations: Uint32Array;
  readonly lengths: Uint8Array;
} {
  const numbersAt = wideHeadBytes + wideBytes.times * count;
  const durationsAt = numbersAt + wideBytes.numbers * count;
  const lengthsAt = durationsAt + wideBytes.durations * count;
  return {
    times: new Float64Array(buffer, wideHeadBytes, count),
    numbers: new Uint32Array(buffer, numbersAt, count),
    durations: new Uint32Array(buffer, durationsAt, count),
    lengths: new Uint8Array(buffer, lengthsAt, wideBytes.lengths * count),
  };
}

export const visitPackers: Readonly<Record<VisitKind, VisitPacker>> = {
  narrow: { batchRecords: 800, pack: packNarrow, unpack: unpackNarrow },
  wide: { batchRecords: 80, pack: packWide, unpack: unpackWide },
};

/** Stable and cheap: 31 times what was, plus the next unit. */
export function hashOf(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash >>> 0;
}
