/**
 * Inputs to verify queries with: parameters for a job, and the same events as arrays for the naive computation.
 *
 * IN1  Files hold what the generator never makes: late events, many of them just late or just not; equal prices, equal bids,
 *      and times on the bounds of windows and sessions; texts that only code points tell apart; channels and URLs of all forms.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Parameters, repeated } from '../../api/parameters.js';
import type { AuctionEvent, Bid } from '../../examples/nexmark/events.js';
import { eventAt } from '../../examples/nexmark/generator/emission-order.js';
import { EventMaker } from '../../examples/nexmark/generator/event-maker.js';
import { checkGeneratorOptions } from '../../examples/nexmark/generator/options.js';
import { SeededRandom } from '../../testing/simulator/seeded-random.js';

export type Origin = 'generator' | 'files';
export type Order = 'ordered' | 'disordered';

export interface InputOptions {
  readonly origin: Origin;
  readonly order: Order;
  readonly events: number;
  /** Events per second of event time. */
  readonly rate: number;
  readonly seed: number;
  /** Where input files will be. */
  readonly directory: string;
}

export interface VerifyInput {
  readonly name: string;
  /** Of the job. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly splits: readonly (readonly AuctionEvent[])[];
  readonly watermarkDelayMs: number;
}

const watermarkDelayMs = 4_000;
const fileCount = 3;
const linesPerRun = 100;

/** The files that the parameters of an input name; none when its events come from the generator. */
export function filesOf({ parameters, splits }: VerifyInput): readonly { readonly path: string; readonly text: string }[] {
  const paths = new Parameters(parameters).paths('input');
  return paths.map((path, file) => ({ path, text: (splits[file] ?? []).map((event) => `${JSON.stringify(event)}\n`).join('') }));
}

export function writeFiles(input: VerifyInput): VerifyInput {
  for (const { path, text } of filesOf(input)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  return input;
}

export function makeInput(options: InputOptions): VerifyInput {
  const name = `${options.order}, from ${options.origin === 'files' ? 'files' : 'the generator'}`;
  return { name, watermarkDelayMs, ...(options.origin === 'files' ? fromFiles(options) : fromGenerator(options)) };
}

type Made = Pick<VerifyInput, 'parameters' | 'splits'>;

function fromGenerator({ order, events, rate, seed }: InputOptions): Made {
  // As far out of order as the watermark allows.
  const group = order === 'ordered' ? 1 : Math.floor((rate * (watermarkDelayMs - 1)) / 1_000);
  const options = checkGeneratorOptions({ events, rate, seed, outOfOrderGroupSize: group, ...livelyReferences }, watermarkDelayMs);
  const maker = new EventMaker(options);
  return {
    parameters: {
      'watermark-delay': `${watermarkDelayMs} ms`,
      'num-active-people': String(livelyReferences.numActivePeople),
      events: String(events),
      rate: String(rate),
      seed: String(seed),
      'out-of-order-group-size': String(group),
    },
    splits: [Array.from({ length: events }, (_, position) => maker.make(eventAt(position, group)))],
  };
}

/** So few people that some come back after a session. */
const livelyReferences = { numActivePeople: 200 } as const;

function fromFiles({ order, events, rate, seed, directory }: InputOptions): Made {
  const random = new SeededRandom(seed);
  const maker = new EventMaker(checkGeneratorOptions({ events, rate, seed, ...livelyReferences }, watermarkDelayMs));
  const inOrder = Array.from({ length: events }, (_, n) => roughened(maker.make(n), random));
  const twice = inOrder.flatMap((event) => (event.type === 'bid' && random.chance(0.02) ? [event, event] : [event]));
  const splits = Array.from({ length: fileCount }, (_, file) =>
    twice.filter((_event, n) => Math.floor(n / linesPerRun) % fileCount === file),
  ).map((split) => (order === 'ordered' ? split : disordered(split, random)));
  const paths = splits.map((_split, file) => join(directory, `${order}-${file}.ndjson`));
  return { parameters: { input: repeated(paths), 'watermark-delay': String(watermarkDelayMs) }, splits };
}

/** Some events come later than they happened: most within the delay, some exactly at its bound, some past it. */
function disordered(events: readonly AuctionEvent[], random: SeededRandom): readonly AuctionEvent[] {
  const delayOf = (): number => {
    const kind = random.next();
    if (kind < 0.6) return 0;
    if (kind < 0.9) return random.between(0, watermarkDelayMs - 1);
    return kind < 0.95 ? watermarkDelayMs + random.between(-1, 1) * 250 : random.between(watermarkDelayMs, 4 * watermarkDelayMs);
  };
  return events
    .map((event) => ({ event, at: event.dateTime + delayOf() }))
    .sort((a, b) => a.at - b.at)
    .map(({ event }) => event);
}

const texts = ['', 'a', 'b', 'c\u2028c', 'ccc', '\u{1f33e}', '\uff5e', '\ue000', '"\\/\u0085'] as const;
const channels = ['apple', 'GOOGLE', 'FaceBook', 'baidu', 'Baidu ', '\u212aite', 'channel-7', ''] as const;
const urls = [
  'https://x.org',
  'https://x.org/a//c?q=1',
  'channel_id=7',
  'channel_id=',
  'https://x.org/a/b/c/d?channel_id=8',
  'x?q=1&my_channel_id=9&channel_id=10&channel_id=11',
  '',
] as const;

/** A quarter of a second is the finest that times differ by; one event in three gets values that many share. */
function roughened(event: AuctionEvent, random: SeededRandom): AuctionEvent {
  const dateTime = event.dateTime - (event.dateTime % 250);
  const pick = <T>(from: readonly T[]): T => from[random.between(0, from.length - 1)] as T;
  const isRough = random.chance(1 / 3);
  switch (event.type) {
    case 'person':
      return isRough ? { ...event, dateTime, name: pick(texts), city: pick(texts) } : { ...event, dateTime };
    case 'auction':
      return { ...event, dateTime, expires: Math.max(dateTime + 1, event.expires - (event.expires % 250)) };
    case 'bid': {
      if (!isRough) return { ...event, dateTime };
      const rough: Partial<Bid> = { price: pick([100, 9_999, 10_000, 999_999, 1_000_000, 1_101_321, 1_101_322, 55_066_079, 55_066_080]) };
      return { ...event, dateTime, ...rough, extra: pick(texts), channel: pick(channels), url: pick(urls) };
    }
  }
}
