/**
 * Restart: a function fails, the job goes on from its latest checkpoint, and the result is as if nothing had happened.
 *
 *     npm run example 06                      (embedded, without any server)
 *     npx millrace run examples/06-restart.ts   (on a cluster)
 *
 * The numbers 1 to 5,000 are added up. The first attempt throws in the middle; the job waits (`fixed-delay`) and starts
 * again, sources at the position of the checkpoint, the sum at its value then. No number is added twice: the last line
 * says 12,502,500.
 */
import { defineJob, maxWatermark, sequenceSource, throttled, type KeyedProcessFunction, type KeyedRuntimeContext } from 'millrace';

const failsAt = 3_000;

function addUp(runtime: KeyedRuntimeContext): KeyedProcessFunction<string, number, string> {
  const { attemptNumber } = runtime.task;
  const sum = runtime.valueState<number>('sum');
  return {
    processElement(number, { time }) {
      if (number === failsAt && attemptNumber === 0) throw new Error(`a bad day: ${number} on the first attempt`);
      sum.update((sum.value() ?? 0) + number);
      time.registerEventTimeTimer(maxWatermark);
    },
    onTimer: (_at, _context, out) => out.collect(`attempt ${attemptNumber} ends with the sum ${sum.value()?.toLocaleString('en')}`),
  };
}

export default defineJob('restart', (env) => {
  env.enableCheckpointing('200 ms').setRestartStrategy({ kind: 'fixed-delay', attempts: 3, delay: '100 ms' });

  env
    .fromSource(throttled(sequenceSource(1, 5_000), { recordsPerSecond: 2_500 }))
    .keyBy(() => 'all')
    .process(addUp)
    .print()
    .setParallelism(1);
});
