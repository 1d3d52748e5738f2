/**
 * Half of a keyed count between two processes over nats.js, without an engine. Makes its records, keeps the keys of its own,
 * and publishes the others to its twin in packed batches of about 16 KiB, at most `batchesAhead` of them unread. A buffer is
 * never used twice: nats.js keeps what it is given.
 */
import type { NatsConnection } from 'nats';
import type { Visit } from '../jobs/keyed-functions.js';
import { hashOf, type VisitPacker } from './packed-visits.js';

const batchesAhead = 32;
const stepRecords = 2_048;
/** Node's shortest timer. */
const shortMs = 1;
const empty = new Uint8Array(0);

/** What the records are, and what becomes of them. */
export interface HalfWork {
  readonly records: number;
  readonly packer: VisitPacker;
  /** Batches that are not full leave after this time; undefined: they wait until they are full. */
  readonly flushAfterMs?: number;
  /** How many records may be made by now, in all. */
  allowed(): number;
  make(n: number): Visit;
  /** A record was counted: `known` visits of its page by now. */
  counted(visit: Visit, known: number): void;
  /** Both halves have everything. */
  ended(): void;
}

export class Half {
  readonly #nats: NatsConnection;
  readonly #index: number;
  readonly #work: HalfWork;
  readonly #counts = new Map<string, number>();
  #batch: Visit[] = [];
  #next = 0;
  #unread = 0;
  #ends = 0;
  #isScheduled = false;
  #flushTimer: NodeJS.Timeout | undefined;
  #finish: () => void = () => undefined;

  constructor(nats: NatsConnection, index: number, work: HalfWork) {
    this.#nats = nats;
    this.#index = index;
    this.#work = work;
    const count = (visit: Visit): void => this.#count(visit);
    this.#hear('batch', (data) => {
      // Copied, so that it is aligned: what nats.js hands over is a piece of what came from the socket.
      work.packer.unpack(new Uint8Array(data).buffer, count);
      this.#say('read');
    });
    this.#hear('read', () => {
      this.#unread -= 1;
      this.#schedule(0);
    });
    this.#hear('end', () => this.#end());
  }

  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#finish = resolve;
      this.#schedule(0);
    });
  }

  #schedule(afterMs: number): void {
    if (this.#isScheduled || this.#next === this.#work.records || this.#unread >= batchesAhead) return;
    this.#isScheduled = true;
    const step = (): void => {
      this.#isScheduled = false;
      this.#step();
    };
    if (afterMs === 0) setImmediate(step);
    else setTimeout(step, afterMs);
  }

  #step(): void {
    const { records, packer } = this.#work;
    const allowed = this.#work.allowed();
    const stop = Math.min(records, allowed, this.#next + stepRecords);
    while (this.#next < stop && this.#unread < batchesAhead) {
      const visit = this.#work.make(this.#next);
      this.#next += 1;
      if (hashOf(visit.page) % 2 === this.#index) this.#count(visit);
      else if (this.#batch.push(visit) === packer.batchRecords) this.#send();
    }
    if (this.#next < records) {
      this.#flushSoon();
      this.#schedule(this.#next >= allowed ? shortMs : 0);
      return;
    }
    this.#send();
    this.#say('end');
    this.#end();
  }

  #flushSoon(): void {
    const { flushAfterMs } = this.#work;
    if (flushAfterMs === undefined || this.#batch.length === 0 || this.#flushTimer !== undefined) return;
    if (flushAfterMs === 0) this.#send();
    else
      this.#flushTimer = setTimeout(() => {
        this.#flushTimer = undefined;
        this.#send();
      }, flushAfterMs);
  }

  #count(visit: Visit): void {
    const known = (this.#counts.get(visit.page) ?? 0) + visit.visits;
    this.#counts.set(visit.page, known);
    this.#work.counted(visit, known);
  }

  #send(): void {
    if (this.#batch.length === 0) return;
    this.#say('batch', new Uint8Array(this.#work.packer.pack(this.#batch)));
    this.#unread += 1;
    this.#batch = [];
  }

  #end(): void {
    this.#ends += 1;
    if (this.#ends < 2) return;
    clearTimeout(this.#flushTimer);
    this.#work.ended();
    this.#finish();
  }

  #say(what: string, data: Uint8Array = empty): void {
    this.#nats.publish(`half.${1 - this.#index}.${what}`, data);
  }

  #hear(what: string, take: (data: Uint8Array) => void): void {
    this.#nats.subscribe(`half.${this.#index}.${what}`, { callback: (_error, { data }) => take(data) });
  }
}
