/**
 * Timers: do something later, for a key.
 *
 *     npm run example 03                      (embedded, without any server)
 *     npx millrace run examples/03-timers.ts   (on a cluster)
 *
 * A sensor sends readings; every sensor's average is printed half a second after its first reading, and again while
 * readings come, and once more at the end. A timer belongs to a key and survives failures with the state.
 *
 * Processing time is the clock on the wall: it makes results depend on when the job runs. Event time is what the records
 * tell; at the end of the input it goes to the end of all times, so a timer set for then is a last word for every key.
 */
import { defineJob, maxWatermark, sequenceSource, throttled, type KeyedProcessFunction, type KeyedRuntimeContext } from 'millrace';

interface Reading {
  readonly sensor: string;
  readonly degrees: number;
}

const everyMs = 500;

function averages(runtime: KeyedRuntimeContext): KeyedProcessFunction<string, Reading, string> {
  const sum = runtime.valueState<{ readonly degrees: number; readonly readings: number }>('sum');
  const isWaiting = runtime.valueState<boolean>('is waiting');
  return {
    processElement(reading, { time }) {
      const { degrees, readings } = sum.value() ?? { degrees: 0, readings: 0 };
      sum.update({ degrees: degrees + reading.degrees, readings: readings + 1 });
      if (isWaiting.value() === true) return;
      isWaiting.update(true);
      time.registerProcessingTimeTimer(time.currentProcessingTime() + everyMs);
      time.registerEventTimeTimer(maxWatermark);
    },
    onTimer(_at, context, out) {
      isWaiting.clear();
      const { degrees, readings } = sum.value() ?? { degrees: 0, readings: 0 };
      const when = context.domain === 'event' ? 'in all' : 'so far';
      out.collect(`sensor ${context.currentKey()}: ${(degrees / readings).toFixed(2)} °C over ${readings} readings ${when}`);
    },
  };
}

export default defineJob('timers', (env) => {
  const readings = env.parameters.integer('readings', 4_000);
  env
    .fromSource(throttled(sequenceSource(1, readings), { recordsPerSecond: env.parameters.integer('rate', 2_000) }))
    .map((n): Reading => ({ sensor: 'abc'.charAt(n % 3), degrees: 20 + 5 * Math.sin(n / 500) }))
    .keyBy((reading) => reading.sensor)
    .process(averages)
    .print();
});
