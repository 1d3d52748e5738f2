import type { Random } from '../../core/ports.js';

/** Never repeats a hex string; numbers from a small linear congruence, the same for the same seed. */
export function countingRandom(seed = 1): Random {
  let count = 0;
  let state = seed >>> 0;
  return {
    next: () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    },
    hex: (bytes) => {
      count += 1;
      return count.toString(16).padStart(2 * bytes, '0');
    },
  };
}
