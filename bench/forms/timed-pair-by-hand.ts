/**
 * Half of the keyed count between two processes, at a rate, with the latency of every record from when it was due to when it
 * is counted: `<url> <index> <records> <warm-up> <records a second, 0: as fast as it goes> <flush after ms>`.
 */
import { LatencyHistogram } from '../harness/latency-histogram.js';
import { mark } from '../harness/forms.js';
import { makeTimedVisit, type TimedVisit } from '../jobs/keyed-functions.js';
import { machineMs, Pace } from '../jobs/pace.js';
import { Half } from './hand-half.js';
import { meet, runHandProcess } from './hand-process.js';
import { timedPacker } from './packed-timed-visits.js';

const [url = '', index = '', ...numbers] = process.argv.slice(2);
const [records = 0, warmUp = 0, perSecond = 0, flushAfterMs = 0] = numbers.map(Number);
const pace = new Pace({ perSecond, warmUp });
const latencies = new LatencyHistogram();
let counted = 0;
let hasBegun = false;

await runHandProcess(url, async (nats) => {
  const half = new Half(nats, Number(index), {
    records,
    packer: timedPacker,
    flushAfterMs,
    allowed: () => pace.due(),
    make: (n) => {
      if (n >= warmUp && !hasBegun) {
        hasBegun = true;
        mark('begin');
      }
      return makeTimedVisit(n, pace.dueAt(n));
    },
    counted: (visit) => {
      counted += 1;
      const { due } = visit as TimedVisit;
      if (due > 0) latencies.add(machineMs() - due);
    },
    ended: () => mark('end', counted, latencies.buckets()),
  });
  await meet(nats, index, [String(1 - Number(index))]);
  await half.run();
});
