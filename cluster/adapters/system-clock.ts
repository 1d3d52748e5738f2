/** The clock, randomness and scheduling of the machine. */
import { randomBytes } from 'node:crypto';
import type { Clock, Random, Yield } from '../../core/ports.js';

/** Longest delay setTimeout takes; beyond it, it fires at once. */
const delayMsMax = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, Math.ceil(delayMs)), delayMsMax));
    return { cancel: () => clearTimeout(timer) };
  },
};

export const systemRandom: Random = {
  next: () => Math.random(),
  hex: (bytes) => randomBytes(bytes).toString('hex'),
};

/** setImmediate runs after the I/O and port messages that are waiting, so control is never starved. */
export const systemYield: Yield = {
  schedule: (callback) => void setImmediate(callback),
};
