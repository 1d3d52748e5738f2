/**
 * A Nexmark query by hand in two threads: `<query> <events> <warm-up>`. Each makes every second event, keeps those whose key is
 * its own, and posts the others, thousands at once, with the fields that the query needs. A thread takes its own and the other's
 * events in the order of the stream, so each key sees what it would in one loop.
 */
import { isMainThread, MessageChannel, receiveMessageOnPort, Worker, workerData, type MessagePort } from 'node:worker_threads';
import { EventMaker } from '../../examples/nexmark/generator/event-maker.js';
import { generatorDefaults } from '../../examples/nexmark/generator/options.js';
import type { AuctionEvent } from '../../examples/nexmark/events.js';
import { mark } from '../harness/forms.js';
import { delayMs, type MakeHandWritten } from './nexmark/by-hand.js';
import { routes, type Route, type Sent } from './nexmark/exchange.js';
import { joins } from './nexmark/joins.js';
import { tables } from './nexmark/tables.js';
import { windows } from './nexmark/windows.js';

/** Events of the stream that are made, sent and taken together. */
const chunkEvents = 8_192;
/** Chunks that a thread may be ahead of what it has taken. */
const chunksAhead = 8;

interface Half {
  readonly query: string;
  readonly index: 0 | 1;
  readonly events: number;
  readonly warmUp: number;
  readonly port: MessagePort;
  /** How many chunks each thread has sent. */
  readonly sent: Int32Array;
}

/** Events for one thread, and the place of each in the stream. */
interface Chunk {
  readonly places: number[];
  readonly events: Sent['event'][];
}

const ownerOf = (key: number): number => Math.imul(key, 0x9e37_79b1) >>> 31;

function runHalf({ query, index, events, warmUp, port, sent }: Half): void {
  const route = routes[query] as Route;
  const make = { ...joins, ...tables, ...windows }[query as 'q3'] as MakeHandWritten;
  const maker = new EventMaker({ ...generatorDefaults, events });
  let rows = 0;
  const byHand = make(() => (rows += 1), delayMs);
  const chunks = Math.ceil(events / chunkEvents);
  const own: Chunk[] = [];
  const others: Chunk[] = [];
  let made = 0;
  let hasBegun = false;
  const makeChunk = (): void => {
    const kept: Chunk = { places: [], events: [] };
    const away: Chunk = { places: [], events: [] };
    const first = made * chunkEvents;
    const end = Math.min(events, first + chunkEvents);
    if (!hasBegun && first >= warmUp) {
      hasBegun = true;
      mark('begin');
    }
    for (let n = first + index; n < end; n += 2) {
      const going = route(maker.make(n));
      if (going === undefined) continue;
      const chunk = ownerOf(going.key) === index ? kept : away;
      chunk.places.push(n);
      chunk.events.push(going.event);
    }
    own.push(kept);
    port.postMessage(away);
    Atomics.add(sent, index, 1);
    Atomics.notify(sent, index);
    made += 1;
  };
  for (let taken = 0; taken < chunks;) {
    const seen = Atomics.load(sent, 1 - index);
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) others.push(next.message as Chunk);
    if (own.length > 0 && others.length > 0) {
      takeInOrder(own.shift() as Chunk, others.shift() as Chunk, (event) => byHand.take(event));
      taken += 1;
    } else if (made < chunks && made - taken < chunksAhead) makeChunk();
    else Atomics.wait(sent, 1 - index, seen, 10);
  }
  byHand.end();
  mark('end', rows);
  mark('peak-kib', process.resourceUsage().maxRSS);
  port.close();
}

function takeInOrder(one: Chunk, other: Chunk, take: (event: AuctionEvent) => void): void {
  let j = 0;
  for (let i = 0; i < one.places.length; i += 1) {
    const place = one.places[i] as number;
    for (; j < other.places.length && (other.places[j] as number) < place; j += 1) take(other.events[j] as AuctionEvent);
    take(one.events[i] as AuctionEvent);
  }
  for (; j < other.places.length; j += 1) take(other.events[j] as AuctionEvent);
}

if (isMainThread) {
  const [query = '', events = '1000000', warmUp = '0'] = process.argv.slice(2);
  const sent = new Int32Array(new SharedArrayBuffer(8));
  const { port1, port2 } = new MessageChannel();
  for (const [index, port] of [port1, port2].entries()) {
    const half = { query, index: index as 0 | 1, events: Number(events), warmUp: Number(warmUp), port, sent } satisfies Half;
    new Worker(new URL(import.meta.url), { workerData: half, transferList: [port] });
  }
} else runHalf(workerData as Half);
