/**
 * A Nexmark query over generated events: `query`, `events`, `warmUp`, `parallelism`. Its rows are counted, and written down
 * where there is an `output`.
 */
import { defineJob, type PollStatus, type Source, type SourceOutput, type SourceReader, type Split } from 'millrace';
import { queryJob } from '../../scripts/nexmark/query-jobs.js';
import { mark } from '../harness/forms.js';
import { countedSink, countingSink } from './counting-sink.js';

export default defineJob('bench-nexmark', (env) => {
  const { parameters } = env;
  const parallelism = parameters.integer('parallelism', 1);
  const warmUpOfReader = parameters.integer('warmUp', 0) / parallelism;
  env.setParallelism(parallelism).enableCheckpointing('10 s');
  const query = queryJob(parameters.string('query'));
  const rows = query.rowsOf(env, (source) => withBegin(source, warmUpOfReader));
  rows.sinkTo(parameters.has('output') ? countedSink(query.sinkTo(parameters.path('output'))) : countingSink(() => 1));
});

/** Marks where the measured part begins, when each reader has emitted so many records. */
function withBegin<T>(source: Source<T>, warmUp: number): Source<T> {
  return {
    ...source,
    enumerate: (context) => source.enumerate(context),
    createReader: (context) => new MarkingReader(source.createReader(context), warmUp),
  };
}

class MarkingReader<T> implements SourceReader<T> {
  readonly #inner: SourceReader<T>;
  #left: number;
  #hasBegun = false;

  constructor(inner: SourceReader<T>, warmUp: number) {
    this.#inner = inner;
    this.#left = warmUp;
  }

  start(split: Split, position: unknown): void | Promise<void> {
    return this.#inner.start(split, position);
  }

  /** Counts what was asked for, which is what is emitted but where output was full. */
  poll(output: SourceOutput<T>, recordsMax: number): PollStatus {
    if (!this.#hasBegun && this.#left <= 0) {
      this.#hasBegun = true;
      mark('begin');
    }
    this.#left -= recordsMax;
    return this.#inner.poll(output, recordsMax);
  }

  whenAvailable(): Promise<void> {
    return this.#inner.whenAvailable();
  }

  position(): unknown {
    return this.#inner.position();
  }

  close(): void | Promise<void> {
    return this.#inner.close();
  }
}
