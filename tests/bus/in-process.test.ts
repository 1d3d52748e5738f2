import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { InProcessHub } from '../../bus/transports/in-process/hub.js';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { busContract } from '../../testing/contracts/bus.js';
import { runContract } from '../support/run-contract.js';
import { silentLogger } from '../support/silent-logger.js';

const test = suite('in-process bus');

const newHub = (defer: (deliver: () => void) => void): InProcessHub =>
  new InProcessHub({ clock: systemClock, logger: silentLogger, defer });

const hub = newHub(setImmediate);
let prefixes = 0;
runContract('in-process bus contract', busContract, async () => ({
  fixture: {
    connect: () => Promise.resolve(hub.connect('test')),
    prefix: `case-${(prefixes += 1)}`,
  },
}));

test('deliveries keep their order over all connections and subjects (H1)', () => {
  const steps: (() => void)[] = [];
  const own = newHub((deliver) => void steps.push(deliver));
  const [left, right] = [own.connect('left'), own.connect('right')];
  const seen: string[] = [];
  left.subscribe('>', (message) => void seen.push(`${message.subject} ${message.payload[0]}`));
  for (let index = 0; index < 6; index += 1) (index % 2 === 0 ? left : right).publish(`s${index % 3}`, Uint8Array.of(index));
  assert.equal(seen, []);
  for (const step of steps.splice(0)) step();
  assert.equal(seen, ['s0 0', 's1 1', 's2 2', 's0 3', 's1 4', 's2 5']);
});

test('a subscription that came after the message does not get it (H2)', () => {
  const steps: (() => void)[] = [];
  const own = newHub((deliver) => void steps.push(deliver));
  const bus = own.connect('bus');
  bus.publish('a', Uint8Array.of(1));
  let late = 0;
  bus.subscribe('a', () => (late += 1));
  for (const step of steps.splice(0)) step();
  assert.is(late, 0);
  bus.publish('a', Uint8Array.of(2));
  for (const step of steps.splice(0)) step();
  assert.is(late, 1);
});

test('members of a queue group take turns (H3)', () => {
  const steps: (() => void)[] = [];
  const own = newHub((deliver) => void steps.push(deliver));
  const bus = own.connect('bus');
  const seen: string[] = [];
  for (const name of ['a', 'b', 'c']) bus.subscribe('work', () => void seen.push(name), { queue: 'q' });
  for (let index = 0; index < 7; index += 1) bus.publish('work', Uint8Array.of(index));
  for (const step of steps.splice(0)) step();
  assert.is(seen.join(''), 'abcabca');
});

test('a handler that throws is counted', () => {
  const steps: (() => void)[] = [];
  const own = newHub((deliver) => void steps.push(deliver));
  const bus = own.connect('bus');
  bus.subscribe('a', () => {
    throw new Error('on purpose');
  });
  bus.publish('a', Uint8Array.of(1));
  for (const step of steps.splice(0)) step();
  assert.is(bus.handlerFailures, 1);
});

test.run();
