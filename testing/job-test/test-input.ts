/**
 * A source that a test feeds: records, watermarks and the end, whenever the test says so.
 *
 * TI1  What was pushed is kept: a job that is restored reads again what came after its checkpoint, as from any source that
 *      can be replayed.
 */
import { MillraceError } from '../../core/errors.js';
import type { PollStatus, Source, SourceOutput, SourceReader, Split } from '../../dataflow/contracts.js';
import { noTimestamp } from '../../dataflow/contracts.js';

type InputElement<T> =
  | { readonly kind: 'record'; readonly value: T; readonly timestamp: number }
  | { readonly kind: 'watermark'; readonly time: number }
  | { readonly kind: 'idle' }
  | { readonly kind: 'end' };

/** What a test that is under way offers its inputs. */
export interface InputHost {
  /** Lets the job do all it can do now. */
  settle(): Promise<void>;
}

/** A source for one test: `env.fromSource(orders)` in the job, `await orders.push(…)` in the test. */
export class TestInput<T> implements Source<T> {
  readonly name: string;
  readonly boundedness = 'unbounded';
  readonly makesTime = true;
  readonly #elements: InputElement<T>[] = [];
  readonly #readers = new Set<TestReader<T>>();
  #host: InputHost | undefined;

  constructor(name = 'test input') {
    this.name = name;
  }

  /** Hands a record in, and waits until the job did all it can do with it. Without a timestamp it has none. */
  push(value: T, timestamp: number = noTimestamp): Promise<void> {
    return this.#add({ kind: 'record', value, timestamp });
  }

  /** Hands several records in before anything else happens. `timestampOf` gives them their event time. */
  async pushAll(values: Iterable<T>, timestampOf: (value: T) => number = () => noTimestamp): Promise<void> {
    this.#assertOpen();
    for (const value of values) this.#elements.push({ kind: 'record', value, timestamp: timestampOf(value) });
    await this.#settle();
  }

  /** Says that no record with this timestamp or an earlier one will come. */
  watermark(time: number): Promise<void> {
    return this.#add({ kind: 'watermark', time });
  }

  /** Says that nothing is to be expected for now, so that this input holds no other one's time back, up to its next watermark. */
  idle(): Promise<void> {
    return this.#add({ kind: 'idle' });
  }

  get hasEnded(): boolean {
    return this.#elements.at(-1)?.kind === 'end';
  }

  /** Ends the input. */
  end(): Promise<void> {
    return this.#add({ kind: 'end' });
  }

  /** For the test that runs the job. */
  attach(host: InputHost): void {
    this.#host = host;
  }

  /** For the runtime. */
  enumerate(): Promise<readonly Split[]> {
    return Promise.resolve([{ id: this.name, data: null }]);
  }

  /** For the runtime. */
  createReader(): SourceReader<T> {
    const reader: TestReader<T> = new TestReader<T>(this.#elements, () => this.#readers.delete(reader));
    this.#readers.add(reader);
    return reader;
  }

  async #add(element: InputElement<T>): Promise<void> {
    this.#assertOpen();
    this.#elements.push(element);
    await this.#settle();
  }

  #assertOpen(): void {
    if (!this.hasEnded) return;
    throw new MillraceError('TEST_INPUT_ENDED', `"${this.name}" has ended: nothing can come after that.`, { hint: 'Push before end().' });
  }

  async #settle(): Promise<void> {
    for (const reader of this.#readers) reader.onElement();
    await this.#host?.settle();
  }
}

class TestReader<T> implements SourceReader<T> {
  readonly #elements: readonly InputElement<T>[];
  readonly #onClose: () => void;
  #next = 0;
  #wake: () => void = () => undefined;

  constructor(elements: readonly InputElement<T>[], onClose: () => void) {
    this.#elements = elements;
    this.#onClose = onClose;
  }

  start(_split: Split, position: unknown): void {
    this.#next = (position as number | undefined) ?? 0;
  }

  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    for (let left = recordsMax; left > 0; left -= 1) {
      const element = this.#elements[this.#next];
      if (element === undefined) return 'pending';
      if (!output.isAvailable()) return 'more';
      this.#next += 1;
      switch (element.kind) {
        case 'record':
          output.emit(element.value, element.timestamp);
          break;
        case 'watermark':
          output.time?.emitWatermark(element.time);
          break;
        case 'idle':
          output.time?.markIdle();
          break;
        case 'end':
          return 'split-finished';
      }
    }
    return 'more';
  }

  whenAvailable(): Promise<void> {
    if (this.#next < this.#elements.length) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  position(): number {
    return this.#next;
  }

  close(): void {
    this.#onClose();
  }

  onElement(): void {
    this.#wake();
  }
}
