/** What can go wrong in a simulated run, and how often; drawn from the seed of the run. */
import { frameKinds } from '../../dataflow/channels/frame-codec.js';
import { readFrameHeader } from '../../dataflow/channels/frame-header.js';
import type { SeededRandom } from './seeded-random.js';
import { leaseMs, type SimulatedCluster } from './simulated-cluster.js';
import { noFaults, type NetworkFaults, type SimulatedNetwork } from './simulated-network.js';
import type { Simulation } from './simulation.js';

/**
 * Which blows a run is about (`pauses`: a JobManager that sleeps past its lease, among lost tasks; `frames`: frames of
 * channels that are lost one by one); undefined: all of them.
 */
export type FaultFocus = 'leaders' | 'tasks' | 'pauses' | 'frames';

export interface FaultPlan {
  readonly focus: FaultFocus | undefined;
  readonly network: NetworkFaults;
  /** Chances of a store call to fail before, or after it took effect. */
  readonly store: { readonly refused: number; readonly answerLost: number };
  /** Virtual time between two blows, at least and at most. */
  readonly everyMs: readonly [number, number];
  /** Nothing goes wrong after this: what was broken must heal by itself. */
  readonly untilMs: number;
}

/** Draws how rough a run is: some runs are calm, so that the ordinary case is checked too. */
export function drawFaults(random: SeededRandom, focus?: FaultFocus): FaultPlan {
  const roughness = random.next();
  const isCalm = roughness < 0.15 && focus === undefined;
  const scale = isCalm ? 0 : roughness;
  const everyMs = focus === undefined || focus === 'frames' ? ([400, 3_500] as const) : ([200, 1_500] as const);
  return {
    focus,
    network: networkOf(random, scale, focus),
    store: { refused: 0.01 * scale, answerLost: 0.01 * scale },
    everyMs: isCalm ? [1e9, 1e9] : everyMs,
    untilMs: 9_000,
  };
}

function networkOf(random: SeededRandom, scale: number, focus: FaultFocus | undefined): NetworkFaults {
  if (focus === 'frames') return { ...sluggish, ...lossOfFrames(random, 1) };
  if (focus !== undefined) return sluggish;
  const network = drawNetwork(random, scale);
  return random.chance(0.3) ? { ...network, ...lossOfFrames(random, scale) } : network;
}

/** Most grants and beats may be lost at no cost; other frames cost a restart, so few of them are. */
function lossOfFrames(random: SeededRandom, scale: number): Pick<NetworkFaults, 'loss'> {
  const { data, fragment, barrier, cancelBarrier, watermark, endOfData, endOfPartition, grant, beat } = frameKinds;
  const [credit, marker, last, record] = [random.next() * 0.7, random.next() * 0.06, random.next() * 0.3, random.next() * 0.003];
  const chances = new Map<number, number>([
    ...([grant, beat] as const).map((kind) => [kind, credit * scale] as const),
    ...([barrier, cancelBarrier, watermark] as const).map((kind) => [kind, marker * scale] as const),
    ...([endOfData, endOfPartition] as const).map((kind) => [kind, last * scale] as const),
    ...([data, fragment] as const).map((kind) => [kind, record * scale] as const),
  ]);
  return { loss: (subject, payload) => (subject.includes('.data.') ? (chances.get(readFrameHeader(payload)?.kind ?? -1) ?? 0) : 0) };
}

/** Loses nothing, but takes its time: barriers arrive far apart, and a checkpoint is pending most of the time. */
const sluggish: NetworkFaults = { delayMsMin: 1, delayMsMax: 30, slowProbability: 0.15, dropProbability: 0, duplicateProbability: 0 };

function drawNetwork(random: SeededRandom, scale: number): NetworkFaults {
  return {
    delayMsMin: 0.1,
    delayMsMax: 0.5 + random.next() * 4,
    slowProbability: 0.02 * scale,
    dropProbability: random.chance(0.5) ? 0.004 * scale : 0,
    duplicateProbability: 0.02 * scale,
  };
}

type Blow = (world: Simulation, random: SeededRandom, cluster: SimulatedCluster, network: SimulatedNetwork) => string | undefined;

const pick = <T>(random: SeededRandom, items: readonly T[]): T | undefined => items[Math.floor(random.next() * items.length)];

const killTaskManager: Blow = (world, random, cluster) => {
  const victim = pick(random, cluster.taskManagers);
  if (victim === undefined || !victim.isAlive) return undefined;
  const name = victim.name.replace(/-\d+$/, '');
  victim.kill();
  world.schedule(random.between(100, 2_000), `${name} starts again`, () => void cluster.startTaskManager(name));
  return `kill ${victim.name}`;
};

const killJobManager: Blow = (world, random, cluster) => {
  const victim = cluster.jobManager;
  if (victim === undefined || !victim.isAlive) return undefined;
  victim.kill();
  // Sometimes its supervisor saw it die, sometimes the lease has to run out.
  const supersedes = random.chance(0.5) ? victim.name : undefined;
  world.schedule(random.between(100, 2_000), 'jm starts again', () => void cluster.startJobManager(supersedes));
  return `kill ${victim.name}`;
};

/** The old leader is stopped, loses its lease to a new one, and goes on not knowing it. */
const pauseJobManager: Blow = (world, random, cluster) => {
  const victim = cluster.jobManager;
  if (victim === undefined || !victim.isAlive) return undefined;
  victim.pause(random.between(500, 6_000));
  if (random.chance(0.7)) world.schedule(random.between(50, 500), 'a second jm starts', () => void cluster.startJobManager());
  return `pause ${victim.name}`;
};

/** The only JobManager is stopped until its lease is over and wakes up: nobody else led meanwhile, yet it must not go on as before. */
const pausePastLease: Blow = (_world, random, cluster) => {
  const victim = cluster.jobManager;
  if (victim === undefined || !victim.isAlive) return undefined;
  victim.pause(random.between(leaseMs, leaseMs + 2_000));
  return `pause ${victim.name} past its lease`;
};

/** The leader is stopped, and the new leader dies once the old one is awake: its successor trusts what it finds in the store. */
const usurp: Blow = (world, random, cluster) => {
  const victim = cluster.jobManager;
  if (victim === undefined || !victim.isAlive) return undefined;
  const awayMs = random.between(3_200, 6_000);
  victim.pause(awayMs);
  world.schedule(random.between(10, 200), 'a second jm starts', () => {
    const usurper = cluster.startJobManager();
    world.schedule(awayMs + random.between(100, 1_500), 'the usurper dies', () => {
      usurper.kill();
      world.schedule(random.between(100, 500), 'jm starts again', () => void cluster.startJobManager());
    });
  });
  return `usurp ${victim.name}`;
};

const pauseTaskManager: Blow = (_world, random, cluster) => {
  const victim = pick(random, cluster.taskManagers);
  if (victim === undefined || !victim.isAlive) return undefined;
  victim.pause(random.between(100, 7_000));
  return `pause ${victim.name}`;
};

const crashSlot: Blow = (_world, random, cluster) => {
  const victim = pick(random, cluster.taskManagers);
  const slot = victim === undefined ? undefined : pick(random, cluster.slotsOf(victim.name.replace(/-\d+$/, ''))?.alive ?? []);
  if (victim?.isAlive !== true || slot === undefined) return undefined;
  slot.crash(new Error('the slot thread died'));
  return `crash slot ${slot.start.slot} of ${victim.name}`;
};

const partition: Blow = (_world, random, cluster, network) => {
  const victim = pick(random, [...cluster.taskManagers, ...(cluster.jobManager === undefined ? [] : [cluster.jobManager])]);
  if (victim === undefined) return undefined;
  const others = [...cluster.taskManagers, cluster.jobManager].flatMap((process) =>
    process === undefined || process === victim ? [] : [process.name],
  );
  network.partition([victim.name], others, random.between(200, 7_000));
  return `partition ${victim.name}`;
};

const restartServer: Blow = (_world, random, _cluster, network) => {
  network.restartServer(random.between(50, 1_500));
  return 'restart of the bus';
};

const disconnect: Blow = (_world, random, cluster, network) => {
  const victim = pick(random, cluster.taskManagers);
  if (victim === undefined) return undefined;
  network.disconnect(victim.name, random.between(50, 1_000));
  return `disconnect ${victim.name}`;
};

/** Machines lose power: unsynced bytes and names are gone, everything starts anew. */
const losePower: Blow = (world, random, cluster) => {
  const victims = cluster.taskManagers.filter(({ isAlive }) => isAlive);
  for (const victim of victims) victim.kill();
  cluster.disk.crash(random);
  for (const { name } of victims) {
    const id = name.replace(/-\d+$/, '');
    world.schedule(random.between(200, 1_000), `${id} starts again`, () => void cluster.startTaskManager(id));
  }
  return 'power cut';
};

type WeightedBlows = readonly (readonly [number, Blow])[];

/** Weighted by how often each happens. */
const allBlows: WeightedBlows = [
  [4, killTaskManager],
  [3, killJobManager],
  [2, pauseJobManager],
  [2, usurp],
  [2, pausePastLease],
  [2, pauseTaskManager],
  [3, crashSlot],
  [2, partition],
  [1, restartServer],
  [1, disconnect],
  [1, losePower],
];

const focused: Readonly<Record<FaultFocus, WeightedBlows>> = {
  leaders: [[1, usurp]],
  pauses: [
    [3, pausePastLease],
    [1, killTaskManager],
    [1, crashSlot],
  ],
  frames: [[1, disconnect]],
  tasks: [
    [2, killTaskManager],
    [3, crashSlot],
  ],
};

/** Lets blows fall until the plan says enough; `onBlow` hears of each. */
export function unleash(
  plan: FaultPlan,
  world: Simulation,
  cluster: SimulatedCluster,
  network: SimulatedNetwork,
  onBlow: (what: string) => void,
): void {
  const random = world.random.fork();
  const blows = plan.focus === undefined ? allBlows : focused[plan.focus];
  const total = blows.reduce((sum, [weight]) => sum + weight, 0);
  const next = (): void => {
    const delay = random.between(...(plan.everyMs as [number, number]));
    if (world.nowMs + delay > plan.untilMs) return;
    world.schedule(delay, 'a blow falls', () => {
      let at = random.next() * total;
      const [, blow] = blows.find(([weight]) => (at -= weight) < 0) ?? (blows[0] as (typeof blows)[number]);
      const what = blow(world, random, cluster, network);
      if (what !== undefined) onBlow(what);
      next();
    });
  };
  next();
  world.schedule(plan.untilMs, 'the network is calm', () => network.setFaults(noFaults));
}
