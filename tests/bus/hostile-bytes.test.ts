/**
 * Bytes made to hurt. What counts is the work a message may cause; its CPU time is measured and bounded
 * generously, because machines differ and other processes share them: alone on two slow cores, 56 of 60 took less than 10 ms,
 * the others up to 21 ms (texts that are no UTF-8).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decode, wireLimits } from '../../bus/codec/cbor.js';
import { MillraceError } from '../../core/errors.js';
import { hostileBytes } from '../support/hostile-bytes.js';

const test = suite('hostile bytes');

/** Far above 10 ms, far below what any of these would take unbounded (seconds). */
const generousMs = 150;

const slowest: { name: string; ms: number }[] = [];

for (const [name, [bytes, expected]] of Object.entries(hostileBytes)) {
  test(`${name}: cheap, and ${expected ?? 'harmless'} (C3, S2, S3)`, () => {
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 3 && (round === 0 || best > 10); round += 1) {
      const startedAt = process.cpuUsage();
      let outcome: unknown;
      try {
        decode(bytes, wireLimits);
      } catch (error) {
        outcome = error;
      }
      best = Math.min(best, process.cpuUsage(startedAt).user / 1_000);
      if (expected === 'refused' || outcome !== undefined) {
        assert.instance(outcome, MillraceError);
        assert.is((outcome as MillraceError).code, 'CBOR_REFUSED');
      }
    }
    slowest.push({ name, ms: best });
    assert.ok(best < generousMs, `${best.toFixed(1)} ms`);
  });
}

test('the slowest of them, for the record', () => {
  slowest.sort((left, right) => right.ms - left.ms);
  for (const { name, ms } of slowest.slice(0, 5)) console.log(`  ${ms.toFixed(2)} ms  ${name}`);
  assert.is(slowest.length, Object.keys(hostileBytes).length);
});

test.run();
