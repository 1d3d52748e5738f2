/**
 * Event n as a pure function of the options and n.
 *
 * G1  The same options and n give the same event, on any machine, in any order: nothing is carried from one to the next.
 * G3  Any range of events can be made without those before it.
 * G4  Another seed gives other data, but the same types, ids and times.
 *
 * Of fifty events the first is a person, the next three are auctions, and the others are bids.
 */
import type { Auction, AuctionEvent, Bid, Person } from '../events.js';
import { draw, drawBelow, keyOf, mixWhole } from './draws.js';
import type { GeneratorOptions } from './options.js';
import { priceAt } from './prices.js';
import { channelsMax, namedChannelsCount, Texts } from './texts.js';

const eventsPerCycle = 50;
const auctionsPerCycle = 3;
const firstId = 1_000;
/** Hot ones change every so many. */
const hotEvery = 100;
/** References reach so far ahead of what is there. */
const peopleAhead = 10;
const auctionsAhead = 10;

const givenNames = ['Ada', 'Ben', 'Cleo', 'Dan', 'Eve', 'Finn', 'Gus', 'Hana', 'Ivo', 'Judy', 'Kofi'];
const familyNames = ['Abe', 'Brook', 'Cole', 'Diaz', 'Evans', 'Fox', 'Grant', 'Hill', 'Ito', 'Jones'];
const cities = ['Phoenix', 'Fresno', 'Boise', 'Salem', 'Portland', 'Bend', 'Seattle', 'Spokane', 'Laramie', 'Oakland'];
const states = ['AZ', 'CA', 'ID', 'OR', 'WA', 'WY'];

const pick = (from: readonly string[], key: number, k: number): string => from[drawBelow(key, k, from.length)] as string;

/** Makes the events of one generator. */
export class EventMaker {
  readonly #options: GeneratorOptions;
  readonly #seedKey: number;
  readonly #texts: Texts;
  readonly #eventsInFlight: number;

  constructor(options: GeneratorOptions) {
    const { seed, numInFlightAuctions, avgPersonByteSize, avgAuctionByteSize, avgBidByteSize } = options;
    this.#options = options;
    this.#seedKey = mixWhole(seed);
    // A filler is at most 1.2 times the size it fills up to.
    const lengthMax = 2 * Math.max(avgPersonByteSize, avgAuctionByteSize, avgBidByteSize);
    this.#texts = new Texts({ seedKey: this.#seedKey, lengthMax });
    this.#eventsInFlight = Math.floor((numInFlightAuctions * eventsPerCycle) / auctionsPerCycle);
  }

  /** Event number `n`, from 0. */
  make(n: number): AuctionEvent {
    const cycle = Math.floor(n / eventsPerCycle);
    const place = n - cycle * eventsPerCycle;
    const key = keyOf(this.#seedKey, n);
    if (place > auctionsPerCycle) return this.#bid(n, cycle, key);
    return place === 0 ? this.#person(n, cycle, key) : this.#auction(n, cycle, place, key);
  }

  /** `dateTime` of event number `n`. */
  timeOf(n: number): number {
    return this.#options.baseTime + Math.floor((1_000 * n) / this.#options.rate);
  }

  #person(n: number, newest: number, key: number): Person {
    const texts = this.#texts;
    const name = `${pick(givenNames, key, 0)} ${pick(familyNames, key, 1)}`;
    const emailAddress = `${texts.words(key, 2, 7)}@${texts.words(key, 4, 5)}.com`;
    const creditCard = [6, 7, 8, 9].map((k) => String(drawBelow(key, k, 10_000)).padStart(4, '0')).join(' ');
    const city = pick(cities, key, 10);
    const state = pick(states, key, 11);
    const used = 8 + name.length + emailAddress.length + creditCard.length + city.length + state.length;
    return {
      type: 'person',
      id: firstId + newest,
      name,
      emailAddress,
      creditCard,
      city,
      state,
      dateTime: this.timeOf(n),
      extra: texts.filler(key, 12, this.#options.avgPersonByteSize, used),
    };
  }

  #auction(n: number, newestPerson: number, place: number, key: number): Auction {
    const { hotSellersRatio, avgAuctionByteSize } = this.#options;
    const texts = this.#texts;
    const dateTime = this.timeOf(n);
    const openMs = this.timeOf(n + this.#eventsInFlight) - dateTime;
    const itemName = texts.words(key, 0, 20);
    const description = texts.words(key, 2, 100);
    const initialBid = priceAt(draw(key, 4));
    const isHot = draw(key, 6) < 1 - 1 / hotSellersRatio;
    return {
      type: 'auction',
      id: firstId + auctionsPerCycle * newestPerson + place - 1,
      itemName,
      description,
      initialBid,
      reserve: initialBid + priceAt(draw(key, 5)),
      dateTime,
      expires: dateTime + 1 + drawBelow(key, 9, Math.max(2 * openMs, 1)),
      seller: firstId + (isHot ? Math.floor(newestPerson / hotEvery) * hotEvery : this.#anyone(newestPerson, key, 7)),
      category: 10 + drawBelow(key, 8, 5),
      extra: texts.filler(key, 10, avgAuctionByteSize, 48 + itemName.length + description.length),
    };
  }

  #bid(n: number, newestPerson: number, key: number): Bid {
    const { hotAuctionRatio, hotBiddersRatio, numInFlightAuctions, avgBidByteSize } = this.#options;
    const newest = auctionsPerCycle * newestPerson + auctionsPerCycle - 1;
    const oldest = Math.max(newest - numInFlightAuctions, 0);
    const isHotAuction = draw(key, 0) < 1 - 1 / hotAuctionRatio;
    const isHotBidder = draw(key, 2) < 1 - 1 / hotBiddersRatio;
    const isNamed = draw(key, 5) < 0.5;
    const channel = isNamed ? channelsMax + drawBelow(key, 6, namedChannelsCount) : drawBelow(key, 6, channelsMax);
    return {
      type: 'bid',
      auction:
        firstId +
        (isHotAuction ? Math.floor(newest / hotEvery) * hotEvery : oldest + drawBelow(key, 1, newest - oldest + auctionsAhead + 1)),
      bidder: firstId + (isHotBidder ? Math.floor(newestPerson / hotEvery) * hotEvery + 1 : this.#anyone(newestPerson, key, 3)),
      price: priceAt(draw(key, 4)),
      channel: this.#texts.channelName(channel),
      url: this.#texts.channelUrl(channel),
      dateTime: this.timeOf(n),
      extra: this.#texts.filler(key, 7, avgBidByteSize, 32),
    };
  }

  /** Somebody of late, counted from 0; perhaps one who registers only soon. */
  #anyone(newest: number, key: number, k: number): number {
    const active = Math.min(newest + 1, this.#options.numActivePeople);
    return newest + 1 - active + drawBelow(key, k, active + peopleAhead);
  }
}
