import { median, rowOf, type Benchmark, type BenchmarkContext, type Row } from '../harness/benchmark.js';
import { ClusterUnderTest } from '../harness/cluster-under-test.js';
import { runHandPair } from '../harness/hand-pair.js';
import { SharedMeasurement, type SharedPart } from '../harness/shared-measurement.js';
import type { VisitKind } from '../jobs/keyed-functions.js';

const ratioMin = 0.8;

interface Size {
  readonly kind: VisitKind;
  readonly label: string;
  /** Of each of the two sources, in a full run. */
  readonly records: number;
}

const sizes: readonly Size[] = [
  { kind: 'narrow', label: '20 B', records: 6_000_000 },
  { kind: 'wide', label: '200 B', records: 1_600_000 },
];

export const keyedCountNats: Benchmark = {
  name: 'keyed-count-nats',
  measures:
    'records a second, and records a second of processor time of all processes, of a count over 10,000 string keys in two TaskManager processes of one slot each (checkpointing every 500 ms), half of the records crossing over NATS, against two processes written by hand over nats.js that make, hash, pack (16 KiB a message, eight unread at most), unpack and count the same records; records of about 20 and about 200 bytes. Memory is the most the larger of both processes ever had.',
  doesNotMeasure: 'two machines (all processes share the cores), large state, skewed keys, sources or sinks that do anything.',
  async run(context) {
    const rows: Row[] = [];
    for (const size of sizes) rows.push(...(await measure(size, context)));
    return rows;
  },
};

async function measure({ kind, label, records: recordsFull }: Size, { isQuick, rounds, say }: BenchmarkContext): Promise<readonly Row[]> {
  const records = isQuick ? recordsFull / 8 : recordsFull;
  const warmUp = records / 4;
  const measured = 2 * (records - warmUp);
  const hand: SharedPart[] = [];
  const job: SharedPart[] = [];
  for (let round = 0; round < rounds(5); round += 1) {
    hand.push(await runHandPair('bench/forms/pair-by-hand.js', [kind, String(records), String(warmUp)], say));
    job.push(await runJob({ kind, records: String(records), warmUp: String(warmUp) }));
    const [byHand, byJob] = [hand.at(-1) as SharedPart, job.at(-1) as SharedPart];
    if (byHand.value !== byJob.value) throw new Error(`by hand it is ${byHand.value}, the job counted ${byJob.value}`);
    const rate = ({ ms }: SharedPart): string => (measured / ms / 1_000).toFixed(2);
    say(
      `${label}, round ${round + 1}: by hand ${rate(byHand)}, two TaskManagers ${rate(byJob)} M rec/s; ms of processor time: ${cpuText(byHand)}; ${cpuText(byJob)}`,
    );
  }
  return rowsOf(label, measured / 1_000, { hand, job });
}

async function runJob(parameters: Readonly<Record<string, string>>): Promise<SharedPart> {
  const under = await ClusterUnderTest.start({ taskManagers: 2, slots: 1 });
  try {
    const shared = new SharedMeasurement({ pids: () => under.pids(), ends: 2 });
    under.onMark = (mark) => shared.hear(mark);
    const jobId = await under.submit('keyed-job', parameters);
    const end = await under.client.waitForEnd(jobId);
    if (end.status !== 'FINISHED' || end.restarts > 0) throw new Error(`the job ended ${end.status} after ${end.restarts} restarts`);
    return await shared.part;
  } finally {
    await under.stop();
  }
}

const cpuText = ({ cpuMs }: SharedPart): string => [...cpuMs].map(([name, ms]) => `${name} ${ms}`).join(', ');
const cpuOf = ({ cpuMs }: SharedPart, isWanted: (name: string) => boolean): number =>
  [...cpuMs].filter(([name]) => isWanted(name)).reduce((sum, [, ms]) => sum + ms, 0);
const isWorker = (name: string): boolean => /^(tm|half)-/.test(name);

function rowsOf(
  label: string,
  thousands: number,
  { hand, job }: { readonly hand: readonly SharedPart[]; readonly job: readonly SharedPart[] },
): readonly Row[] {
  const figures: readonly (readonly [suffix: string, unit: string, of: (part: SharedPart) => number])[] = [
    ['', 'M records/s', ({ ms }) => thousands / ms],
    [', per processor second', 'M records/CPU-s', (part) => thousands / cpuOf(part, () => true)],
    [', per processor second without nats-server', 'M records/CPU-s', (part) => thousands / cpuOf(part, (name) => name !== 'nats-server')],
    [', peak memory', 'MiB', ({ peakMiB }) => Math.max(...[...peakMiB].filter(([name]) => isWorker(name)).map(([, mib]) => mib))],
  ];
  return figures.flatMap(([suffix, unit, of]) => {
    const byHand = hand.map(of);
    const target = {
      text: `at least ${ratioMin} of it`,
      isMet: ({ ratio = 0 }: { readonly ratio: number | undefined }) => ratio >= ratioMin,
    };
    return [
      rowOf({ name: `keyed count over NATS, ${label}: pair by hand${suffix}`, unit, samples: byHand }),
      rowOf({
        name: `keyed count over NATS, ${label}: two TaskManagers${suffix}`,
        unit,
        samples: job.map(of),
        baseline: { name: 'pair by hand', value: median(byHand) },
        ...(suffix === '' ? { target } : {}),
      }),
    ];
  });
}
