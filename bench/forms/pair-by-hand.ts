/**
 * Half of a keyed count between two processes over nats.js, without an engine: `<url> <index> <kind> <records> <warm-up>`.
 * Makes its records, keeps the keys of its own, and publishes the others to its twin in packed batches of about 16 KiB, at
 * most `batchesAhead` of them unread. A buffer is never used twice: nats.js keeps what it is given.
 */
import { connect, type NatsConnection } from 'nats';
import { mark } from '../harness/forms.js';
import { makers, type Visit, type VisitKind } from '../jobs/keyed-functions.js';
import { hashOf, visitPackers, type VisitPacker } from './packed-visits.js';

const batchesAhead = 8;
const stepRecords = 2_048;
const empty = new Uint8Array(0);

interface HalfOptions {
  readonly nats: NatsConnection;
  readonly index: number;
  readonly records: number;
  readonly warmUp: number;
  readonly make: (n: number) => Visit;
  readonly packer: VisitPacker;
}

class Half {
  readonly #options: HalfOptions;
  readonly #counts = new Map<string, number>();
  readonly #twin: number;
  #batch: Visit[] = [];
  #sum = 0;
  #next = 0;
  #unread = 0;
  #ends = 0;
  #hasBegun = false;
  #finish: () => void = () => undefined;

  constructor(options: HalfOptions) {
    this.#options = options;
    this.#twin = 1 - options.index;
    const count = (visit: Visit): void => this.#count(visit);
    this.#hear('batch', (data) => {
      // Copied, so that it is aligned: what nats.js hands over is a piece of what came from the socket.
      options.packer.unpack(new Uint8Array(data).buffer, count);
      this.#say('read');
    });
    this.#hear('read', () => {
      this.#unread -= 1;
      if (this.#unread === batchesAhead - 1 && this.#next < options.records) setImmediate(() => this.#step());
    });
    this.#hear('end', () => this.#end());
  }

  run(): Promise<void> {
    return new Promise((resolve) => {
      this.#finish = resolve;
      this.#step();
    });
  }

  #step(): void {
    const { records, warmUp, make, index, packer } = this.#options;
    if (!this.#hasBegun && this.#next >= warmUp) {
      this.#hasBegun = true;
      mark('begin');
    }
    const stop = Math.min(records, this.#next + stepRecords);
    while (this.#next < stop && this.#unread < batchesAhead) {
      const visit = make(this.#next);
      this.#next += 1;
      if (hashOf(visit.page) % 2 === index) this.#count(visit);
      else if (this.#batch.push(visit) === packer.batchRecords) this.#send();
    }
    if (this.#next < records) {
      if (this.#unread < batchesAhead) setImmediate(() => this.#step());
      return;
    }
    this.#send();
    this.#say('end');
    this.#end();
  }

  #count(visit: Visit): void {
    const known = (this.#counts.get(visit.page) ?? 0) + visit.visits;
    this.#counts.set(visit.page, known);
    this.#sum += known & 1;
  }

  #send(): void {
    if (this.#batch.length === 0) return;
    this.#say('batch', new Uint8Array(this.#options.packer.pack(this.#batch)));
    this.#unread += 1;
    this.#batch = [];
  }

  #end(): void {
    this.#ends += 1;
    if (this.#ends < 2) return;
    mark('end', this.#sum);
    this.#finish();
  }

  #say(what: string, data: Uint8Array = empty): void {
    this.#options.nats.publish(`half.${this.#twin}.${what}`, data);
  }

  #hear(what: string, take: (data: Uint8Array) => void): void {
    this.#options.nats.subscribe(`half.${this.#options.index}.${what}`, { callback: (_error, { data }) => take(data) });
  }
}

/** Nothing may be published before the other half listens. */
async function meetTwin(nats: NatsConnection, index: number): Promise<void> {
  nats.subscribe(`half.${index}.hello`, { callback: (_error, message) => void message.respond() });
  for (;;) {
    try {
      await nats.request(`half.${1 - index}.hello`, empty, { timeout: 1_000 });
      return;
    } catch {
      // It is not there yet.
      await new Promise((resolve) => void setTimeout(resolve, 20));
    }
  }
}

const [url = '', index = '', kind = '', records = '', warmUp = ''] = process.argv.slice(2);
// What it used can be read only while it is there, so it stays until it is told to go.
const stay = setInterval(() => undefined, 60_000);
const toldToGo = new Promise((resolve) => void process.once('SIGTERM', resolve));
const nats = await connect({ servers: url });
// nats.js closes the connection over an error in a callback, and says so here only.
void nats.closed().then((error) => {
  if (error === undefined) return;
  process.stderr.write(`${String(error.stack)}\n`);
  process.exit(1);
});
const half = new Half({
  nats,
  index: Number(index),
  records: Number(records),
  warmUp: Number(warmUp),
  make: makers[kind as VisitKind],
  packer: visitPackers[kind as VisitKind],
});
await meetTwin(nats, Number(index));
await half.run();
await nats.drain();
await toldToGo;
clearInterval(stay);
