/** Rows of work that several processes share: by wall clock, by processor time of all of them, and the memory of the largest. */
import { median, rowOf, type Row } from './benchmark.js';
import { atLeastOfBaseline } from './targets.js';
import type { SharedPart } from './shared-measurement.js';

export interface ProcessRows {
  /** Before the colon of every row. */
  readonly name: string;
  readonly handName: string;
  readonly jobName: string;
  /** Records of the measured part. */
  readonly records: number;
  /** What is compared with: by hand, or another way to write the job. */
  readonly hand: readonly SharedPart[];
  readonly job: readonly SharedPart[];
  /** What the ratio of the rates should be; absent: nothing is asked. */
  readonly ratioMin?: number;
}

const isWorker = (name: string): boolean => /^(tm|hand)-/.test(name);

function cpuMs({ cpuMs: byProcess }: SharedPart, isWanted: (name: string) => boolean): number {
  return [...byProcess].filter(([name]) => isWanted(name)).reduce((sum, [, ms]) => sum + ms, 0);
}

export function processRows({ name, handName, jobName, records, hand, job, ratioMin }: ProcessRows): readonly Row[] {
  const thousands = records / 1_000;
  const figures: readonly (readonly [suffix: string, unit: string, of: (part: SharedPart) => number])[] = [
    ['', 'M records/s', ({ ms }) => thousands / ms],
    [', per processor second', 'M records/CPU-s', (part) => thousands / cpuMs(part, () => true)],
    [', per processor second without nats-server', 'M records/CPU-s', (part) => thousands / cpuMs(part, (one) => one !== 'nats-server')],
    [', peak memory', 'MiB', ({ peakMiB }) => Math.max(...[...peakMiB].filter(([one]) => isWorker(one)).map(([, mib]) => mib))],
  ];
  return figures.flatMap(([suffix, unit, of]) => {
    const byHand = hand.map(of);
    const panel = `${name}${suffix === '' ? ', records a second' : suffix.replace(', per', ', records a')}`;
    return [
      rowOf({ name: `${name}: ${handName}${suffix}`, unit, samples: byHand, plot: { panel, label: handName } }),
      rowOf({
        name: `${name}: ${jobName}${suffix}`,
        unit,
        samples: job.map(of),
        plot: { panel, label: jobName },
        baseline: { name: handName, value: median(byHand) },
        ...(suffix !== '' || ratioMin === undefined ? {} : { target: atLeastOfBaseline(ratioMin) }),
      }),
    ];
  });
}

/** One measurement, for whoever watches. */
export const rateText = (records: number, { ms, cpuMs: byProcess }: SharedPart): string =>
  `${(records / ms / 1_000).toFixed(2)} M rec/s (CPU ms: ${[...byProcess].map(([name, used]) => `${name} ${used}`).join(', ')})`;

/** One round of two forms. */
export const roundText = (records: number, { hand, job }: { readonly hand: SharedPart; readonly job: SharedPart }): string =>
  `by hand ${rateText(records, hand)}, Millrace ${rateText(records, job)}`;
