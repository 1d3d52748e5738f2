/**
 * Prices from 100 to 100,000,000 cents, every factor of ten equally likely: round(100 · 10^(6u)).
 *
 * PR1  Made of multiplications and additions of numbers written here, which come out the same everywhere; `Math.pow` may
 *      differ between engines in its last digit.
 */

const steps = 1_024;
/** 10^(6/1024) and 10^(6/1024²), rounded to the nearest double. */
const coarseRatio = 1.0135831333340657;
const fineRatio = 1.0000131755843844;
const lnPerFineStep = (6 * 2.302585092994046) / (steps * steps);

function powers(first: number, ratio: number): Float64Array {
  const table = new Float64Array(steps);
  for (let n = 0, power = first; n < steps; n += 1, power *= ratio) table[n] = power;
  return table;
}

const coarse = powers(100, coarseRatio);
const fine = powers(1, fineRatio);

/** The price at `u` in [0, 1): two look-ups, and the first terms of the exponential series for what is left. */
export function priceAt(u: number): number {
  const scaled = u * steps;
  const c = Math.floor(scaled);
  const rest = (scaled - c) * steps;
  const f = Math.floor(rest);
  const x = (rest - f) * lnPerFineStep;
  return Math.round((coarse[c] as number) * (fine[f] as number) * (1 + x + (x * x) / 2));
}
