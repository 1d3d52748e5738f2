/** One reader of a source, as a task drives it, under the real clock. */
import { systemClock } from '../../cluster/adapters/system-clock.js';
import type { MillraceError } from '../../core/errors.js';
import type { FileSystem } from '../../core/ports.js';
import type { Source, SourceReader, Split } from '../../dataflow/contracts.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { OperatorBench } from '../../testing/operator-bench.js';
import { within } from './within.js';

export class SourceReading {
  readonly records: unknown[] = [];
  readonly timestamps: number[] = [];
  readonly bench: OperatorBench;
  /** What reading failed with. */
  failure: MillraceError | undefined;
  isFinished = false;
  readonly #files: FileSystem;
  readonly #source: Source<unknown>;
  readonly #reader: SourceReader<unknown>;

  constructor(source: Source<unknown>, files: FileSystem = new MemoryFileSystem()) {
    this.#source = source;
    this.#files = files;
    this.bench = new OperatorBench({ files, clock: systemClock });
    this.#reader = source.createReader(this.bench.context);
  }

  async splits(parallelism = 1): Promise<readonly Split[]> {
    const { clock, logger } = this.bench.context;
    return this.#source.enumerate({ files: this.#files, clock, parallelism, logger });
  }

  /** Starts a split, by default the first. */
  async start(position?: unknown, split?: Split): Promise<void> {
    const chosen = split ?? (await this.splits())[0];
    if (chosen === undefined) throw new Error('there is no split');
    this.isFinished = false;
    await this.#reader.start(chosen, position);
  }

  /** Reads until there are `count` records, the split ended, or reading failed. */
  async until(count: number, ms = 20_000): Promise<unknown[]> {
    const output = {
      emit: (value: unknown, timestamp: number) => {
        this.records.push(value);
        this.timestamps.push(timestamp);
      },
      isAvailable: () => true,
    };
    const read = async (): Promise<void> => {
      try {
        while (this.records.length < count && !this.isFinished) {
          const status = this.#reader.poll(output, Math.min(64, count - this.records.length));
          this.isFinished = status === 'split-finished';
          if (status === 'pending') await this.#reader.whenAvailable();
        }
      } catch (error) {
        this.failure = error as MillraceError;
      }
    };
    await within(ms, read(), `${count} records`).catch((error: Error) => {
      throw new Error(`${error.message}; there are ${this.records.length}`, { cause: error });
    });
    return this.records;
  }

  position(): unknown {
    return this.#reader.position();
  }

  async close(): Promise<void> {
    await this.#reader.close();
  }
}
