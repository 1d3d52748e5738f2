/**
 * Texts of events, cut out of one long random text: a piece costs no more than its place and length, and shares the
 * characters of the whole.
 *
 * TX1  A text depends on the seed and on what it is drawn by, never on the texts made before (the tables here only remember).
 */
import { draw, drawBelow, mix } from './draws.js';

const poolLengthMin = 65_536;
const letterA = 97;
const gapChance = 1 / 13;

export const channelsMax = 10_000;
const namedChannels = ['Google', 'Facebook', 'Baidu', 'Apple'] as const;

export interface TextOptions {
  readonly seedKey: number;
  /** Of the longest text that `letters` is asked for. */
  readonly lengthMax: number;
}

/** Random texts of one seed. */
export class Texts {
  readonly #letters: string;
  readonly #words: string;
  readonly #seedKey: number;
  readonly #names: string[] = [];
  readonly #urls: string[] = [];

  constructor({ seedKey, lengthMax }: TextOptions) {
    this.#seedKey = seedKey;
    const length = Math.max(poolLengthMin, 2 * lengthMax);
    this.#letters = randomText(mix(seedKey + 1), length, '');
    this.#words = randomText(mix(seedKey + 2), length, ' ');
  }

  /** `length` letters a–z, the place chosen by `u` in [0, 1). */
  letters(length: number, u: number): string {
    const pool = this.#letters;
    const at = Math.floor(u * (pool.length - length));
    return pool.substring(at, at + length);
  }

  /** Between 3 and `lengthMax - 1` letters and spaces, trimmed. Takes the draws `k` and `k + 1`. */
  words(key: number, k: number, lengthMax: number): string {
    const length = 3 + drawBelow(key, k, lengthMax - 3);
    const pool = this.#words;
    const at = Math.floor(draw(key, k + 1) * (pool.length - length));
    return pool.substring(at, at + length).trim();
  }

  /** Letters that fill a record up to about `average`, of which `used` are there. Takes the draws `k` and `k + 1`. */
  filler(key: number, k: number, average: number, used: number): string {
    if (used > average) return '';
    const left = average - used;
    const spread = Math.round(left / 5);
    return this.letters(left - spread + drawBelow(key, k, 2 * spread), draw(key, k + 1));
  }

  /** From `channelsMax` on, the channels with a name of their own. */
  channelName(channel: number): string {
    return (this.#names[channel] ??= namedChannels[channel - channelsMax] ?? `channel-${channel}`);
  }

  /** The same for every event of a channel. */
  channelUrl(channel: number): string {
    return (this.#urls[channel] ??= this.#makeUrl(channel));
  }

  #makeUrl(channel: number): string {
    const key = mix(mix(channel + 3) ^ this.#seedKey);
    const path = [0, 1, 2].map((part) => {
      const length = 3 + drawBelow(key, part, 2);
      return randomText(mix(key + part + 1), length, '_');
    });
    const url = `https://www.nexmark.com/${path.join('/')}/item.htm?query=1`;
    const hasId = channel < channelsMax && draw(key, 3) < 0.9;
    return hasId ? `${url}&channel_id=${Math.abs(reverseBits(channel))}` : url;
  }
}

export const namedChannelsCount: number = namedChannels.length;

/** Letters a–z; with a gap, one in thirteen characters is it. */
function randomText(key: number, length: number, gap: '' | ' ' | '_'): string {
  const characters = new Array<string>(length);
  for (let at = 0; at < length; at += 1) {
    const isGap = gap !== '' && draw(key, 2 * at) < gapChance;
    characters[at] = isGap ? gap : String.fromCharCode(letterA + drawBelow(key, 2 * at + 1, 26));
  }
  return characters.join('');
}

/** As a signed 32-bit number. */
function reverseBits(value: number): number {
  let reversed = 0;
  for (let bit = 0; bit < 32; bit += 1) reversed |= ((value >>> bit) & 1) << (31 - bit);
  return reversed;
}
