/**
 * A sink that a test looks into.
 *
 * TO1  After a restore it holds what was emitted up to the checkpoint, and what comes from then on: each result exactly once
 *      when state and input are right.
 * TO2  `isSlow`: every other record finds the output full, and what is before it has to wait a turn.
 */
import { noTimestamp, type Operator, type OperatorContext, type Sink } from '../../dataflow/contracts.js';

export interface TestOutputOptions {
  /** TO2. Default false. */
  readonly isSlow?: boolean;
}

/** A record that came out. */
export interface EmittedRecord<T> {
  readonly value: T;
  /** Event time in ms; undefined: it has none. */
  readonly timestamp: number | undefined;
}

/** How many records of a writer stand. */
interface WriterCount {
  readonly writer: string;
  readonly count: number;
}

interface Entry<T> extends EmittedRecord<T> {
  readonly writer: string;
}

/** A sink for one test: `stream.sinkTo(sums)` in the job, `sums.take()` in the test. */
export class TestOutput<T> implements Sink<T> {
  readonly name: string;
  readonly data = null;
  readonly #isSlow: boolean;
  #entries: Entry<T>[] = [];
  /** The watermark that came last, by writer. */
  readonly #watermarks = new Map<string, number>();
  #taken = 0;

  constructor(name = 'test output', options: TestOutputOptions = {}) {
    this.name = name;
    this.#isSlow = options.isSlow ?? false;
  }

  /** Everything that stands in the output, oldest first. */
  records(): readonly EmittedRecord<T>[] {
    return this.#entries.map(({ value, timestamp }) => ({ value, timestamp }));
  }

  /** The values of all records. */
  values(): readonly T[] {
    return this.#entries.map(({ value }) => value);
  }

  /** The values that came since the last call. */
  take(): readonly T[] {
    const values = this.values().slice(this.#taken);
    this.#taken = this.#entries.length;
    return values;
  }

  /** The lowest watermark that every subtask of the sink has seen; undefined before the first. */
  watermark(): number | undefined {
    return this.#watermarks.size === 0 ? undefined : Math.min(...this.#watermarks.values());
  }

  /** For the runtime. */
  createWriter(): Operator<T, never> {
    let writer = '';
    let count = 0;
    let former: readonly WriterCount[] = [];
    return {
      bind: (_out, context) => {
        writer = `${context.task.attemptNumber}/${context.task.subtaskIndex}`;
        former = ((context.restored ?? []) as readonly (readonly WriterCount[])[]).flat();
        this.#begin(context.task.attemptNumber, former, context.restoredCheckpointId === undefined);
        this.#watermarks.clear();
        return (value, timestamp) => {
          count += 1;
          this.#entries.push({ value, timestamp: timestamp === noTimestamp ? undefined : timestamp, writer });
          if (this.#isSlow && count % 2 === 0) holdUp(context);
        };
      },
      onWatermark: (watermark) => void this.#watermarks.set(writer, watermark),
      snapshot: (): readonly WriterCount[] => [...former, { writer, count }],
    };
  }

  /** TO1: drops what former writers wrote after the checkpoint. */
  #begin(attempt: number, former: readonly WriterCount[], isFromStart: boolean): void {
    const counts = new Map(former.map(({ writer, count }) => [writer, count]));
    const seen = new Map<string, number>();
    this.#entries = this.#entries.filter(({ writer }) => {
      if (writer.startsWith(`${attempt}/`)) return true;
      const count = (seen.get(writer) ?? 0) + 1;
      seen.set(writer, count);
      const standing = counts.get(writer);
      return standing === undefined ? !isFromStart : count <= standing;
    });
    this.#taken = Math.min(this.#taken, this.#entries.length);
  }
}

/** The next turn of the task finds the output free again. */
function holdUp(context: OperatorContext): void {
  context.park(() => true);
}
