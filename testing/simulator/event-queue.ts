/** What is going to happen, in order of time and, at the same time, of scheduling: a binary heap. */
import type { SimulatedProcess } from './simulation.js';

export interface ScheduledEvent {
  readonly at: number;
  readonly label: string;
  readonly run: () => void;
  readonly process: SimulatedProcess | undefined;
}

interface Entry {
  readonly event: ScheduledEvent;
  readonly order: number;
}

export class EventQueue {
  readonly #heap: Entry[] = [];
  readonly #removed = new Set<ScheduledEvent>();
  #order = 0;

  get isEmpty(): boolean {
    return this.#heap.length === this.#removed.size;
  }

  push(event: ScheduledEvent): ScheduledEvent {
    const heap = this.#heap;
    heap.push({ event, order: this.#order++ });
    for (let at = heap.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!isBefore(heap[at] as Entry, heap[parent] as Entry)) break;
      swap(heap, at, parent);
      at = parent;
    }
    return event;
  }

  /** Takes the next event; undefined when there is none. */
  pop(): ScheduledEvent | undefined {
    for (;;) {
      const event = this.#popAny();
      if (event === undefined || !this.#removed.delete(event)) return event;
    }
  }

  /** The event must still be in the queue. */
  remove(event: ScheduledEvent): void {
    this.#removed.add(event);
  }

  #popAny(): ScheduledEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first?.event;
    heap[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const least = right < heap.length && isBefore(heap[right] as Entry, heap[left] as Entry) ? right : left;
      if (!isBefore(heap[least] as Entry, heap[at] as Entry)) break;
      swap(heap, at, least);
      at = least;
    }
    return first.event;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.event.at < b.event.at || (a.event.at === b.event.at && a.order < b.order);
}

function swap(heap: Entry[], a: number, b: number): void {
  const held = heap[a] as Entry;
  heap[a] = heap[b] as Entry;
  heap[b] = held;
}
