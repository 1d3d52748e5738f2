import type { Benchmark, Row } from '../harness/benchmark.js';
import { median, rowOf } from '../harness/benchmark.js';
import { measuredPart, runForm } from '../harness/forms.js';
import { atLeastOfBaseline } from '../harness/targets.js';

const directions = ['encode', 'decode'] as const;

/** Times the rows' rate; undefined where the issue asks for nothing. */
const ratiosMin: Readonly<Record<string, Readonly<Record<(typeof directions)[number], number>> | undefined>> = {
  bid: { encode: 6, decode: 2.5 },
  word: { encode: 5, decode: 2.5 },
  nested: undefined,
};

export const codec: Benchmark = {
  name: 'codec',
  measures:
    'records a processor second into frames of 16 KiB and out of them again, by columns, against the same records as rows of cbor-x (an item each, encoded when it comes and copied into the frame), and against whole arrays of them with cbor-x’ extension for records, which only cbor-x reads: bids of seven fields, {word, count}, and nested records with dates and lists. Garbage collection is counted.',
  doesNotMeasure: 'the copy a bus makes of a frame, credit, and what an operator does with a record.',
  async run({ isQuick, rounds, say }) {
    const records = isQuick ? 1_000_000 : 4_000_000;
    const rows: Row[] = [];
    for (const [kind, targets] of Object.entries(ratiosMin)) {
      for (const direction of directions) {
        const samples: { readonly columns: number[]; readonly rows: number[]; readonly arrays: number[] } = {
          columns: [],
          rows: [],
          arrays: [],
        };
        for (let round = 0; round < rounds(5); round += 1) {
          for (const form of ['rows', 'arrays', 'columns'] as const) {
            const count = form === 'columns' ? records : records / 4;
            const run = await runForm({ script: 'bench/forms/codec-by-form.js', args: [form, direction, kind, String(count)] });
            const { value, cpuMs } = measuredPart(run);
            samples[form].push(value / cpuMs / 1_000);
          }
        }
        const baseline = { name: 'rows of cbor-x', value: median(samples.rows) };
        const least = targets?.[direction];
        const plot = { panel: `${direction} ${kind}`, label: 'columns' };
        const row = rowOf({
          name: `codec: ${direction} ${kind}`,
          unit: 'M records/CPU s',
          samples: samples.columns,
          baseline,
          ...(least === undefined ? {} : { target: atLeastOfBaseline(least) }),
          plot,
        });
        say(`${kind}, ${direction}: columns ${row.value.toFixed(1)}, rows ${baseline.value.toFixed(1)} M rec/s`);
        rows.push(row);
        rows.push(
          rowOf({
            name: `codec: ${direction} ${kind}, against whole arrays`,
            unit: row.unit,
            samples: samples.columns,
            baseline: { name: 'arrays of cbor-x with its extension for records', value: median(samples.arrays) },
            plot,
          }),
        );
      }
    }
    return rows;
  },
};
