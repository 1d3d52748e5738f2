/** Map state that every subtask has a copy of. Keys are compared by content; values are copied when they are put. */
import { canonicalKey, type CanonicalKey, type Key } from '../../../core/keys.js';
import type { MapState } from '../contracts.js';
import { copyValue } from '../heap/value-copier.js';

export class BroadcastMap<K extends Key, V> implements MapState<K, V> {
  readonly #place: string;
  readonly #isObjectReuse: boolean;
  readonly #entries = new Map<CanonicalKey, readonly [K, V]>();

  constructor(place: string, isObjectReuse: boolean) {
    this.#place = place;
    this.#isObjectReuse = isObjectReuse;
  }

  get(key: K): V | undefined {
    return this.#entries.get(canonicalKey(key))?.[1];
  }

  /** A value of `undefined` removes. */
  put(key: K, value: V): void {
    if (value === undefined) this.remove(key);
    else this.#entries.set(canonicalKey(key), [copyValue(key, this.#place), this.#isObjectReuse ? value : copyValue(value, this.#place)]);
  }

  has(key: K): boolean {
    return this.#entries.has(canonicalKey(key));
  }

  remove(key: K): void {
    this.#entries.delete(canonicalKey(key));
  }

  entries(): Iterable<readonly [K, V]> {
    return this.#entries.values();
  }

  *keys(): Iterable<K> {
    for (const [key] of this.#entries.values()) yield key;
  }

  *values(): Iterable<V> {
    for (const [, value] of this.#entries.values()) yield value;
  }

  isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  clear(): void {
    this.#entries.clear();
  }
}
