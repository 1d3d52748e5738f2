/** The generator: what an event is made of, in which order events come, and that nothing depends on who makes them. */
import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Source, SourceOutput, SourceReader, Split } from '../../dataflow/contracts.js';
import type { Auction, AuctionEvent, Bid, Person } from '../../examples/nexmark/events.js';
import { eventAt, firstPosition, nextPosition } from '../../examples/nexmark/generator/emission-order.js';
import { EventMaker } from '../../examples/nexmark/generator/event-maker.js';
import { generatorSource } from '../../examples/nexmark/generator/generator-source.js';
import { checkGeneratorOptions, type GeneratorOptions } from '../../examples/nexmark/generator/options.js';
import { priceAt } from '../../examples/nexmark/generator/prices.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { OperatorBench } from '../../testing/operator-bench.js';
import { sourceContract } from '../../testing/contracts/source.js';
import { runContract } from '../support/run-contract.js';

const test = suite('nexmark generator');
const delayMs = 4_000;

function maker(options: Partial<GeneratorOptions> = {}): EventMaker {
  return new EventMaker(checkGeneratorOptions(options, delayMs));
}

function eventsOf(count: number, options: Partial<GeneratorOptions> = {}): readonly AuctionEvent[] {
  const events = maker(options);
  return Array.from({ length: count }, (_, n) => events.make(n));
}

const personsIn = (events: readonly AuctionEvent[]): readonly Person[] => events.filter((event) => event.type === 'person');
const auctionsIn = (events: readonly AuctionEvent[]): readonly Auction[] => events.filter((event) => event.type === 'auction');
const bidsIn = (events: readonly AuctionEvent[]): readonly Bid[] => events.filter((event) => event.type === 'bid');
const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);

test('of fifty events one is a person, three are auctions, the others bids; ids count up from 1000', () => {
  const events = eventsOf(10_000);
  assert.equal(
    events.slice(0, 6).map(({ type }) => type),
    ['person', 'auction', 'auction', 'auction', 'bid', 'bid'],
  );
  assert.is(personsIn(events).length, 200);
  assert.is(auctionsIn(events).length, 600);
  assert.is(bidsIn(events).length, 9_200);
  assert.equal(
    personsIn(events).map(({ id }) => id),
    Array.from({ length: 200 }, (_, index) => 1_000 + index),
  );
  assert.equal(
    auctionsIn(events).map(({ id }) => id),
    Array.from({ length: 600 }, (_, index) => 1_000 + index),
  );
});

test('event n happens n / rate seconds after the base time, rounded down to a millisecond', () => {
  const events = eventsOf(1_000, { rate: 3_000, baseTime: 7 });
  events.forEach(({ dateTime }, n) => assert.is(dateTime, 7 + Number((1_000n * BigInt(n)) / 3_000n)));
});

test('the same options and n give the same event, in any order, without those before it (G1, G3)', () => {
  const events = eventsOf(500, { seed: 3 });
  const other = maker({ seed: 3 });
  for (let n = 499; n >= 0; n -= 7) assert.equal(other.make(n), events[n]);
  assert.equal(maker().make(123_456_789_012), maker().make(123_456_789_012));
});

test('the bytes of the events are these, on every machine', () => {
  assert.is(digest(eventsOf(5_000)), 'e9e1fa1919c59033');
  assert.is(digest(eventsOf(5_000, { seed: 2 ** 40 + 1, rate: 17, avgBidByteSize: 0 })), '1d17489e08d9ba9c');
});

test('another seed gives other data, but the same types, ids and times (G4)', () => {
  const [one, two] = [eventsOf(1_000, { seed: 1 }), eventsOf(1_000, { seed: 2 })];
  const fixed = (event: AuctionEvent): unknown => [event.type, event.type === 'bid' ? null : event.id, event.dateTime];
  assert.equal(one.map(fixed), two.map(fixed));
  one.forEach((event, n) => assert.not.equal(event, two[n]));
  // High bits of a seed count too, and neighbouring seeds are not each other's data some events later.
  assert.not.equal(maker({ seed: 1 }).make(4), maker({ seed: 2 ** 32 + 1 }).make(4));
  const extras = new Set(bidsIn(one).map(({ price, bidder, auction, channel }) => `${price} ${bidder} ${auction} ${channel}`));
  const shared = bidsIn(two).filter(({ price, bidder, auction, channel }) => extras.has(`${price} ${bidder} ${auction} ${channel}`));
  assert.ok(shared.length < 3, `${shared.length} bids of seed 2 are bids of seed 1`);
});

test('prices go from 100 to 100,000,000 cents, every factor of ten as often', () => {
  assert.is(priceAt(0), 100);
  assert.is(priceAt(1 - 2 ** -32), 100_000_000);
  for (let step = 0; step < 10_000; step += 1) {
    const u = step / 10_000;
    assert.is(priceAt(u), Math.round(100 * 10 ** (6 * u)), String(u));
  }
  const decades = new Array<number>(6).fill(0);
  const prices = bidsIn(eventsOf(30_000)).map(({ price }) => price);
  for (const price of prices) decades[Math.min(5, Math.floor(Math.log10(price)) - 2)]! += 1;
  for (const count of decades) assert.ok(Math.abs(count / prices.length - 1 / 6) < 0.02, decades.join(' '));
});

test('references are to somebody of late or to the hot one, as often as the ratios say', () => {
  const events = eventsOf(200_000, { numActivePeople: 50, numInFlightAuctions: 20 });
  let [hotAuctions, hotBidders, hotSellers] = [0, 0, 0];
  let [ahead, behind] = [0, 0];
  events.forEach((event, n) => {
    const newestPerson = Math.floor(n / 50);
    const hotPerson = 1_000 + Math.floor(newestPerson / 100) * 100;
    const within = (id: number, newest: number, back: number, forth: number): void =>
      assert.ok(id >= 1_000 + Math.max(0, newest - back) && id <= 1_000 + newest + forth, `${id} at ${newest}`);
    if (event.type === 'auction') {
      if (event.seller === hotPerson) hotSellers += 1;
      else within(event.seller, newestPerson, 49, 10);
    }
    if (event.type !== 'bid') return;
    const newestAuction = 3 * newestPerson + 2;
    const hotAuction = 1_000 + Math.floor(newestAuction / 100) * 100;
    if (event.auction === hotAuction) hotAuctions += 1;
    else within(event.auction, newestAuction, 20, 10);
    if (event.bidder === hotPerson + 1) hotBidders += 1;
    else within(event.bidder, newestPerson, 49, 10);
    if (event.auction > 1_000 + newestAuction) ahead += 1;
    if (event.auction < 1_000 + newestAuction - 10) behind += 1;
  });
  const near = (share: number, expected: number): void => assert.ok(Math.abs(share - expected) < 0.02, `${share} is not ${expected}`);
  near(hotAuctions / 184_000, 0.5);
  near(hotBidders / 184_000, 0.75);
  near(hotSellers / 12_000, 0.75);
  near(ahead / 184_000, 0.5 * (10 / 31));
  assert.ok(behind > 10_000);
});

test('auctions end, on average, when another hundred have opened; categories, reserves and states are as defined', () => {
  const events = eventsOf(200_000, { rate: 1_000 });
  const auctions = auctionsIn(events);
  const openMs = auctions.map(({ dateTime, expires }) => expires - dateTime);
  assert.ok(openMs.every((ms) => ms >= 1 && ms <= 2 * 1_667));
  const average = openMs.reduce((sum, ms) => sum + ms, 0) / openMs.length;
  assert.ok(Math.abs(average - 1_667) < 30, String(average));
  assert.equal(new Set(auctions.map(({ category }) => category)), new Set([10, 11, 12, 13, 14]));
  assert.ok(auctions.every(({ initialBid, reserve }) => reserve >= initialBid + 100));
  assert.equal(new Set(personsIn(events).map(({ state }) => state)), new Set(['AZ', 'CA', 'ID', 'OR', 'WA', 'WY']));
});

test('texts have the forms of the definition, and fillers bring events up to their size', () => {
  const events = eventsOf(100_000);
  for (const { itemName, description, extra } of auctionsIn(events)) {
    assert.ok(itemName.length <= 19 && itemName === itemName.trim());
    assert.ok(description.length <= 99);
    assert.match(extra, /^[a-z]*$/);
  }
  for (const { emailAddress, creditCard } of personsIn(events)) {
    assert.match(emailAddress, /^[a-z ]{1,6}@[a-z ]{1,4}\.com$/);
    assert.match(creditCard, /^\d{4} \d{4} \d{4} \d{4}$/);
  }
  const lengths = bidsIn(events).map(({ extra }) => extra.length);
  assert.ok(lengths.every((length) => length >= 54 && length < 82));
  assert.ok(Math.abs(lengths.reduce((sum, length) => sum + length, 0) / lengths.length - 67.5) < 0.5);
  const spaces = auctionsIn(events).reduce((sum, { description }) => sum + description.split(' ').length - 1, 0);
  const characters = auctionsIn(events).reduce((sum, { description }) => sum + description.length, 0);
  assert.ok(Math.abs(spaces / characters - 1 / 13) < 0.01);
  assert.ok(bidsIn(eventsOf(1_000, { avgBidByteSize: 31 })).every(({ extra }) => extra === ''));
  assert.ok(bidsIn(eventsOf(1_000, { avgBidByteSize: 200_000 })).every(({ extra }) => extra.length > 150_000));
});

test('half of the bids are of a channel with a name; the url belongs to the channel and the seed', () => {
  const bids = bidsIn(eventsOf(100_000));
  const named = bids.filter(({ channel }) => ['Google', 'Facebook', 'Baidu', 'Apple'].includes(channel));
  assert.ok(Math.abs(named.length / bids.length - 0.5) < 0.01);
  const urls = new Map<string, Set<string>>();
  for (const { channel, url } of bids) urls.set(channel, (urls.get(channel) ?? new Set()).add(url));
  const form = /^https:\/\/www\.nexmark\.com(\/[a-z_]{3,4}){3}\/item\.htm\?query=1(&channel_id=\d+)?$/;
  let withId = 0;
  for (const [channel, ofChannel] of urls) {
    assert.is(ofChannel.size, 1);
    const [url] = [...ofChannel] as [string];
    assert.match(url, form);
    const id = form.exec(url)?.[2];
    const number = /^channel-(\d+)$/.exec(channel)?.[1];
    if (number === undefined) assert.is(id, undefined);
    else if (id !== undefined) {
      withId += 1;
      const bits = Number(number).toString(2).padStart(32, '0');
      assert.is(id, `&channel_id=${Math.abs(parseInt(bits.split('').reverse().join(''), 2) | 0)}`);
    }
  }
  assert.ok(Math.abs(withId / (urls.size - 4) - 0.9) < 0.02);
  const [first] = bids as [Bid];
  const again = bidsIn(eventsOf(100_000, { seed: 5 })).find(({ channel }) => channel === first.channel) as Bid;
  assert.is.not(again.url, first.url);
});

test('events are out of order within groups only, and each comes once', () => {
  for (const size of [1, 2, 10, 954, 1_000]) {
    const order = Array.from({ length: 3 * size }, (_, position) => eventAt(position, size));
    order.forEach((n, position) => assert.is(Math.floor(n / size), Math.floor(position / size)));
    assert.is(new Set(order).size, order.length);
  }
  assert.equal(
    Array.from({ length: 10 }, (_, position) => eventAt(position + 10, 10)),
    [10, 13, 16, 19, 12, 15, 18, 11, 14, 17],
  );
});

test('splits own runs of a thousand positions in turn, and together all', () => {
  const owned = [0, 1, 2].map((split) => {
    const positions: number[] = [];
    for (let position = firstPosition(split); position < 10_000; position = nextPosition(position, 3)) positions.push(position);
    return positions;
  });
  owned.forEach((positions, split) => assert.ok(positions.every((position) => Math.floor(position / 1_000) % 3 === split)));
  assert.equal(
    owned.flat().sort((a, b) => a - b),
    Array.from({ length: 10_000 }, (_, position) => position),
  );
});

test('events that no generator can keep its promises with are refused', () => {
  const refused: readonly [Partial<GeneratorOptions>, RegExp][] = [
    [{ outOfOrderGroupSize: 953 }, /953/],
    [{ outOfOrderGroupSize: 1_906 }, /multiple of 953/],
    [{ outOfOrderGroupSize: 40_000 }, /4000 ms out of order/],
    [{ rate: 0 }, /rate cannot be 0/],
    [{ events: -1 }, /events/],
    [{ hotAuctionRatio: 0 }, /hotAuctionRatio/],
    [{ seed: 1.5 }, /seed/],
    [{ splits: 0 }, /splits/],
    [{ avgBidByteSize: Number.NaN }, /avgBidByteSize/],
  ];
  for (const [options, message] of refused) assert.throws(() => generatorSource(options, delayMs), message);
  generatorSource({ outOfOrderGroupSize: 39_990 }, delayMs);
  generatorSource({ outOfOrderGroupSize: 3_999, rate: 1_000 }, delayMs);
  assert.throws(() => generatorSource({ outOfOrderGroupSize: 4_000, rate: 1_000 }, delayMs), /late/);
  generatorSource({ rate: 1 }, 1);
  assert.throws(() => generatorSource({}, 0), /one instant/);
});

test('the largest groups that are allowed make no event late', () => {
  const options = { outOfOrderGroupSize: 3_999, rate: 1_000 };
  const make = maker(options);
  let latest = -Infinity;
  let lag = 0;
  for (let position = 0; position < 40_000; position += 1) {
    const { dateTime } = make.make(eventAt(position, options.outOfOrderGroupSize));
    latest = Math.max(latest, dateTime);
    lag = Math.max(lag, latest - dateTime);
  }
  assert.ok(lag < delayMs && lag > delayMs / 2, String(lag));
});

const files = new MemoryFileSystem();
const plain: SourceOutput<AuctionEvent> = { emit: () => {}, isAvailable: () => true };

async function opened(
  source: Source<AuctionEvent>,
  clock = new ManualClock(),
): Promise<{ reader: SourceReader<AuctionEvent>; split: Split }> {
  const { context } = new OperatorBench({ clock, files });
  const [split] = await source.enumerate({ files, clock, parallelism: 1, logger: context.logger });
  return { reader: source.createReader(context), split: split as Split };
}

test('with pace an event is emitted no earlier than its place in event time after the start; also after a failure', async () => {
  const clock = new ManualClock();
  const source = generatorSource({ events: 100, rate: 10, pace: true }, delayMs);
  const seen: number[] = [];
  const output = { ...plain, emit: ({ dateTime }: AuctionEvent) => void seen.push(dateTime) };
  const { reader, split } = await opened(source, clock);
  await reader.start(split, undefined);
  const pollAll = (from: SourceReader<AuctionEvent>): void => {
    while (from.poll(output, 10) === 'more');
  };
  pollAll(reader);
  assert.is(seen.length, 1);
  const available = reader.whenAvailable();
  await clock.advance(100);
  await available;
  pollAll(reader);
  assert.is(seen.length, 2);
  await clock.advance(4_800);
  pollAll(reader);
  assert.is(seen.length, 50);
  const position = reader.position();
  await reader.close();
  // A long time later it goes on at the same pace, without a burst.
  await clock.advance(60_000);
  const { reader: second } = await opened(source, clock);
  await second.start(split, position);
  pollAll(second);
  assert.is(seen.length, 51);
  await clock.advance(1_000);
  pollAll(second);
  assert.is(seen.length, 61);
  const stuck = second.whenAvailable();
  await second.close();
  await stuck;
});

test.run();

for (const [name, options] of [
  ['in order', { events: 2_500, splits: 3 }],
  ['in groups, as many splits as readers', { events: 1_100, outOfOrderGroupSize: 77 }],
] as const) {
  runContract(`nexmark generator as a source, ${name}`, sourceContract, () =>
    Promise.resolve({
      fixture: {
        files,
        makeSource: () => generatorSource(options, delayMs),
        expected: () => {
          const make = maker(options);
          const group = 'outOfOrderGroupSize' in options ? options.outOfOrderGroupSize : 1;
          return Array.from({ length: options.events }, (_, position) => make.make(eventAt(position, group)));
        },
        positionsMax: 12,
      },
    }),
  );
}
