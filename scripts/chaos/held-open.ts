/**
 * Holds the last split of a source open until a file exists, so that a job does not end before everything was done to it,
 * however slow the machine. What it reads, and in which order, stays the same.
 */
import { existsSync } from 'node:fs';
import type { OperatorContext, PollStatus, Source, SourceOutput, SourceReader, Split } from 'millrace';

interface HeldSplit {
  readonly data: unknown;
  readonly isLast: boolean;
}

const lookEveryMs = 50;

/** `release`: path of the file that lets the job end. */
export function heldOpen<T>(source: Source<T>, release: string): Source<T> {
  return {
    ...source,
    enumerate: async (context) => {
      const splits = await source.enumerate(context);
      return splits.map(({ id, data }, at) => ({ id, data: { data, isLast: at === splits.length - 1 } satisfies HeldSplit }));
    },
    createReader: (context) => new HeldReader(source.createReader(context), release, context),
  };
}

class HeldReader<T> implements SourceReader<T> {
  readonly #inner: SourceReader<T>;
  readonly #release: string;
  readonly #context: OperatorContext;
  #isLast = false;
  /** Everything was read but the end. */
  #isHeld = false;

  constructor(inner: SourceReader<T>, release: string, context: OperatorContext) {
    this.#inner = inner;
    this.#release = release;
    this.#context = context;
  }

  start({ id, data }: Split, position: unknown): void | Promise<void> {
    const held = data as HeldSplit;
    this.#isLast = held.isLast;
    this.#isHeld = false;
    return this.#inner.start({ id, data: held.data }, position);
  }

  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    if (!this.#isHeld) {
      const status = this.#inner.poll(output, recordsMax);
      if (status !== 'split-finished' || !this.#isLast) return status;
      this.#isHeld = true;
    }
    return existsSync(this.#release) ? 'split-finished' : 'pending';
  }

  whenAvailable(): Promise<void> {
    if (!this.#isHeld) return this.#inner.whenAvailable();
    return new Promise((resolve) => void this.#context.clock.setTimer(lookEveryMs, resolve));
  }

  position(): unknown {
    return this.#inner.position();
  }

  close(): void | Promise<void> {
    return this.#inner.close();
  }
}
