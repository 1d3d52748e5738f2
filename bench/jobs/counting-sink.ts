/** Sinks that count, and say when the input ended. */
import type { Emit, Operator, OperatorContext, Sink } from 'millrace';
import { mark } from '../harness/forms.js';

export function countingSink<T>(weigh: (value: T) => number): Sink<T> {
  return { name: 'count', data: null, createWriter: () => new CountingWriter(weigh) };
}

/** The same sink, which is at its end when its last transaction was committed. */
export function countedSink<T>(sink: Sink<T>): Sink<T> {
  return { ...sink, createWriter: () => counted(sink.createWriter()) };
}

function counted<T>(writer: Operator<T, never>): Operator<T, never> {
  const { bind, close } = writer;
  let count = 0;
  writer.bind = (out: Emit<never>, context: OperatorContext) => {
    const write = bind.call(writer, out, context);
    return (value, timestamp, keyHash) => {
      count += 1;
      write(value, timestamp, keyHash);
    };
  };
  writer.close = () => {
    mark('end', count);
    mark('peak-kib', process.resourceUsage().maxRSS);
    return close?.call(writer);
  };
  return writer;
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
