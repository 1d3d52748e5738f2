/** List state of an operator. An array that `get` returned never changes; elements are copied when they are put. */
import { copyValue } from '../heap/value-copier.js';
import type { ListState } from '../contracts.js';

export class OperatorList<T> implements ListState<T> {
  readonly #place: string;
  readonly #isObjectReuse: boolean;
  #items: T[] = [];
  /** The array was handed out: adding copies it first. */
  #isShared = false;

  constructor(place: string, isObjectReuse: boolean) {
    this.#place = place;
    this.#isObjectReuse = isObjectReuse;
  }

  get(): readonly T[] {
    this.#isShared = true;
    return this.#items;
  }

  add(value: T): void {
    const owned = this.#own(value);
    this.#part();
    this.#items.push(owned);
  }

  addAll(values: Iterable<T>): void {
    const owned = Array.from(values, (value) => this.#own(value));
    this.#part();
    for (const value of owned) this.#items.push(value);
  }

  update(values: Iterable<T>): void {
    this.#items = Array.from(values, (value) => this.#own(value));
    this.#isShared = false;
  }

  clear(): void {
    this.update([]);
  }

  #own(value: T): T {
    return this.#isObjectReuse ? value : copyValue(value, this.#place);
  }

  #part(): void {
    if (this.#isShared) this.#items = this.#items.slice();
    this.#isShared = false;
  }
}
