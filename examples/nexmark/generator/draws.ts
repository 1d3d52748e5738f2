/**
 * Random numbers that belong to a place, not to a sequence: the k-th draw of event n is a function of (seed, n, k) alone, so
 * any event can be made without the ones before it.
 *
 * DR1  Nothing but 32-bit integer arithmetic: the same numbers on every machine.
 * DR2  For one seed, no two events among 2^32 neighbours share a key.
 */

const golden = 0x9e3779b9;
const twoTo32 = 2 ** 32;

/** A finaliser: every bit of the input changes about half the bits of the result, one to one. */
export function mix(bits: number): number {
  let x = bits | 0;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return x ^ (x >>> 15);
}

/** All 53 bits of a whole number from 0, mixed into 32. */
export function mixWhole(whole: number): number {
  const high = Math.floor(whole / twoTo32);
  return mix(mix(whole) + Math.imul(high, golden));
}

/** What the draws of one event are made from. */
export function keyOf(seedKey: number, n: number): number {
  return mix(mixWhole(n) ^ seedKey);
}

/** The `k`-th draw of a key: uniform in [0, 1), a multiple of 2^-32. */
export function draw(key: number, k: number): number {
  return (mix(key + Math.imul(k, golden)) >>> 0) / twoTo32;
}

/** The `k`-th draw of a key, as a whole number in [0, bound); 0 when `bound` is 0. */
export function drawBelow(key: number, k: number, bound: number): number {
  return Math.floor(draw(key, k) * bound);
}
