import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Mark } from '../../bench/harness/forms.js';
import { LatencyHistogram } from '../../bench/harness/latency-histogram.js';
import { SharedMeasurement } from '../../bench/harness/shared-measurement.js';

const test = suite('a measurement that processes share');

const pids = new Map([['tm-1', process.pid]]);
const said = (mark: string, at: number, more: Partial<Mark> = {}): Mark => ({ mark, at, cpuMs: 0, ...more });

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function useProcessor(ms: number): void {
  const before = processorMs();
  while (processorMs() - before < ms);
}

test('it lasts from the first begin to the last end, and adds up what the ends came with', async () => {
  const latencies = new LatencyHistogram();
  latencies.add(3);
  const shared = new SharedMeasurement({ pids: () => pids, ends: 2 });
  shared.hear(said('begin', 100));
  shared.hear(said('begin', 150));
  shared.hear(said('end', 400, { value: 3, latencies: latencies.buckets() }));
  shared.hear(said('end', 500, { value: 4, latencies: latencies.buckets() }));
  const part = await shared.part;
  assert.is(part.ms, 400);
  assert.is(part.value, 7);
  assert.is(part.latencies.count, 2);
});

test('processor time is that of the processes named, between begin and end, whether they say anything or not (SM1)', async () => {
  const shared = new SharedMeasurement({ pids: () => pids, ends: 1 });
  useProcessor(300);
  shared.hear(said('begin', 1));
  useProcessor(60);
  shared.hear(said('end', 2));
  const { cpuMs, peakMiB } = await shared.part;
  // Ticks of the kernel are 10 ms.
  const used = cpuMs.get('tm-1') ?? 0;
  assert.ok(used >= 50 && used < 300, `${used} ms`);
  assert.ok((peakMiB.get('tm-1') ?? 0) > 1);
});

test('work that ended before its measured part began is refused', () => {
  const shared = new SharedMeasurement({ pids: () => pids, ends: 1 });
  assert.throws(() => shared.hear(said('end', 2)), /warm-up is too long/);
});

test.run();
