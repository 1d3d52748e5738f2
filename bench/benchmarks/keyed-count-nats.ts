import type { Benchmark, BenchmarkContext, Row } from '../harness/benchmark.js';
import { measureJobAlone } from '../harness/cluster-job.js';
import { runHandProcesses } from '../harness/hand-processes.js';
import { processRows, roundText } from '../harness/process-rows.js';
import type { SharedPart } from '../harness/shared-measurement.js';
import type { VisitKind } from '../jobs/keyed-functions.js';

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
    'records a second, and records a second of processor time of all processes, of a count over 10,000 string keys in two TaskManager processes of one slot each (checkpointing every 500 ms), half of the records crossing over NATS, against two processes written by hand over nats.js that make, hash, pack (16 KiB a message, 32 unread at most, the fastest of what was tried), unpack and count the same records; records of about 20 and about 200 bytes. Memory is the most the largest process ever had.',
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
    const byHand = await runHandProcesses({
      script: 'bench/forms/pair-by-hand.js',
      processes: 2,
      args: [kind, records, warmUp],
      ends: 2,
      say,
    });
    const byJob = await measureJobAlone({ taskManagers: 2, job: 'keyed-job', parameters: { kind, records, warmUp }, ends: 2 });
    if (byHand.value !== byJob.value) throw new Error(`by hand it is ${byHand.value}, the job counted ${byJob.value}`);
    hand.push(byHand);
    job.push(byJob);
    say(`${label}, round ${round + 1}: ${roundText(measured, { hand: byHand, job: byJob })}`);
  }
  return processRows({
    name: `keyed count over NATS, ${label}`,
    handName: 'pair by hand',
    jobName: 'two TaskManagers',
    records: measured,
    hand,
    job,
    ratioMin: 0.8,
  });
}
