import { median, rowOf, type Benchmark, type Row } from '../harness/benchmark.js';
import { measuredPart, runForm } from '../harness/forms.js';
import { atMostOfBaseline } from '../harness/targets.js';

const keys = 1_000;
const minuteMs = 60_000;
const secondMs = 1_000;
const windowsOfARecord = minuteMs / secondMs;
/** Records of each key in a second of event time, and how many seconds of it are measured, after a minute of warm-up. */
const densities = [
  { perSlide: 1, seconds: 1_200 },
  { perSlide: 10, seconds: 240 },
  { perSlide: 100, seconds: 60 },
] as const;
const targetDensity = 100;
const costMax = 2;

export const slidingWindows: Benchmark = {
  name: 'sliding-windows',
  measures:
    'processor time a record of counts by key (1,000 keys) in windows of 60 s, sliding by 1 s, against the same windows tumbling: generator → watermarks → keyBy → window → sink in one slot of an embedded cluster, checkpoints every 10 s; by the number of records of a key in a second. Each sliding window gives a result: 60 times as many as the tumbling ones.',
  doesNotMeasure: 'late records, accumulators that are expensive to merge, window functions, evictors, several slots.',
  async run({ isQuick, rounds, say }) {
    const samples = new Map<string, number[]>();
    for (let round = 0; round < rounds(3); round += 1) {
      for (const { perSlide, seconds } of densities) {
        const measured = keys * perSlide * (isQuick ? seconds / 10 : seconds);
        const [tumbling, sliding] = [await costOf(minuteMs, perSlide, measured), await costOf(secondMs, perSlide, measured)];
        if (sliding.value !== windowsOfARecord * tumbling.value) throw new Error(`counted ${sliding.value} and ${tumbling.value}`);
        for (const [name, { nanoseconds }] of [
          ['tumbling', tumbling],
          ['sliding', sliding],
        ] as const) {
          const title = titleOf(name, perSlide);
          samples.set(title, [...(samples.get(title) ?? []), nanoseconds]);
        }
        const ratio = (sliding.nanoseconds / tumbling.nanoseconds).toFixed(2);
        say(
          `round ${round + 1}, ${perSlide} a key and second: ${Math.round(tumbling.nanoseconds)} and ${Math.round(sliding.nanoseconds)} ns, ${ratio} times`,
        );
      }
    }
    return densities.flatMap(({ perSlide }) => rowsOf(samples, perSlide));
  },
};

async function costOf(
  slide: number,
  perSlide: number,
  measured: number,
): Promise<{ readonly nanoseconds: number; readonly value: number }> {
  const warmUp = (keys * perSlide * (minuteMs + 5 * secondMs)) / secondMs;
  const parameters = { keys, perSlide, slide, warmUp, records: warmUp + measured };
  const args = ['window-job', '1', '1', ...Object.entries(parameters).map(([name, value]) => `${name}=${value}`)];
  const form = await runForm({ script: 'bench/forms/run-embedded.js', args });
  // Up to the last record: the windows that end with the input, 60 for each key, would weigh as much as a minute of them.
  const at = (name: string): number => form.marks.find((one) => one.mark === name)?.cpuMs ?? NaN;
  return { nanoseconds: ((at('generated') - at('begin')) * 1e6) / measured, value: measuredPart(form).value };
}

const titleOf = (name: string, perSlide: number): string =>
  `windows of 60 s, ${perSlide} records a key and second: ${name === 'sliding' ? 'sliding by 1 s' : 'tumbling'}`;

function rowsOf(samples: ReadonlyMap<string, readonly number[]>, perSlide: number): readonly Row[] {
  const [tumbling, sliding] = [titleOf('tumbling', perSlide), titleOf('sliding', perSlide)];
  const of = (title: string): readonly number[] => samples.get(title) ?? [];
  const unit = 'ns of processor time a record';
  const panel = `${perSlide} records a key and second`;
  return [
    rowOf({ name: tumbling, unit, samples: of(tumbling), plot: { panel, label: 'tumbling 60 s' } }),
    rowOf({
      name: sliding,
      unit,
      samples: of(sliding),
      plot: { panel, label: 'sliding 60 s by 1 s' },
      baseline: { name: 'tumbling', value: median(of(tumbling)) },
      ...(perSlide >= targetDensity ? { target: atMostOfBaseline(costMax) } : {}),
    }),
  ];
}
