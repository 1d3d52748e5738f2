/**
 * The keyed count on two threads without an engine: each makes its records, keeps the keys of its own and posts the others
 * in batches of 1,024 records, at most `batchesAhead` of a thread unread. `cloned` posts an array of records as it is;
 * `packed` posts one buffer with the texts, their lengths and the numbers, transferred: what one would write who knows the
 * records and has measured.
 */
import { MessageChannel, Worker, isMainThread, workerData, type MessagePort } from 'node:worker_threads';
import { mark } from '../harness/forms.js';
import { makeNewsVisit, makeVisit, type Visit } from '../jobs/keyed-functions.js';
import { hashOf, visitPackers } from './packed-visits.js';

const batchRecords = 1_024;
const batchesAhead = 8;

const { pack, unpack } = visitPackers.narrow;

type Format = 'cloned' | 'packed';

interface Half {
  readonly format: Format;
  readonly index: number;
  readonly records: number;
  readonly warmUp: number;
  readonly inputs: 'one' | 'two';
  readonly port: MessagePort;
}

type Batch = readonly Visit[] | ArrayBuffer;
type Message = Batch | 'read' | 'end';

/** From two inputs in turn, a batch of each. */
function makeOfTwo(n: number): Visit {
  const turn = Math.floor(n / batchRecords);
  const ofInput = (turn >> 1) * batchRecords + (n % batchRecords);
  return turn % 2 === 0 ? makeVisit(ofInput) : makeNewsVisit(ofInput);
}

function runHalf({ format, index, records, warmUp, inputs, port }: Half): void {
  const make = inputs === 'two' ? makeOfTwo : makeVisit;
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
    if (format === 'packed') {
      const packed = pack(batch);
      port.postMessage(packed, [packed]);
    } else port.postMessage(batch);
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
      const visit = make(next);
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
      if (message instanceof ArrayBuffer) unpack(message, count);
      else for (const visit of message) count(visit);
      port.postMessage('read');
    }
  });
  step();
}

if (isMainThread) {
  const [format, recordsText, warmUpText, inputs = 'one'] = process.argv.slice(2) as [Format, string, string, Half['inputs']?];
  const [records, warmUp] = [Number(recordsText), Number(warmUpText)];
  const { port1, port2 } = new MessageChannel();
  for (const [index, port] of [port1, port2].entries()) {
    new Worker(new URL(import.meta.url), {
      workerData: { format, index, records, warmUp, inputs, port } satisfies Half,
      transferList: [port],
    });
  }
} else runHalf(workerData as Half);
