/** Numbers from streams of a server, counted by key, back to the same server: each once, whatever dies meanwhile. */
import { defineJob, jetStreamSink, jetStreamSource, redisSink, redisStreamSource, textMessages, throttled } from 'millrace';

/** What a number becomes: which of its key it is. */
interface Counted {
  readonly number: number;
  readonly place: string;
}

const keys = 7;

/** What the job makes of all numbers below `count`, in any order: each number, and each place of each key, once. */
export function expectedRelay(count: number): { readonly numbers: readonly string[]; readonly places: readonly string[] } {
  const numbers = Array.from({ length: count }, (_, number) => number);
  return {
    numbers: numbers.map(String).sort(),
    places: numbers.map((number) => `${number % keys}#${Math.floor(number / keys) + 1}`).sort(),
  };
}

export default defineJob('relay', (env) => {
  const { parameters } = env;
  const [server, url, target] = [parameters.string('server'), parameters.string('url'), parameters.string('target')];
  const stream = parameters.string('streams').split(',');
  const format = textMessages();
  const source =
    server === 'nats'
      ? jetStreamSource({ servers: url, stream, format, boundedness: 'bounded' })
      : redisStreamSource({ url, stream, field: 'n', format, boundedness: 'bounded' });
  const sink =
    server === 'nats'
      ? jetStreamSink<Counted>({ servers: url, stream: target, subject: `${target}.out` })
      : redisSink<Counted>({ url, noteKey: `${target}-notes`, write: { kind: 'list', key: target } });
  env.enableCheckpointing('100 ms').setParallelism(2);
  env.setRestartStrategy({ kind: 'fixed-delay', attempts: 20, delay: '50 ms' });
  env
    .fromSource(throttled(source, { recordsPerSecond: parameters.integer('rate') }))
    .map(Number)
    .keyBy((number) => number % keys)
    .process<Counted>(({ valueState }) => {
      const count = valueState<number>('count');
      return {
        processElement(number, _context, out) {
          const place = (count.value() ?? 0) + 1;
          count.update(place);
          out.collect({ number, place: `${number % keys}#${place}` });
        },
      };
    })
    .sinkTo(sink);
});
