/** A sink that counts, and says when the input ended. */
import type { Emit, Operator, Sink } from 'millrace';
import { mark } from '../harness/forms.js';

export function countingSink<T>(weigh: (value: T) => number): Sink<T> {
  return { name: 'count', data: null, createWriter: () => new CountingWriter(weigh) };
}

class CountingWriter<T> implements Operator<T, never> {
  readonly #weigh: (value: T) => number;
  #sum = 0;

  constructor(weigh: (value: T) => number) {
    this.#weigh = weigh;
  }

  bind(): Emit<T> {
    const weigh = this.#weigh;
    return (value) => {
      this.#sum += weigh(value);
    };
  }

  finish(): void {
    mark('end', this.#sum);
    mark('peak-kib', process.resourceUsage().maxRSS);
  }
}
