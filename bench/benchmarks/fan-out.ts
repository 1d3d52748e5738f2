import type { Benchmark, BenchmarkContext, Row } from '../harness/benchmark.js';
import { measureJobAlone } from '../harness/cluster-job.js';
import { runHandProcesses } from '../harness/hand-processes.js';
import { processRows, roundText } from '../harness/process-rows.js';
import type { SharedPart } from '../harness/shared-measurement.js';

type Mode = 'rebalance' | 'broadcast';

export const fanOut: Benchmark = {
  name: 'fan-out',
  measures:
    'records a second that one source makes and two consumers read over NATS, all three in processes of their own: shared out in turn (rebalance), and all to both (broadcast); records of about 20 bytes without keys. Against three processes written by hand over nats.js; for broadcast they pack each batch once and the server gives it to both.',
  doesNotMeasure:
    'three machines (all processes share the cores), records with keys, consumers that do anything or are of different speed.',
  async run(context) {
    return [...(await measure('rebalance', context)), ...(await measure('broadcast', context))];
  },
};

async function measure(mode: Mode, { isQuick, rounds, say }: BenchmarkContext): Promise<readonly Row[]> {
  const records = isQuick ? 1_000_000 : 6_000_000;
  const warmUp = records / 4;
  const measured = records - warmUp;
  const hand: SharedPart[] = [];
  const job: SharedPart[] = [];
  for (let round = 0; round < rounds(3); round += 1) {
    const byHand = await runHandProcesses({
      script: 'bench/forms/fan-out-by-hand.js',
      processes: 3,
      args: [mode, records, warmUp],
      ends: 2,
      say,
    });
    const byJob = await measureJobAlone({ taskManagers: 3, job: 'fan-out-job', parameters: { mode, records, warmUp }, ends: 2 });
    if (byHand.value !== byJob.value) throw new Error(`by hand it is ${byHand.value}, the job counted ${byJob.value}`);
    hand.push(byHand);
    job.push(byJob);
    say(`${mode}, round ${round + 1}: ${roundText(measured, { hand: byHand, job: byJob })}`);
  }
  const names = { name: `${mode} over NATS`, handName: 'three processes by hand', jobName: 'three TaskManagers' };
  return processRows({ ...names, records: measured, hand, job });
}
