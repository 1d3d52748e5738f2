/**
 * The keyed count on two threads without an engine: each makes its records, keeps the keys of its own and posts the others
 * in batches of 1,024 records (structured clone). At most `batchesAhead` batches of a thread are unread.
 */
import { MessageChannel, Worker, isMainThread, workerData, type MessagePort } from 'node:worker_threads';
import { mark } from '../harness/forms.js';
import { makeVisit, type Visit } from '../jobs/keyed-functions.js';

const batchRecords = 1_024;
const batchesAhead = 8;

interface Half {
  readonly index: number;
  readonly records: number;
  readonly warmUp: number;
  readonly port: MessagePort;
}

type Message = readonly Visit[] | 'read' | 'end';

function hashOf(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash >>> 0;
}

function runHalf({ index, records, warmUp, port }: Half): void {
  const counts = new Map<string, number>();
  let sum = 0;
  let next = 0;
  let unread = 0;
  let ends = 0;
  let hasBegun = false;
  let batch: Visit[] = [];
  const count = (visit: Visit): void => {
    const known = (counts.get(visit.page) ?? 0) + visit.visits;
    counts.set(visit.page, known);
    sum += known & 1;
  };
  const end = (): void => {
    ends += 1;
    if (ends < 2) return;
    mark('end', sum);
    port.close();
  };
  const send = (): void => {
    if (batch.length === 0) return;
    port.postMessage(batch);
    unread += 1;
    batch = [];
  };
  const step = (): void => {
    if (!hasBegun && next >= warmUp) {
      hasBegun = true;
      mark('begin');
    }
    const stop = Math.min(records, next + 2 * batchRecords);
    while (next < stop && unread < batchesAhead) {
      const visit = makeVisit(next);
      next += 1;
      if (hashOf(visit.page) % 2 === index) count(visit);
      else if (batch.push(visit) === batchRecords) send();
    }
    if (next < records) {
      if (unread < batchesAhead) setImmediate(step);
      return;
    }
    send();
    port.postMessage('end');
    end();
  };
  port.on('message', (message: Message) => {
    if (message === 'end') end();
    else if (message === 'read') {
      unread -= 1;
      if (unread === batchesAhead - 1 && next < records) setImmediate(step);
    } else {
      for (const visit of message) count(visit);
      port.postMessage('read');
    }
  });
  step();
}

if (isMainThread) {
  const [records, warmUp] = process.argv.slice(2).map(Number) as [number, number];
  const { port1, port2 } = new MessageChannel();
  for (const [index, port] of [port1, port2].entries()) {
    new Worker(new URL(import.meta.url), { workerData: { index, records, warmUp, port } satisfies Half, transferList: [port] });
  }
} else runHalf(workerData as Half);
