/** The texts of bus failures, the same for every transport. */
import { BusError, type BusFailure } from './contracts.js';

/** `what` is the subject, or the operation. */
export function busError(failure: Exclude<BusFailure, 'too-large' | 'timeout'>, what: string): BusError {
  const text = {
    'no-responders': `nobody listens on ${what}`,
    closed: `the bus connection is closed (${what})`,
    disconnected: `the bus is disconnected (${what})`,
  };
  return new BusError(failure, text[failure]);
}

export function timeoutError(subject: string, timeoutMs: number): BusError {
  return new BusError('timeout', `no answer on ${subject} within ${timeoutMs} ms`);
}

export function tooLargeError(subject: string, bytes: number, bytesMax: number): BusError {
  return new BusError('too-large', `${bytes} bytes for ${subject}: the bus takes ${bytesMax}`);
}
