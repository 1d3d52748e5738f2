/** What the configuration says reaches the actors of a process. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { jobStoreDefaults } from '../../actors/job-manager/job-results.js';
import { registrationDefaults } from '../../actors/task-manager/resource-manager-connection.js';
import { jobManagerSettingsOf, slotBuffersOf, taskManagerSettingsOf } from '../../cluster/processes/settings-of-actors.js';
import { Configuration } from '../../core/configuration/configuration.js';
import { limits } from '../../core/limits.js';

const test = suite('settings of actors');

test('the lease of a JobManager and its renewal are as configured', () => {
  const flags = { 'high-availability.lease.duration': '10 s', 'high-availability.lease.renew-interval': '2 s' };
  const { leaseMs, renewMs } = jobManagerSettingsOf(Configuration.load({ flags }));
  assert.equal({ leaseMs, renewMs }, { leaseMs: 10_000, renewMs: 2_000 });
});

test('the slots of a process share what it may have granted and its segments, of which each has enough to go on', () => {
  for (const slots of [1, 3, 16, 64]) {
    const { grantBytesMax = 0, segmentsMax = 0 } = slotBuffersOf(Configuration.defaults, slots);
    assert.ok(slots * grantBytesMax <= limits.grantBytesPerProcess);
    assert.ok(segmentsMax >= 2 * limits.segmentsUnaskedMax, 'half may wait for credit, as many as are not asked for may be on the way');
    assert.ok(segmentsMax === limits.segmentsPerSlotMin || slots * segmentsMax <= limits.segmentsPerProcess);
  }
});

test('how many results are kept, and for how long, is as configured', () => {
  const flags = { 'jobstore.max-capacity': '7', 'jobstore.expiration-time': '1 h' };
  assert.equal(jobManagerSettingsOf(Configuration.load({ flags })).jobStore, { maxCapacity: 7, expirationMs: 3_600_000 });
  assert.equal(jobManagerSettingsOf(Configuration.defaults).jobStore, jobStoreDefaults);
});

test('the registration of a TaskManager is as configured', () => {
  const flags = {
    'cluster.registration.initial-timeout': '20 ms',
    'cluster.registration.max-timeout': '30 ms',
    'cluster.registration.error-delay': '40 ms',
    'cluster.registration.refused-registration-delay': '50 ms',
    'taskmanager.registration.timeout': '60 ms',
  };
  assert.equal(taskManagerSettingsOf(Configuration.load({ flags })).registration, {
    initialTimeoutMs: 20,
    maxTimeoutMs: 30,
    initialPauseMs: 40,
    maxPauseMs: 40,
    refusedPauseMs: 50,
    registrationTimeoutMs: 60,
  });
});

test('by default a TaskManager registers as it does without a configuration', () => {
  assert.equal(taskManagerSettingsOf(Configuration.defaults).registration, registrationDefaults);
});

test.run();
