/** Failures reach the restart strategy with a time that never goes back. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { JobFailures } from '../../actors/scheduler/job-failures.js';
import { toErrorRecord } from '../../core/errors.js';
import type { SchedulerEvent } from '../../state-machines/scheduler/scheduler-model.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { countingRandom } from '../support/counting-random.js';
import { silentLogger } from '../support/silent-logger.js';

const test = suite('JobFailures');

test('a wall clock that is set back lengthens no back-off: failures carry monotonic time', () => {
  const clock = new ManualClock();
  clock.advance(1_234);
  const told: SchedulerEvent[] = [];
  const failures = new JobFailures({
    clock: { now: () => 99, monotonic: () => clock.monotonic(), setTimer: (delayMs, run) => clock.setTimer(delayMs, run) },
    random: countingRandom(),
    logger: silentLogger,
    executions: () => [],
    tell: (event) => told.push(event),
    phase: () => 'running',
  });
  failures.failJob(toErrorRecord(new Error('boom')));
  const [event] = told;
  assert.is(event?.type === 'JOB_FAILED' ? event.at : undefined, clock.monotonic());
  assert.is(failures.history()[0]?.at, 99, 'people are told the time of day');
});

test.run();
