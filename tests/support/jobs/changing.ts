/** Running counts, as `tally`, by a function whose state looks different in each release of the job. */
import { defineJob, fileSink, sequenceSource, throttled, type KeyedProcessSetup } from 'millrace';

type Counting = KeyedProcessSetup<number, number, string>;

/** Counts in a number, and keeps the last value. */
const first: Counting = ({ valueState }) => {
  const count = valueState<number>('count');
  const last = valueState<number>('last');
  return {
    processElement(value, context, out) {
      count.update((count.value() ?? 0) + 1);
      last.update(value);
      out.collect(`${context.currentKey()} ${count.value()}`);
    },
  };
};

/** Counts in an object, and no longer keeps the last value but the first. */
const second: Counting = ({ valueState }) => {
  const count = valueState<{ n: number }>('count', { version: 2, migrate: (old) => ({ n: old as number }) });
  const earliest = valueState<number>('earliest');
  return {
    processElement(value, context, out) {
      const n = (count.value()?.n ?? 0) + 1;
      count.update({ n });
      if (earliest.value() === undefined) earliest.update(value);
      out.collect(`${context.currentKey()} ${n}`);
    },
  };
};

/** Forgot to say how to migrate, and makes a list of what was a value. */
const broken: Counting = ({ valueState, listState }) => {
  const count = valueState<{ n: number }>('count', { version: 2 });
  listState<number>('last');
  return { processElement: () => void count.value() };
};

const releases: readonly Counting[] = [first, second, broken];

export default defineJob('changing', (env) => {
  const { parameters } = env;
  env.setParallelism(2).enableCheckpointing(100);
  const source = throttled(sequenceSource(1, parameters.integer('records')), { recordsPerSecond: parameters.integer('rate') });
  env
    .fromSource(source)
    .uid('numbers')
    .keyBy((value) => value % 7)
    .process(releases[parameters.integer('release') - 1] as Counting)
    .name('count')
    .uid('count')
    .sinkTo(fileSink(parameters.string('output'), { encode: (line) => line }))
    .uid('lines');
});
