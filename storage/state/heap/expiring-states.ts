/**
 * States whose values expire, over states that hold them together with the time of their last use.
 *
 * EX1  What was read and has expired is removed by that, handed out or not: so it is handed out once at most.
 * EX2  Each access first looks for expired values of some other keys ({@link ExpiredValueSweep}).
 * EX3  They own their values: copied when they are put; the states below keep them as they are.
 */
import type { Key } from '../../../core/keys.js';
import type { ListState, MapState, ValueState } from '../contracts.js';
import type { ExpiredValueSweep } from './expired-value-sweep.js';
import type { Stamped, TimeToLive } from './time-to-live.js';

export interface ExpiringOptions {
  readonly ttl: TimeToLive;
  readonly sweep: ExpiredValueSweep;
  /** Makes a value the state's own. */
  readonly own: <T>(value: T) => T;
}

export class ExpiringValueState<T> implements ValueState<T> {
  readonly #held: ValueState<Stamped<T>>;
  readonly #options: ExpiringOptions;

  constructor(held: ValueState<Stamped<T>>, options: ExpiringOptions) {
    this.#held = held;
    this.#options = options;
  }

  value(): T | undefined {
    const { ttl, sweep } = this.#options;
    const now = ttl.now();
    sweep.step(now);
    const stamped = this.#held.value();
    if (stamped === undefined) return undefined;
    if (ttl.isExpired(stamped, now)) {
      this.#held.clear();
      return ttl.isExpiredReturned ? stamped.value : undefined;
    }
    if (ttl.isRenewedByReading) this.#held.update({ value: stamped.value, at: now });
    return stamped.value;
  }

  /** `undefined` clears. */
  update(value: T): void {
    const { ttl, sweep, own } = this.#options;
    const now = ttl.now();
    sweep.step(now);
    if (value === undefined) this.#held.clear();
    else this.#held.update({ value: own(value), at: now });
  }

  clear(): void {
    this.#held.clear();
  }
}

export class ExpiringListState<T> implements ListState<T> {
  readonly #held: ListState<Stamped<T>>;
  readonly #options: ExpiringOptions;

  constructor(held: ListState<Stamped<T>>, options: ExpiringOptions) {
    this.#held = held;
    this.#options = options;
  }

  get(): readonly T[] {
    const { ttl, sweep } = this.#options;
    const now = ttl.now();
    sweep.step(now);
    const all = this.#held.get();
    const live = all.filter((stamped) => !ttl.isExpired(stamped, now));
    if (ttl.isRenewedByReading) this.#held.update(live.map(({ value }) => ({ value, at: now })));
    else if (live.length < all.length) this.#held.update(live);
    return (ttl.isExpiredReturned ? all : live).map(({ value }) => value);
  }

  add(value: T): void {
    this.addAll([value]);
  }

  addAll(values: Iterable<T>): void {
    this.#held.addAll(this.#stamped(values));
  }

  /** An empty list clears. */
  update(values: Iterable<T>): void {
    this.#held.update(this.#stamped(values));
  }

  clear(): void {
    this.#held.clear();
  }

  /** Sweeps, too (EX2). */
  #stamped(values: Iterable<T>): Stamped<T>[] {
    const { ttl, sweep, own } = this.#options;
    const now = ttl.now();
    sweep.step(now);
    return Array.from(values, (value) => ({ value: own(value), at: now }));
  }
}

/** Iterates over the entries there were when it was asked to. */
export class ExpiringMapState<K extends Key, V> implements MapState<K, V> {
  readonly #held: MapState<K, Stamped<V>>;
  readonly #options: ExpiringOptions;

  constructor(held: MapState<K, Stamped<V>>, options: ExpiringOptions) {
    this.#held = held;
    this.#options = options;
  }

  get(key: K): V | undefined {
    const { ttl, sweep } = this.#options;
    const now = ttl.now();
    sweep.step(now);
    return this.#read(key, this.#held.get(key), now);
  }

  /** A value of `undefined` removes. */
  put(key: K, value: V): void {
    const { ttl, sweep, own } = this.#options;
    const now = ttl.now();
    sweep.step(now);
    if (value === undefined) this.#held.remove(key);
    else this.#held.put(key, { value: own(value), at: now });
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  remove(key: K): void {
    this.#held.remove(key);
  }

  entries(): Iterable<readonly [K, V]> {
    const { ttl, sweep } = this.#options;
    const now = ttl.now();
    sweep.step(now);
    const read: [K, V][] = [];
    for (const [key, stamped] of [...this.#held.entries()]) {
      const value = this.#read(key, stamped, now);
      if (value !== undefined) read.push([key, value]);
    }
    return read;
  }

  keys(): Iterable<K> {
    return Array.from(this.entries(), ([key]) => key);
  }

  values(): Iterable<V> {
    return Array.from(this.entries(), ([, value]) => value);
  }

  isEmpty(): boolean {
    const { ttl } = this.#options;
    const now = ttl.now();
    for (const stamped of this.#held.values()) if (ttl.isExpiredReturned || !ttl.isExpired(stamped, now)) return false;
    return true;
  }

  clear(): void {
    this.#held.clear();
  }

  #read(key: K, stamped: Stamped<V> | undefined, now: number): V | undefined {
    const { ttl } = this.#options;
    if (stamped === undefined) return undefined;
    if (ttl.isExpired(stamped, now)) {
      this.#held.remove(key);
      return ttl.isExpiredReturned ? stamped.value : undefined;
    }
    if (ttl.isRenewedByReading) this.#held.put(key, { value: stamped.value, at: now });
    return stamped.value;
  }
}
