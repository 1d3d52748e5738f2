/**
 * One producer and two consumers over nats.js, without an engine: `<url> <role> <mode> <records> <warm-up>`. Role 0 makes
 * the records; `rebalance` deals them to roles 1 and 2 in turn, `broadcast` packs them once and lets the server give each batch
 * to both. At most `batchesAhead` batches are unread by either.
 */
import type { NatsConnection } from 'nats';
import { mark } from '../harness/forms.js';
import { lengthOf, makeVisit, type Visit } from '../jobs/keyed-functions.js';
import { meet, runHandProcess } from './hand-process.js';
import { visitPackers } from './packed-visits.js';

const { batchRecords, pack, unpack } = visitPackers.narrow;
const batchesAhead = 32;
const stepRecords = 2_048;
const empty = new Uint8Array(0);

interface Work {
  readonly mode: 'rebalance' | 'broadcast';
  readonly records: number;
  readonly warmUp: number;
}

class Producer {
  readonly #nats: NatsConnection;
  readonly #work: Work;
  /** A batch for each consumer, or one for both. */
  readonly #batches: Visit[][];
  readonly #unread = [0, 0];
  #next = 0;
  #hasBegun = false;

  constructor(nats: NatsConnection, work: Work) {
    this.#nats = nats;
    this.#work = work;
    this.#batches = work.mode === 'broadcast' ? [[]] : [[], []];
    for (const consumer of [0, 1]) nats.subscribe(`read.${consumer}`, { callback: () => this.#onRead(consumer) });
  }

  start(): void {
    this.#step();
  }

  #onRead(consumer: number): void {
    const couldSend = this.#canSend();
    this.#unread[consumer] = (this.#unread[consumer] as number) - 1;
    if (!couldSend && this.#canSend() && this.#next < this.#work.records) setImmediate(() => this.#step());
  }

  #canSend(): boolean {
    return (this.#unread[0] as number) < batchesAhead && (this.#unread[1] as number) < batchesAhead;
  }

  #step(): void {
    const { records, warmUp } = this.#work;
    if (!this.#hasBegun && this.#next >= warmUp) {
      this.#hasBegun = true;
      mark('begin');
    }
    const stop = Math.min(records, this.#next + stepRecords);
    const batches = this.#batches;
    let canSend = this.#canSend();
    while (this.#next < stop && canSend) {
      const turn = this.#next % batches.length;
      const batch = batches[turn] as Visit[];
      if (batch.push(makeVisit(this.#next++)) < batchRecords) continue;
      this.#send(turn);
      canSend = this.#canSend();
    }
    if (this.#next < records) {
      if (canSend) setImmediate(() => this.#step());
      return;
    }
    for (const turn of batches.keys()) this.#send(turn);
    this.#nats.publish('end', empty);
  }

  #send(turn: number): void {
    const batch = this.#batches[turn] as Visit[];
    if (batch.length === 0) return;
    this.#batches[turn] = [];
    const isForBoth = this.#batches.length === 1;
    this.#nats.publish(isForBoth ? 'batch' : `batch.${turn}`, new Uint8Array(pack(batch)));
    for (const consumer of isForBoth ? [0, 1] : [turn]) this.#unread[consumer] = (this.#unread[consumer] as number) + 1;
  }
}

function consume(nats: NatsConnection, consumer: number): Promise<void> {
  let sum = 0;
  const take = (visit: Visit): void => {
    sum += lengthOf(visit);
  };
  for (const subject of ['batch', `batch.${consumer}`]) {
    nats.subscribe(subject, {
      callback: (_error, { data }) => {
        unpack(new Uint8Array(data).buffer, take);
        nats.publish(`read.${consumer}`, empty);
      },
    });
  }
  return new Promise((resolve) => {
    nats.subscribe('end', {
      callback: () => {
        mark('end', sum);
        resolve();
      },
    });
  });
}

const [url = '', role = '', mode = '', records = '', warmUp = ''] = process.argv.slice(2);
await runHandProcess(url, async (nats) => {
  if (role === '0') {
    const producer = new Producer(nats, { mode: mode as Work['mode'], records: Number(records), warmUp: Number(warmUp) });
    await meet(nats, role, ['1', '2']);
    producer.start();
  } else {
    const ended = consume(nats, Number(role) - 1);
    await meet(nats, role, ['0']);
    await ended;
  }
});
