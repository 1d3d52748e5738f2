import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  taskSlotCatalogueEntry,
  taskSlotMachine,
  type TaskSlotContext,
  type TaskSlotEffect,
  type TaskSlotEvent,
} from '../../state-machines/task-slot/task-slot-machine.js';
import { exploreShortestPaths, stateText, walkRandomly, type Step } from '../../state-machines/kit/exploration.js';
import { assertTotal } from '../../state-machines/kit/totality.js';
import { MachineHost } from '../../actors/runtime/machine-host.js';
import type { ErrorRecord } from '../../core/errors.js';

const test = suite('task slot machine');
const input = { slot: 0, slotTimeoutMs: 10_000, offerRetryMs: 200 };
const died: ErrorRecord = { code: 'SLOT_DIED', domain: 'internal', recovery: 'restart-job', message: 'out of memory' };

/** Offers and timers count up without end: samples follow the snapshot, with the current number and the one before. */
const samples = (snapshot: { readonly context: unknown }): readonly TaskSlotEvent[] => {
  const { offerId, timer } = snapshot.context as TaskSlotContext;
  return [
    { type: 'ALLOCATE', jobId: 'j1', allocationId: 'a1' },
    { type: 'ALLOCATE', jobId: 'j2', allocationId: 'a2' },
    ...[offerId, offerId - 1].flatMap((offer): TaskSlotEvent[] => [
      { type: 'OFFER_ACCEPTED', offerId: offer },
      { type: 'OFFER_REJECTED', offerId: offer },
      { type: 'OFFER_FAILED', offerId: offer },
      { type: 'OFFER_DUE', offerId: offer },
    ]),
    { type: 'DEPLOY_RECEIVED', allocationId: 'a1' },
    { type: 'JOB_LOST', reason: 'silent' },
    { type: 'SLOT_TIMED_OUT', timer },
    { type: 'SLOT_TIMED_OUT', timer: timer - 1 },
    { type: 'FREE', allocationId: 'a1', reason: 'asked' },
    { type: 'THREAD_ENDED', allocationId: 'a1', error: died },
    { type: 'THREAD_ENDED', allocationId: 'a2', error: died },
  ];
};

const identify = (snapshot: { readonly value: unknown; readonly context: unknown }): string => {
  const { jobId, allocationId, reason } = snapshot.context as TaskSlotContext;
  return JSON.stringify([snapshot.value, jobId, allocationId, reason]);
};

function start(): { host: MachineHost<typeof taskSlotMachine, TaskSlotEffect>; effects: () => readonly string[] } {
  const performed: TaskSlotEffect[] = [];
  const host = new MachineHost<typeof taskSlotMachine, TaskSlotEffect>({
    machine: taskSlotMachine,
    input,
    name: 'slot 0',
    perform: (effect) => performed.push(effect),
    onEffectFailed: (error) => {
      throw error;
    },
  });
  return { host, effects: () => performed.splice(0).map(({ type, params }) => `${type} ${JSON.stringify(params)}`) };
}

const top = (value: unknown): string => stateText(value).split('.')[0] as string;

test('every leaf says what every event does', () => assertTotal(taskSlotMachine, taskSlotCatalogueEntry.events));

test("by shortest paths exactly Flink's slot transitions are possible", () => {
  const seen = new Set<string>();
  const { isTruncated, states } = exploreShortestPaths(taskSlotMachine, {
    input,
    events: samples,
    identify,
    invariant: ({ from, to }) => {
      if (top(from.value) !== top(to.value)) seen.add(`${top(from.value)} ${top(to.value)}`);
    },
  });
  assert.not(isTruncated);
  assert.equal(states, ['ACTIVE', 'ALLOCATED.offering', 'ALLOCATED.pausing', 'FREE', 'RELEASING']);
  assert.equal([...seen].sort(), [
    'ACTIVE ALLOCATED',
    'ACTIVE FREE',
    'ACTIVE RELEASING',
    'ALLOCATED ACTIVE',
    'ALLOCATED FREE',
    'ALLOCATED RELEASING',
    'FREE ALLOCATED',
    'RELEASING FREE',
  ]);
});

test('over random walks a slot is freed only by the end of its thread, and each allocation is announced free once (TS1, TS6)', () => {
  let seed = 5;
  const next = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  let freed = 0;
  for (let walk = 0; walk < 300; walk++) {
    let threads = 0;
    let allocated = 0;
    let announced = 0;
    const invariant = ({ event, effects, from, to }: Step): void => {
      if (from.value === 'FREE' && to.value !== 'FREE') allocated++;
      for (const { type } of effects) {
        if (type === 'startThread') threads++;
        if (type === 'announceFree') announced++;
      }
      if (from.value !== 'FREE' && to.value === 'FREE') {
        assert.is(event.type, 'THREAD_ENDED');
        threads--;
        freed++;
      }
      assert.is(threads, to.value === 'FREE' ? 0 : 1, 'TS1: one thread a slot that is not free');
      assert.is(announced, allocated - threads, 'TS6');
      assert.is((to.context as TaskSlotContext).allocationId === '', to.value === 'FREE');
    };
    walkRandomly(taskSlotMachine, { input, events: samples, walks: 1, steps: 80, next, invariant });
  }
  assert.ok(freed > 100);
});

test('a slot is offered until its job answers, and given up at the slot timeout (TS2)', () => {
  const { host, effects } = start();
  host.send({ type: 'ALLOCATE', jobId: 'j1', allocationId: 'a1' });
  assert.equal(effects(), [
    'startThread {"jobId":"j1","allocationId":"a1"}',
    'watchTimeout {"timer":1,"delayMs":10000}',
    'offer {"jobId":"j1","allocationId":"a1","offerId":1}',
  ]);
  host.send({ type: 'OFFER_FAILED', offerId: 1 });
  assert.equal(effects(), ['scheduleOffer {"offerId":1,"delayMs":200}']);
  host.send({ type: 'OFFER_DUE', offerId: 1 });
  assert.equal(effects(), ['offer {"jobId":"j1","allocationId":"a1","offerId":2}']);
  host.send({ type: 'SLOT_TIMED_OUT', timer: 1 });
  assert.is(host.state, 'RELEASING');
  assert.is(host.context.reason, 'its job did not take it within the slot timeout');
});

test('the answer to an earlier offer does not count (TS3)', () => {
  const { host } = start();
  host.send({ type: 'ALLOCATE', jobId: 'j1', allocationId: 'a1' });
  host.send({ type: 'OFFER_FAILED', offerId: 1 });
  host.send({ type: 'OFFER_DUE', offerId: 1 });
  host.send({ type: 'OFFER_REJECTED', offerId: 1 });
  assert.is(host.state, 'ALLOCATED.offering');
  assert.is(host.ignored.get('ALLOCATED.offering OFFER_REJECTED stale'), 1);
  host.send({ type: 'OFFER_ACCEPTED', offerId: 2 });
  assert.is(host.state, 'ACTIVE');
});

test('a deployment makes the slot active when the answer to the offer was lost', () => {
  const { host } = start();
  host.send({ type: 'ALLOCATE', jobId: 'j1', allocationId: 'a1' });
  host.send({ type: 'DEPLOY_RECEIVED', allocationId: 'other' });
  assert.is(host.state, 'ALLOCATED.offering');
  host.send({ type: 'DEPLOY_RECEIVED', allocationId: 'a1' });
  assert.is(host.state, 'ACTIVE');
});

test('a lost job fails its tasks and is offered the slot again, for the slot timeout (TS4)', () => {
  const { host, effects } = start();
  host.send({ type: 'ALLOCATE', jobId: 'j1', allocationId: 'a1' });
  host.send({ type: 'OFFER_ACCEPTED', offerId: 1 });
  effects();
  host.send({ type: 'JOB_LOST', reason: 'a new leader' });
  assert.equal(effects(), [
    'failTasks {"reason":"a new leader"}',
    'watchTimeout {"timer":2,"delayMs":10000}',
    'offer {"jobId":"j1","allocationId":"a1","offerId":2}',
  ]);
  host.send({ type: 'SLOT_TIMED_OUT', timer: 1 });
  assert.is(host.state, 'ALLOCATED.offering');
  assert.is(host.ignored.get('ALLOCATED.offering SLOT_TIMED_OUT stale'), 1);
});

test('a thread that dies is told to the job and frees the slot; the end of an earlier thread does not (TS5)', () => {
  const { host, effects } = start();
  host.send({ type: 'ALLOCATE', jobId: 'j1', allocationId: 'a1' });
  host.send({ type: 'OFFER_ACCEPTED', offerId: 1 });
  effects();
  host.send({ type: 'THREAD_ENDED', allocationId: 'a0', error: died });
  assert.is(host.state, 'ACTIVE');
  host.send({ type: 'THREAD_ENDED', allocationId: 'a1', error: died });
  assert.is(host.state, 'FREE');
  assert.equal(
    effects().map((text) => text.split(' ')[0]),
    ['cancelTimers', 'reportSlotFailed', 'announceFree'],
  );
});

test.run();
