import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Parking } from '../../dataflow/task/parking.js';

const test = suite('parking');

test('work furthest down resumes first (PK1)', () => {
  const parking = new Parking();
  const resumed: string[] = [];
  const work = (name: string) => () => resumed.push(name) > 0;
  parking.park(0, work('source'));
  parking.park(2, work('sink'));
  parking.park(1, work('map'));
  while (!parking.isEmpty) parking.resumeOne();
  assert.equal(resumed, ['sink', 'map', 'source']);
});

test('work that waits for a promise is next only when that resolved, and the owner is woken (PK4)', async () => {
  const parking = new Parking();
  let wakes = 0;
  let open: () => void = () => undefined;
  const until = new Promise<void>((resolve) => (open = resolve));
  const owner = { wake: () => void wakes++, fail: assert.unreachable };
  parking.park(0, () => true);
  parking.parkUntil(1, () => true, until, owner);
  assert.ok(parking.isWaiting);
  open();
  await until;
  assert.is(wakes, 1);
  assert.not(parking.isWaiting);
  parking.resumeOne();
  assert.is(parking.lowestIndex, 0);
});

test('work whose promise rejects fails its owner (PK4)', async () => {
  const parking = new Parking();
  const failures: unknown[] = [];
  const until = Promise.reject(new Error('disk'));
  parking.parkUntil(0, () => true, until, { wake: assert.unreachable, fail: (error) => void failures.push(error) });
  await until.catch(() => undefined);
  await Promise.resolve();
  assert.is(failures.length, 1);
  assert.ok(parking.isWaiting);
});
test.run();
