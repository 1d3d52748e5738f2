/** Numbers to a stream of JetStream, to a list and to a sum in Redis, each exactly once, through a function that fails now and then. */
import { defineJob, jetStreamSink, redisSink, sequenceSource, throttled } from 'millrace';

export default defineJob('three targets', (env) => {
  const { parameters } = env;
  const records = parameters.integer('records');
  const stream = parameters.string('stream');
  const url = parameters.string('redis');
  const key = parameters.string('key');
  env.setParallelism(2).enableCheckpointing('100 ms').setRestartStrategy({ kind: 'fixed-delay', attempts: 20, delay: '50 ms' });
  const numbers = env
    .fromSource(throttled(sequenceSource(1, records), { recordsPerSecond: 1_500 }))
    .rebalance()
    .process<number>((runtime) => ({
      processElement(number: number, _context, out) {
        if (number === Math.floor(records / 2) && runtime.task.attemptNumber === 0) throw new Error('a bad day');
        out.collect(number);
      },
    }));
  numbers.sinkTo(jetStreamSink<number>({ servers: parameters.string('nats'), stream, subject: `${stream}.numbers` }));
  numbers.sinkTo(redisSink<number>({ url, noteKey: `${key}-notes`, write: { kind: 'list', key } }));
  numbers.sinkTo(
    redisSink<number>({
      url,
      noteKey: `${key}-notes`,
      write: { kind: 'commands', commands: (number) => [['INCRBY', `${key}-sum`, number]] },
    }),
  );
});
