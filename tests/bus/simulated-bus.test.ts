import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BusFailure, BusStatus } from '../../bus/contracts.js';
import { BusError } from '../../bus/contracts.js';
import { busContract } from '../../testing/contracts/bus.js';
import { type NetworkFaults, noFaults, SimulatedNetwork } from '../../testing/simulator/simulated-network.js';
import { type SimulatedProcess, Simulation } from '../../testing/simulator/simulation.js';
import { runContract } from '../support/run-contract.js';

/** Virtual time in which any of this is over. */
const limitMs = 600_000;

async function drive(world: Simulation, work: Promise<unknown>): Promise<void> {
  let isDone = false;
  let failure: unknown;
  work.then(
    () => (isDone = true),
    (error: unknown) => {
      failure = error;
      isDone = true;
    },
  );
  await world.runUntil(() => isDone, limitMs);
  if (failure !== undefined) throw failure;
}

const contractInVirtualTime = busContract.map(({ name, run }) => ({
  name,
  run: ({ world, network }: { world: Simulation; network: SimulatedNetwork }) => {
    let processes = 0;
    const connect = () => Promise.resolve(network.connect(world.process(`process-${(processes += 1)}`)));
    return drive(world, run({ connect, prefix: 'case' }));
  },
}));

runContract('simulated bus contract (W5)', contractInVirtualTime, async () => {
  const world = new Simulation({ seed: 7 });
  return { fixture: { world, network: new SimulatedNetwork({ world, random: world.random.fork() }) } };
});

const test = suite('simulated bus');
const rough: NetworkFaults = { delayMsMin: 0.1, delayMsMax: 20, slowProbability: 0.05, dropProbability: 0.1, duplicateProbability: 0.1 };

function start(seed: number, faults: NetworkFaults = noFaults) {
  const world = new Simulation({ seed });
  const network = new SimulatedNetwork({ world, random: world.random.fork(), faults });
  return { world, network, near: world.process('near'), far: world.process('far') };
}

/** Runs until `ms` of virtual time from now have passed. */
async function pass(world: Simulation, ms: number): Promise<void> {
  let isOver = false;
  world.schedule(ms, 'enough', () => (isOver = true));
  await world.runUntil(() => isOver, limitMs);
}

async function failureOf(world: Simulation, work: Promise<unknown>): Promise<BusFailure | 'none'> {
  let failure: BusFailure | 'none' | undefined;
  work.then(
    () => (failure = 'none'),
    (error: unknown) => (failure = error instanceof BusError ? error.failure : 'none'),
  );
  await world.runUntil(() => failure !== undefined, limitMs);
  return failure ?? 'none';
}

test('order holds on each subject and not across subjects, under every fault (W1)', async () => {
  const { world, network, near, far } = start(3, rough);
  const [publisher, subscriber] = [network.connect(near), network.connect(far)];
  const seen: { subject: string; index: number }[] = [];
  subscriber.subscribe('s.*', (message) => void seen.push({ subject: message.subject, index: message.payload[0] as number }));
  await pass(world, 500);
  for (let index = 0; index < 200; index += 1) publisher.publish(`s.${index % 4}`, Uint8Array.of(index));
  await pass(world, 60_000);
  for (let subject = 0; subject < 4; subject += 1) {
    const own = seen.filter((each) => each.subject === `s.${subject}`).map((each) => each.index);
    assert.equal(
      own,
      [...own].sort((left, right) => left - right),
    );
  }
  const all = seen.map((each) => each.index);
  assert.not.equal(
    all,
    [...all].sort((left, right) => left - right),
  );
  assert.ok(network.counts.dropped > 5 && network.counts.duplicated > 5, 'faults happened');
  assert.ok(new Set(all).size < 200 && all.length > new Set(all).size, 'some were lost, some came twice');
});

test('the same seed gives the same run, another seed another one (W4)', async () => {
  const run = async (seed: number): Promise<string> => {
    const { world, network, near, far } = start(seed, rough);
    const [publisher, subscriber] = [network.connect(near), network.connect(far)];
    subscriber.subscribe('a', (message) => message.respond?.(message.payload));
    for (let index = 0; index < 50; index += 1) {
      publisher.request('a', Uint8Array.of(index), { timeoutMs: 200 }).catch(() => undefined);
    }
    network.restartServer(100);
    await pass(world, 5_000);
    return world.traceHash();
  };
  assert.is(await run(1), await run(1));
  assert.is.not(await run(1), await run(2));
});

test('what is on the way when a connection breaks is lost; publishing meanwhile fails; subscriptions come back (W2)', async () => {
  const { world, network, near, far } = start(5);
  const [publisher, subscriber] = [network.connect(near), network.connect(far)];
  const seen: number[] = [];
  const told: BusStatus[] = [];
  subscriber.subscribe('a', (message) => {
    seen.push(message.payload[0] as number);
    message.respond?.(message.payload);
  });
  publisher.onStatus((status) => void told.push(status));
  await pass(world, 10);
  publisher.publish('a', Uint8Array.of(1));
  const underWay = failureOf(world, publisher.request('a', Uint8Array.of(2), { timeoutMs: 60_000 }));
  network.disconnect('near', 300);
  assert.is(await underWay, 'disconnected');
  assert.throws(
    () => publisher.publish('a', Uint8Array.of(3)),
    (error: BusError) => error.failure === 'disconnected',
  );
  await pass(world, 400);
  assert.equal(seen, []);
  assert.equal(told, ['disconnected', 'connected']);
  network.disconnect('far', 300);
  await pass(world, 1);
  assert.is(await failureOf(world, publisher.request('a', Uint8Array.of(4), { timeoutMs: 100 })), 'no-responders');
  await pass(world, 400);
  assert.is(await failureOf(world, publisher.request('a', Uint8Array.of(5), { timeoutMs: 100 })), 'none');
  assert.equal(seen, [5]);
});

test('requests to a killed process find no responders soon (W3)', async () => {
  const { world, network, near, far } = start(6);
  const [publisher, subscriber] = [network.connect(near), network.connect(far)];
  let heard = 0;
  subscriber.subscribe('a', (message) => {
    heard += 1;
    message.respond?.(message.payload);
  });
  await pass(world, 10);
  assert.is(await failureOf(world, publisher.request('a', Uint8Array.of(1), { timeoutMs: 100 })), 'none');
  far.kill();
  assert.is(await failureOf(world, publisher.request('a', Uint8Array.of(1), { timeoutMs: 100 })), 'timeout');
  assert.is(await failureOf(world, publisher.request('a', Uint8Array.of(1), { timeoutMs: 100 })), 'no-responders');
  assert.is(heard, 1);
});

test('requests to a machine that fell silent time out until the server gives it up (W3)', async () => {
  const { world, network, near, far } = start(6);
  const [publisher, subscriber] = [network.connect(near), network.connect(far)];
  subscriber.subscribe('a', (message) => message.respond?.(message.payload));
  await pass(world, 10);
  network.unplug('far');
  far.kill();
  await pass(world, 5_000);
  assert.is(await failureOf(world, publisher.request('a', Uint8Array.of(1), { timeoutMs: 100 })), 'timeout');
  await pass(world, 15_000);
  assert.is(await failureOf(world, publisher.request('a', Uint8Array.of(1), { timeoutMs: 100 })), 'no-responders');
});

test('a paused process gets everything late, in order', async () => {
  const { world, network, near, far } = start(8);
  const [publisher, subscriber] = [network.connect(near), network.connect(far)];
  const seen: { index: number; at: number }[] = [];
  subscriber.subscribe('a', (message) => void seen.push({ index: message.payload[0] as number, at: world.nowMs }));
  await pass(world, 10);
  far.pause(1_000);
  for (let index = 0; index < 5; index += 1) publisher.publish('a', Uint8Array.of(index));
  await pass(world, 2_000);
  assert.equal(
    seen.map((each) => each.index),
    [0, 1, 2, 3, 4],
  );
  assert.ok(seen.every((each) => each.at >= 1_000));
});

test('a partition loses what crosses it, in both directions, and heals', async () => {
  const { world, network, near, far } = start(9);
  const third: SimulatedProcess = world.process('third');
  const buses = [network.connect(near), network.connect(far), network.connect(third)] as const;
  for (const [index, bus] of buses.entries()) bus.subscribe(`to.${index}`, (message) => message.respond?.(message.payload));
  await pass(world, 10);
  network.partition(['near'], ['far'], 1_000);
  const ask = (from: 0 | 1 | 2, to: 0 | 1 | 2) => failureOf(world, buses[from].request(`to.${to}`, Uint8Array.of(1), { timeoutMs: 50 }));
  assert.equal([await ask(0, 1), await ask(1, 0), await ask(0, 2), await ask(2, 1)], ['timeout', 'timeout', 'none', 'none']);
  await pass(world, 1_000);
  assert.equal([await ask(0, 1), await ask(1, 0)], ['none', 'none']);
});

test.run();
