import type { Benchmark, BenchmarkContext, Row } from '../harness/benchmark.js';
import { measureJobAlone } from '../harness/cluster-job.js';
import { processRows, rateText } from '../harness/process-rows.js';
import type { SharedPart } from '../harness/shared-measurement.js';

/** Of each of the two sources, in a full run. */
const recordsFull = 1_600_000;

export const projection: Benchmark = {
  name: 'projection',
  measures:
    "what it gains to say which fields are used: records a second, and records a second of processor time of all processes, of a count by key of records of about 200 bytes and eight fields in two TaskManager processes of one slot each (checkpointing every 500 ms), half of the records crossing over NATS; as `keyBy('page').uses('visits').process(count)`, by which two fields travel, against `keyBy('page').process(count)`, by which all do. Memory is the most the largest process ever had.",
  doesNotMeasure: 'two machines (all processes share the cores, the network is none), records within a slot, where nothing is left out.',
  async run({ isQuick, rounds, say }: BenchmarkContext): Promise<readonly Row[]> {
    const records = isQuick ? recordsFull / 8 : recordsFull;
    const warmUp = records / 4;
    const measured = 2 * (records - warmUp);
    const all: SharedPart[] = [];
    const used: SharedPart[] = [];
    for (let round = 0; round < rounds(5); round += 1) {
      const [whole, projected] = [await count('all', records, warmUp), await count('used', records, warmUp)];
      if (whole.value !== projected.value) throw new Error(`with all fields it is ${whole.value}, with two ${projected.value}`);
      all.push(whole);
      used.push(projected);
      say(`round ${round + 1}: all fields ${rateText(measured, whole)}, two fields ${rateText(measured, projected)}`);
    }
    return processRows({
      name: 'keyed count over NATS, 200 B, projected',
      handName: 'all fields travel',
      jobName: 'two fields travel',
      records: measured,
      hand: all,
      job: used,
    });
  },
};

const count = (fields: 'all' | 'used', records: number, warmUp: number): Promise<SharedPart> =>
  measureJobAlone({ taskManagers: 2, job: 'projected-job', parameters: { fields, records, warmUp }, ends: 2 });
