/** A job that copies numbers from streams of a server to files, each once, for ever. */
import { defineJob, fileSink, jetStreamSource, redisStreamSource, textMessages, throttled } from 'millrace';

export default defineJob('copy-streams', (env) => {
  const { parameters } = env;
  const [server, url] = [parameters.string('server'), parameters.string('url')];
  const stream = parameters.string('streams').split(',');
  const format = textMessages();
  const source =
    server === 'nats' ? jetStreamSource({ servers: url, stream, format }) : redisStreamSource({ url, stream, field: 'n', format });
  env.enableCheckpointing('100 ms').setParallelism(2);
  env.setRestartStrategy({ kind: 'fixed-delay', attempts: 20, delay: '100 ms' });
  env
    .fromSource(throttled(source, { recordsPerSecond: 3_000 }))
    .sinkTo(fileSink<string>(parameters.string('output'), { encode: (text) => text }));
});
