/**
 * The job that chaos runs: two keyed stages with state and timers between a throttled file and exactly-once files.
 *
 * A line for every record (was it delivered once?), a line for every state of every count (was it counted once?), and
 * the last word of every key and group when the input ends. The lines as a multiset do not depend on the order in which
 * parallel readers deliver, so they can be compared with a computation that knows nothing of Millrace.
 */
import { defineJob, fileSink, maxWatermark, ndjsonSource, throttled, type KeyedProcessFunction, type KeyedRuntimeContext } from 'millrace';
import { heldOpen } from './held-open.js';
import { groupOf, type Reading } from './readings.js';

interface Line {
  readonly group: string;
  readonly text: string;
}

function tally(runtime: KeyedRuntimeContext): KeyedProcessFunction<string, Reading, Line> {
  const count = runtime.valueState<number>('count');
  const sum = runtime.valueState<number>('sum');
  return {
    processElement({ key, id, amount }, { time }, out) {
      const group = groupOf(key);
      const seen = (count.value() ?? 0) + 1;
      if (seen === 1) time.registerEventTimeTimer(maxWatermark);
      count.update(seen);
      sum.update((sum.value() ?? 0) + amount);
      out.collect({ group, text: `record ${id} of ${key}` });
      out.collect({ group, text: `${key} has ${seen}` });
    },
    onTimer(_at, context, out) {
      const key = context.currentKey();
      out.collect({ group: groupOf(key), text: `${key} ends with ${count.value()} records of ${sum.value()}` });
    },
  };
}

function countLines(runtime: KeyedRuntimeContext): KeyedProcessFunction<string, Line, string> {
  const lines = runtime.valueState<number>('lines');
  return {
    processElement({ text }, { time }, out) {
      if (lines.value() === undefined) time.registerEventTimeTimer(maxWatermark);
      lines.update((lines.value() ?? 0) + 1);
      out.collect(text);
    },
    onTimer: (_at, context, out) => out.collect(`group ${context.currentKey()} ends with ${lines.value()} lines`),
  };
}

export default defineJob('chaos', (env) => {
  const { parameters } = env;
  const readings = ndjsonSource<Reading>(parameters.string('input'), { splitBytes: 64 * 1_024 });
  env
    .setParallelism(parameters.integer('parallelism', 2))
    .enableCheckpointing(parameters.integer('interval', 300))
    .setRestartStrategy({ kind: 'exponential-delay' });
  env
    .fromSource(throttled(heldOpen(readings, parameters.string('release')), { recordsPerSecond: parameters.integer('rate', 1_000) }))
    .keyBy(({ key }) => key)
    .process(tally)
    .keyBy(({ group }) => group)
    .process(countLines)
    .sinkTo(fileSink(parameters.string('output'), { encode: (line) => line }));
});
