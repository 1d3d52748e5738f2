/** Records of all sizes between two slots, each checked where it arrives: a line says whether it is what was sent. */
import { defineJob, fileSink, sequenceSource } from 'millrace';

interface Sized {
  readonly id: number;
  readonly text: string;
}

/** Mostly small; every twentieth takes several segments, every two hundredth a megabyte. */
export function textOf(id: number): string {
  const length = id % 200 === 0 ? 1_000_000 : id % 20 === 0 ? 90_000 : id % 100;
  return String.fromCharCode(97 + (id % 26)).repeat(length);
}

/** What the files must hold, sorted: one line a record. */
export function expectedSizes(records: number): string[] {
  return Array.from({ length: records }, (_, index) => `${index + 1} ${textOf(index + 1).length} right`).sort();
}

export default defineJob('sizes', (env) => {
  const { parameters } = env;
  env.setParallelism(2).enableCheckpointing(100);
  env
    .fromSource(sequenceSource(1, parameters.integer('records')))
    .map((id): Sized => ({ id, text: textOf(id) }))
    .keyBy(({ id }) => id)
    .reduce((_, right) => right)
    .map(({ id, text }) => `${id} ${text.length} ${text === textOf(id) ? 'right' : 'altered'}`)
    .sinkTo(fileSink(parameters.string('output'), { encode: (line) => line }));
});
