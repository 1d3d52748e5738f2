import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryLine, memorySampleIn, thirdsOf, type MemorySample } from '../../bench/harness/memory-samples.js';

const test = suite('memory of a process under test');
const mib = 1_024 * 1_024;

test('a line that a sampler wrote is read again, and others are none', () => {
  const sample: MemorySample = { pid: 1, thread: 2, at: 3, bytes: 4, residentBytes: 5 };
  assert.equal(memorySampleIn(memoryLine(sample).trim()), sample);
  assert.is(memorySampleIn('INFO something'), undefined);
});

test('thirds are means over time of each thread, added up; what is outside of the time does not count', () => {
  const samples: readonly MemorySample[] = [
    { pid: 1, thread: 0, at: 50, bytes: 900 * mib },
    ...[100, 150, 380, 390].map((at) => ({ pid: 1, thread: 0, at, bytes: (at < 200 ? 10 : 12) * mib })),
    ...[110, 370].map((at) => ({ pid: 1, thread: 1, at, bytes: 5 * mib })),
  ];
  assert.equal(thirdsOf(samples, 100, 400, 'bytes'), { first: 15, last: 17 });
});

test.run();
