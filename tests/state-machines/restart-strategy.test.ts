import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RestartStrategySettings } from '../../graph/types.js';
import { decideRestart, noFailures, rememberCheckpoint, type RestartMemory } from '../../state-machines/scheduler/restart-strategy.js';

const test = suite('restart strategies');

/** `+n`: restarted after n ms; `x`: given up. `c` among the times stands for a completed checkpoint. */
function run(settings: RestartStrategySettings, times: readonly (number | 'c')[], random = 0.5): string[] {
  let memory: RestartMemory = noFailures;
  return times.flatMap((at) => {
    if (at === 'c') {
      memory = rememberCheckpoint(memory);
      return [];
    }
    const decision = decideRestart(settings, memory, { at, random });
    memory = decision.memory;
    return [decision.kind === 'restart' ? `+${decision.delayMs}` : 'x'];
  });
}

const exponential: RestartStrategySettings = {
  kind: 'exponential-delay',
  initialBackoffMs: 100,
  maxBackoffMs: 1_000,
  multiplier: 2,
  resetThresholdMs: 30_000,
  resetAfterCheckpoints: 3,
  jitter: 0,
};

test('none gives up at the first failure (R1)', () => {
  assert.equal(run({ kind: 'none' }, [0]), ['x']);
});

test('fixed-delay restarts so often and no more (R1)', () => {
  assert.equal(run({ kind: 'fixed-delay', attempts: 2, delayMs: 70 }, [0, 10, 1_000_000]), ['+70', '+70', 'x']);
});

test('failure-rate gives up when one more than the maximum fits in the interval (R2)', () => {
  const settings: RestartStrategySettings = { kind: 'failure-rate', maxFailuresPerInterval: 2, intervalMs: 1_000, delayMs: 5 };
  assert.equal(run(settings, [0, 500, 1_000]), ['+5', '+5', 'x'], 'three in exactly the interval');
  assert.equal(run(settings, [0, 500, 1_001, 1_600]), ['+5', '+5', '+5', '+5'], 'never three within it');
  assert.equal(run(settings, [0, 500, 1_001, 1_500]), ['+5', '+5', '+5', 'x'], 'the window slides');
});

test('failure-rate with a maximum of one restarts after one failure', () => {
  const settings: RestartStrategySettings = { kind: 'failure-rate', maxFailuresPerInterval: 1, intervalMs: 1_000, delayMs: 5 };
  assert.equal(run(settings, [0, 1_000]), ['+5', 'x']);
  assert.equal(run(settings, [0, 1_001]), ['+5', '+5']);
});

test('exponential-delay doubles up to its maximum (R3)', () => {
  assert.equal(run(exponential, [0, 200, 500, 1_000, 2_000, 4_000]), ['+100', '+200', '+400', '+800', '+1000', '+1000']);
});

test('failures while a restart is awaited belong to it: the delay is what is left of it (R3)', () => {
  assert.equal(run(exponential, [0, 40, 100, 101]), ['+100', '+60', '+0', '+200']);
});

test('a quiet time starts the back-off over, counted from the restart (R3)', () => {
  assert.equal(run(exponential, [0, 200, 400 + 29_999]), ['+100', '+200', '+400']);
  assert.equal(run(exponential, [0, 200, 400 + 30_000]), ['+100', '+200', '+100']);
});

test('enough completed checkpoints start the back-off over, fewer do not (R3)', () => {
  assert.equal(run(exponential, [0, 200, 'c', 'c', 'c', 1_000]), ['+100', '+200', '+100']);
  assert.equal(run(exponential, [0, 200, 'c', 'c', 1_000]), ['+100', '+200', '+400']);
  assert.equal(run(exponential, [0, 'c', 'c', 200, 'c', 1_000]), ['+100', '+200', '+400'], 'only those since the latest failure count');
});

test('jitter moves the delay by its share and never out of the bounds (R3)', () => {
  const jittery = { ...exponential, jitter: 0.1 };
  assert.equal(run(jittery, [0, 200], 0), ['+100', '+180'], 'not below the initial delay');
  assert.equal(run(jittery, [0, 200], 0.999_999), ['+110', '+220']);
  assert.equal(run(jittery, [0, 300, 900, 2_000, 4_000], 0.999_999), ['+110', '+220', '+440', '+880', '+1000'], 'not above the maximum');
});

test.run();
