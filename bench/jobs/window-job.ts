/**
 * generator → keyBy(page) → windows of a minute → count. `slide` in ms: 60,000 makes them tumbling. `perSlide`: records of each
 * key in a second of event time.
 */
import { defineJob, SlidingEventTimeWindows, WatermarkStrategy } from 'millrace';
import { countingSink } from './counting-sink.js';
import { generatorSource } from './generator-source.js';

interface TimedHit {
  readonly page: string;
  readonly at: number;
}

const startAt = 1_700_000_000_000;
/** Prime, so that neighbours in the sequence are strangers in the table. */
const stride = 7_919;

export default defineJob('bench-windows', (env) => {
  const { parameters } = env;
  const keys = parameters.integer('keys');
  const perSecond = keys * parameters.integer('perSlide');
  const pages = Array.from({ length: keys }, (_, page) => `/articles/${page}`);
  const make = (n: number): TimedHit => ({
    page: pages[(n * stride) % keys] as string,
    at: startAt + Math.floor((n * 1_000) / perSecond),
  });
  env.setParallelism(1).enableCheckpointing('10 s');
  env
    .fromSource(
      generatorSource({ records: parameters.integer('records'), warmUp: parameters.integer('warmUp'), make }),
      WatermarkStrategy.forMonotonousTimestamps<TimedHit>().withTimestampAssigner(({ at }) => at),
    )
    .keyBy('page')
    .window(SlidingEventTimeWindows.of('1 min', parameters.integer('slide')))
    .aggregate({
      createAccumulator: () => 0,
      add: (_hit, count) => count + 1,
      getResult: (count) => count,
      merge: (left, right) => left + right,
    })
    .sinkTo(countingSink((count) => count));
});
