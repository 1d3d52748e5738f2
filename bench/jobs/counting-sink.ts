/** A sink that counts, and says when the input ended. */
import type { Sink } from 'millrace';
import { mark } from '../harness/forms.js';

export function countingSink<T>(weigh: (value: T) => number): Sink<T> {
  return {
    name: 'count',
    data: null,
    createWriter() {
      let sum = 0;
      return {
        bind: () => (value) => {
          sum += weigh(value);
        },
        finish: () => mark('end', sum),
      };
    },
  };
}
