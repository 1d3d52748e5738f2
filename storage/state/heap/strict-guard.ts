/**
 * Strict mode: catches values of state that changed without being put.
 *
 * SG1  What a callback read and changed in place must be put by the end of that callback; checked when the next key is
 *      set and when a snapshot is cut.
 * SG2  What nobody may change (values kept from an earlier callback) is checked when it is serialised.
 * SG3  The error names operator, state and key. Costs an encoding a put and a read: for tests and the simulator.
 */
import { encode } from '../../../bus/codec/cbor.js';
import { MillraceError } from '../../../core/errors.js';
import { stateLimits } from './snapshot-format.js';

interface Stamp {
  readonly bytes: string;
  readonly place: string;
  readonly key: unknown;
}

export class StrictGuard {
  /** By the very object that state holds. */
  private readonly stamps = new WeakMap<object, Stamp>();
  private readonly handedOut = new Set<object>();

  /** State now holds `value`, as it is. */
  put(value: unknown, place: string, key: unknown): void {
    if (isObject(value)) this.stamps.set(value, { bytes: stampOf(value), place, key });
  }

  /** State no longer holds `value`. */
  forget(value: unknown): void {
    if (isObject(value)) this.stamps.delete(value);
  }

  /** A callback gets `value` to read, and may change it until it ends. */
  handOut(value: unknown): void {
    if (isObject(value)) this.handedOut.add(value);
  }

  /** Checks what was handed out (SG1). */
  endCallback(): void {
    if (this.handedOut.size === 0) return;
    const values = [...this.handedOut];
    this.handedOut.clear();
    for (const value of values) this.verify(value);
  }

  /** Throws `STATE_CHANGED_WITHOUT_PUT` unless `value` is as it was put. What is in a callback's hands is checked at its end. */
  verify(value: unknown): void {
    if (!isObject(value) || this.handedOut.has(value)) return;
    const stamp = this.stamps.get(value);
    if (stamp === undefined || stamp.bytes === stampOf(value)) return;
    throw new MillraceError('STATE_CHANGED_WITHOUT_PUT', `A value of key ${describeKey(stamp.key)} changed without being put.`, {
      domain: 'user',
      recovery: 'fail-job',
      where: stamp.place,
      hint: 'Call update, add or put after changing a value read from state, and never change one after its callback returned.',
    });
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function stampOf(value: object): string {
  return Buffer.from(encode(value, stateLimits)).toString('latin1');
}

function describeKey(key: unknown): string {
  return typeof key === 'bigint'
    ? `${key}n`
    : (JSON.stringify(key, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? 'undefined');
}
