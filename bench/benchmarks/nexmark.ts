/** The Nexmark queries, each against the same query written by hand over the events of the same generator. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, rowOf, type Benchmark, type BenchmarkContext, type Row } from '../harness/benchmark.js';
import { routes } from '../forms/nexmark/exchange.js';
import { measuredPart, runForm, type FormRun } from '../harness/forms.js';
import { atLeast, atLeastOfBaseline } from '../harness/targets.js';

/** Of a query, thousand events a second and core that Flink was published with, on other hardware: orientation, and a floor. */
const publishedPerCore: Readonly<Record<string, number>> = {
  q0: 378,
  q1: 396,
  q2: 414,
  q3: 219,
  q4: 28,
  q5: 75,
  q7: 23,
  q8: 162,
  q11: 46,
  q12: 194,
};

const groups: Readonly<Record<string, readonly string[]>> = {
  bids: ['q0', 'q1', 'q2', 'q13', 'q14', 'q21', 'q22'],
  joins: ['q3', 'q4', 'q6', 'q9', 'q20'],
  windows: ['q5', 'q7', 'q8', 'q11', 'q12'],
  tables: ['q15', 'q16', 'q17', 'q18', 'q19'],
  files: ['q10'],
};

/** A benchmark for each kind of query, so that one takes minutes. */
export const nexmark: readonly Benchmark[] = Object.entries(groups).map(([kind, queries]) => ({
  name: `nexmark-${kind}`,
  measures: `events a second, events a second of processor time, and peak memory of the Nexmark queries ${queries.join(', ')} over generated events in order, embedded, with a checkpoint every 10 s: in one slot, and in two; against the same query written by hand in one loop over the events of the same generator, which also runs twice at once: what two cores give when nothing is exchanged; and, of queries that exchange once, in two threads that send each other the events of the other's keys, thousands at once.`,
  doesNotMeasure: `${kind === 'files' ? '' : 'files: rows are counted and dropped; '}disorder; the network; state larger than 4,000,000 events leave behind.`,
  run: (context) => compare(queries, context),
}));

interface Samples {
  readonly perSecond: number[];
  readonly perCpuSecond: number[];
  readonly peakMib: number[];
}

type Form = 'by hand' | 'by hand, twice at once' | 'by hand, in two threads' | 'one slot' | 'two slots';

/** Its windows go by the clock: how many rows there are depends on when it runs. */
const isByClock = (query: string): boolean => query === 'q12';

/** Of q10, whose rows are files: they would fill disks. */
const eventsIntoFiles = 1_000_000;

async function compare(queries: readonly string[], { isQuick, rounds, say }: BenchmarkContext): Promise<readonly Row[]> {
  // Compilers take their time: after 300,000 events two slots still ran at half their speed.
  const eventsOfAll = isQuick ? 300_000 : 4_000_000;
  const rows: Row[] = [];
  for (const query of queries) {
    const writesFiles = query === 'q10';
    const events = writesFiles ? Math.min(eventsOfAll, eventsIntoFiles) : eventsOfAll;
    const warmUp = events / 4;
    const samples = new Map<Form, Samples>();
    const byHand = (): Promise<FormRun> =>
      withFolder(writesFiles, (folder) =>
        runForm({ script: 'bench/forms/nexmark-by-hand.js', args: [query, String(events), String(warmUp), folder] }),
      );
    const embedded = (slots: 1 | 2): Promise<FormRun> =>
      withFolder(writesFiles, (folder) => {
        const output: Readonly<Record<string, string>> = writesFiles ? { output: folder } : {};
        const parameters = jobParameters({ query, events, warmUp, parallelism: slots, ...output });
        return runForm({ script: 'bench/forms/run-embedded.js', args: ['nexmark-job', '1', String(slots), ...parameters] });
      });
    for (let round = 0; round < rounds(3); round += 1) {
      const counted = [
        note(samples, 'by hand', events - warmUp, await byHand()),
        ...noteTwice(samples, events - warmUp, await Promise.all([byHand(), byHand()])),
        note(samples, 'one slot', events - warmUp, await embedded(1)),
        note(samples, 'two slots', events - warmUp, await embedded(2)),
      ];
      if (routes[query] !== undefined) {
        const script = 'bench/forms/nexmark-by-hand-in-two.js';
        counted.push(
          note(
            samples,
            'by hand, in two threads',
            events - warmUp,
            await runForm({ script, args: [query, String(events), String(warmUp)] }),
          ),
        );
      }
      if (new Set(counted).size > 1 && !isByClock(query)) throw new Error(`${query}: the forms made ${counted.join(', ')} rows`);
    }
    say(`${query}: ${[...samples].map(([form, { perSecond }]) => `${form} ${median(perSecond).toFixed(0)}`).join(', ')} k events/s`);
    rows.push(...rowsOf(query, samples));
  }
  return rows;
}

/** A run that may need a folder for its files; they are gone afterwards. */
async function withFolder(isNeeded: boolean, run: (folder: string) => Promise<FormRun>): Promise<FormRun> {
  if (!isNeeded) return run('');
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-files-'));
  try {
    return await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const jobParameters = (values: Readonly<Record<string, string | number>>): readonly string[] =>
  Object.entries(values).map(([name, value]) => `${name}=${value}`);

/** Returns how many rows there were. */
function note(samples: Map<Form, Samples>, form: Form, events: number, run: FormRun): number {
  const { ms, cpuMs, value } = measuredPart(run);
  const peaks = run.marks.filter(({ mark }) => mark === 'peak-kib').map(({ value: kib = 0 }) => kib / 1_024);
  const { perSecond, perCpuSecond, peakMib } = samples.get(form) ?? { perSecond: [], perCpuSecond: [], peakMib: [] };
  samples.set(form, {
    perSecond: [...perSecond, events / ms],
    perCpuSecond: [...perCpuSecond, events / cpuMs],
    peakMib: [...peakMib, Math.max(...peaks)],
  });
  return value;
}

/** Two that ran at once, each over all events. Returns how many rows each of them made. */
function noteTwice(samples: Map<Form, Samples>, events: number, runs: readonly [FormRun, FormRun]): readonly number[] {
  const [first, second] = [measuredPart(runs[0]), measuredPart(runs[1])];
  const { perSecond, perCpuSecond, peakMib } = samples.get('by hand, twice at once') ?? { perSecond: [], perCpuSecond: [], peakMib: [] };
  samples.set('by hand, twice at once', {
    perSecond: [...perSecond, events / first.ms + events / second.ms],
    perCpuSecond,
    peakMib,
  });
  return [first.value, second.value];
}

function rowsOf(query: string, samples: ReadonlyMap<Form, Samples>): readonly Row[] {
  const of = (form: Form, figure: keyof Samples): readonly number[] => samples.get(form)?.[figure] ?? [];
  const byHand = { name: 'by hand', value: median(of('by hand', 'perSecond')) };
  const oneSlot = { name: 'one slot', value: median(of('one slot', 'perSecond')) };
  const unit = 'k events/s';
  const cpuUnit = 'k events/CPU-s';
  const published = publishedPerCore[query];
  return [
    rowOf({ name: `${query}: by hand`, unit, samples: of('by hand', 'perSecond'), plot: { panel: query, label: 'by hand' } }),
    rowOf({
      name: `${query}: by hand, twice at once`,
      unit,
      samples: of('by hand, twice at once', 'perSecond'),
      baseline: byHand,
      plot: { panel: query, label: 'by hand, twice at once' },
    }),
    ...rowsOfThreads(query, of),
    rowOf({
      name: `${query}: one slot`,
      unit,
      samples: of('one slot', 'perSecond'),
      baseline: byHand,
      target: atLeastOfBaseline(0.5),
      plot: { panel: query, label: 'one slot' },
    }),
    rowOf({
      name: `${query}: two slots`,
      unit,
      samples: of('two slots', 'perSecond'),
      baseline: oneSlot,
      target: atLeastOfBaseline(1.5),
      plot: { panel: query, label: 'two slots' },
    }),
    rowOf({
      name: `${query}: one slot, per processor second`,
      unit: cpuUnit,
      samples: of('one slot', 'perCpuSecond'),
      ...(published === undefined ? {} : { target: atLeast(published, `at least ${published}, published for Flink`) }),
    }),
    rowOf({ name: `${query}: two slots, per processor second`, unit: cpuUnit, samples: of('two slots', 'perCpuSecond') }),
    ...(['by hand', 'one slot', 'two slots'] as const).map((form) =>
      rowOf({ name: `${query}: ${form}, peak memory`, unit: 'MiB', samples: of(form, 'peakMib') }),
    ),
  ];
}

/** What two threads by hand make of a query that exchanges, and two slots against them. */
function rowsOfThreads(query: string, of: (form: Form, figure: keyof Samples) => readonly number[]): readonly Row[] {
  const samples = of('by hand, in two threads', 'perSecond');
  if (samples.length === 0) return [];
  const unit = 'k events/s';
  return [
    rowOf({
      name: `${query}: by hand, in two threads`,
      unit,
      samples,
      baseline: { name: 'by hand', value: median(of('by hand', 'perSecond')) },
      plot: { panel: query, label: 'by hand, in two threads' },
    }),
    rowOf({
      name: `${query}: two slots, against two threads by hand`,
      unit,
      samples: of('two slots', 'perSecond'),
      baseline: { name: 'by hand, in two threads', value: median(samples) },
    }),
  ];
}
