/** Chains like that of chain-job.ts, with functions and records of their own: `--variant 0` to `9`. */
import { defineJob } from 'millrace';
import { countingSink } from './counting-sink.js';
import { generatorSource } from './generator-source.js';

interface Other {
  readonly make: (n: number) => object;
  readonly first: (value: never) => object;
  readonly isWanted: (value: never) => boolean;
  readonly second: (value: never) => object;
  readonly weigh: (value: never) => number;
}

/** Ten shapes of records: a field more each, and functions that only know their own. */
const others: readonly Other[] = Array.from({ length: 10 }, (_, variant): Other => {
  const field = `field${variant}`;
  // oxlint-disable-next-line typescript/no-implied-eval -- constant texts: each variant needs code of its own
  const body = (text: string): never => new Function('value', `return ${text};`) as never;
  const extra = Array.from({ length: variant }, (__, at) => `e${at}: value.e${at}`).join(', ');
  const copy = (changed: string): never => body(`({ ${field}: ${changed}, label: value.label${extra === '' ? '' : `, ${extra}`} })`);
  const made = Array.from({ length: variant }, (__, at) => `e${at}: value + ${at}`).join(', ');
  return {
    make: body(`({ ${field}: value % ${997 + variant}, label: 'v${variant}'${made === '' ? '' : `, ${made}`} })`),
    first: copy(`value.${field} * ${variant + 2}`),
    isWanted: body(`value.${field} % ${variant + 3} !== 0`),
    second: copy(`value.${field} - ${variant}`),
    weigh: body(`value.${field} & 1`),
  };
});

export default defineJob('bench-other-chain', (env) => {
  const { make, first, isWanted, second, weigh } = others[env.parameters.integer('variant', 0)] as Other;
  const records = env.parameters.integer('records', 1_000_000);
  env.setParallelism(1).enableCheckpointing('500 ms');
  env
    .fromSource(generatorSource({ records, warmUp: records, make }))
    .map((value) => first(value as never))
    .filter((value) => isWanted(value as never))
    .map((value) => second(value as never))
    .sinkTo(countingSink((value) => weigh(value as never)));
});
