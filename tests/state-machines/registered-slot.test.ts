import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { allocationId, jobId } from '../../core/ids.js';
import {
  registeredSlotCatalogueEntry,
  registeredSlotMachine,
  type RegisteredSlotContext,
  type RegisteredSlotEffect,
  type RegisteredSlotEvent,
} from '../../state-machines/registered-slot/registered-slot-machine.js';
import { exploreShortestPaths } from '../../state-machines/kit/exploration.js';
import { assertTotal } from '../../state-machines/kit/totality.js';
import { MachineHost } from '../../actors/runtime/machine-host.js';

const test = suite('registered slot machine');
const job = jobId('j1');
const [first, second] = [allocationId('a1'), allocationId('a2')];
const samples: RegisteredSlotEvent[] = [
  { type: 'REQUEST', jobId: job, allocationId: first },
  { type: 'REQUEST', jobId: job, allocationId: second },
  { type: 'REQUEST_ACCEPTED', allocationId: first },
  { type: 'REQUEST_ACCEPTED', allocationId: second },
  { type: 'REQUEST_REFUSED', allocationId: first, holder: null },
  { type: 'REQUEST_REFUSED', allocationId: first, holder: second },
  { type: 'REQUEST_FAILED', allocationId: first },
  { type: 'REPORTED_FREE' },
  { type: 'REPORTED_HELD', jobId: job, allocationId: first },
  { type: 'REPORTED_HELD', jobId: job, allocationId: second },
  { type: 'BECAME_AVAILABLE', allocationId: first },
];

function start() {
  const performed: RegisteredSlotEffect[] = [];
  const host = new MachineHost<typeof registeredSlotMachine, RegisteredSlotEffect>({
    machine: registeredSlotMachine,
    input: undefined,
    name: 'tm-1/0',
    perform: (effect) => performed.push(effect),
    onEffectFailed: (error) => {
      throw error;
    },
  });
  return { host, effects: () => performed.splice(0) };
}

test('every leaf says what every event does', () => assertTotal(registeredSlotMachine, registeredSlotCatalogueEntry.events));

test('by shortest paths a slot is requested only when free, and a free slot belongs to nobody (RS1)', () => {
  const { states, transitions } = exploreShortestPaths(registeredSlotMachine, {
    events: samples,
    invariant: ({ from, to, effects }) => {
      const { allocationId: held } = to.context as RegisteredSlotContext;
      assert.is(held === null, to.value === 'FREE');
      if (effects.some(({ type }) => type === 'requestSlot')) assert.is(from.value, 'FREE', 'RS1');
    },
  });
  assert.equal(states, ['ALLOCATED', 'FREE', 'PENDING']);
  const moves = new Set(transitions.map((text) => text.replace(/ --.*--> /, ' ')));
  assert.equal([...moves].sort(), ['ALLOCATED FREE', 'FREE ALLOCATED', 'FREE PENDING', 'PENDING ALLOCATED', 'PENDING FREE']);
});

test('a report that may be older than the request does not free a requested slot (RS2)', () => {
  const { host, effects } = start();
  host.send({ type: 'REQUEST', jobId: job, allocationId: first });
  assert.equal(effects(), [{ type: 'requestSlot', params: { jobId: job, allocationId: first } }]);
  host.send({ type: 'REPORTED_FREE' });
  assert.is(host.state, 'PENDING');
  host.send({ type: 'REPORTED_HELD', jobId: job, allocationId: second });
  assert.is(host.state, 'ALLOCATED');
  assert.is(host.context.allocationId, second, 'what the TaskManager says wins');
});

test('a refused or unanswered request frees the slot, but not at once; a slot given back is free at once', () => {
  for (const type of ['REQUEST_REFUSED', 'REQUEST_FAILED'] as const) {
    const { host, effects } = start();
    host.send({ type: 'REQUEST', jobId: job, allocationId: first });
    effects();
    host.send({ type, allocationId: first, holder: null });
    assert.equal(effects(), [{ type: 'slotFreed', params: { wasGivenBack: false } }]);
  }
  const { host, effects } = start();
  host.send({ type: 'REPORTED_HELD', jobId: job, allocationId: first });
  host.send({ type: 'BECAME_AVAILABLE', allocationId: first });
  assert.equal(effects(), [{ type: 'slotFreed', params: { wasGivenBack: true } }]);
});

test('answers to another request than the one under way change nothing (RS3)', () => {
  const { host } = start();
  host.send({ type: 'REQUEST', jobId: job, allocationId: first });
  host.send({ type: 'REQUEST_ACCEPTED', allocationId: second });
  host.send({ type: 'REQUEST_FAILED', allocationId: second });
  assert.is(host.state, 'PENDING');
  assert.is(host.ignored.get('PENDING REQUEST_FAILED stale'), 1);
});

test.run();
