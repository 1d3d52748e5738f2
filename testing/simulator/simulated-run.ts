/**
 * One simulated run: a cluster, a job and faults from one seed, and the verdict on what it left on the disk.
 *
 * SR1  The verdict compares committed lines with an independent computation, as multisets.
 * SR2  Nothing of one run is seen by another: the same seed gives the same trace, alone or inside a campaign.
 */
import { MillraceError } from '../../core/errors.js';
import { Configuration } from '../../core/configuration/configuration.js';
import { planJob } from '../../graph/job-plan.js';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { MemoryFileSystem } from '../memory-file-system.js';
import { drawFaults, unleash, type FaultFocus } from './faults.js';
import { SimulatedCluster, type BrokenGuards } from './simulated-cluster.js';
import type { SeededRandom } from './seeded-random.js';
import { SimulatedNetwork } from './simulated-network.js';
import { Simulation } from './simulation.js';
import type { SimulatedWork } from './simulated-work.js';
import { drawnWork, type WorkKind } from './workload.js';

export interface RunVerdict {
  readonly seed: number;
  readonly traceHash: string;
  /** Undefined: everything held. */
  readonly violation: { readonly code: ViolationCode; readonly detail: string } | undefined;
  readonly blows: readonly string[];
  readonly events: number;
  readonly virtualMs: number;
  readonly checkpoints: number;
  readonly restarts: number;
}

export type ViolationCode =
  'LOST' | 'DUPLICATED' | 'UNEXPECTED' | 'NOT_FINISHED' | 'STUCK' | 'EPOCH' | 'CREDIT' | 'MISCOUNTED' | 'LEFTOVERS' | 'CRASHED';

export interface SimulatedRunOptions {
  readonly seed: number;
  readonly broken?: BrokenGuards;
  /** What the cluster does; default: the job that the seed draws. Its own randomness comes from the seed. */
  readonly work?: (random: SeededRandom) => SimulatedWork;
  /** Of the job that the seed draws; default: it draws that too. */
  readonly workKind?: WorkKind;
  /** What the faults are about; all kinds by default. */
  readonly focus?: FaultFocus;
  readonly onTrace?: (line: string) => void;
  /**
   * Errors carry their stacks. They travel in messages, whose sizes are traced: the hash then depends on who called
   * `simulateRun` and where the code lies (SR2 does not hold).
   */
  readonly areStacksKept?: boolean;
}

/** Blows end long before: what is not done by then is stuck. */
const limitMs = 120_000;

export async function simulateRun(options: SimulatedRunOptions): Promise<RunVerdict> {
  if (options.areStacksKept === true) return runOne(options);
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await runOne(options);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function runOne(options: SimulatedRunOptions): Promise<RunVerdict> {
  const { seed, broken = {}, focus, onTrace, workKind, work: workOf = (random) => drawnWork(random, workKind) } = options;
  const world = new Simulation({ seed, ...(onTrace === undefined ? {} : { onTrace }) });
  const plan = drawFaults(world.random.fork(), focus);
  const work = workOf(world.random.fork());
  const network = new SimulatedNetwork({ world, random: world.random.fork(), faults: plan.network });
  const cluster = new SimulatedCluster({
    world,
    network,
    taskManagers: 3,
    slots: 2,
    loadJob: () => work.makeJob(),
    storeFaults: { ...plan.store, isOver: () => world.nowMs > plan.untilMs },
    ...(work.buffers === undefined ? {} : { buffers: work.buffers }),
    broken,
  });
  await work.prepare?.(cluster.disk);
  const blows: string[] = [];
  cluster.startAll();
  unleash(plan, world, cluster, network, (what) => {
    blows.push(what);
    world.trace(`blow: ${what}`);
  });
  const { client } = cluster.client();
  let end: JobSummary | undefined;
  let failure: unknown;
  client
    .submit({
      jobGraph: planJob(work.makeJob().build(work.parameters ?? {}, { configuration: Configuration.defaults })).jobGraph,
      code: { kind: 'module', url: 'simulated:job' },
    })
    .then((id) => client.waitForEnd(id))
    .then(
      (summary) => (end = summary),
      (error: unknown) => (failure = error),
    );
  let violation: RunVerdict['violation'];
  try {
    await world.runUntil(() => end !== undefined || failure !== undefined, limitMs);
    violation = failure === undefined ? await judge(end as unknown as JobSummary, cluster.disk, work) : crashed(failure);
  } catch (error) {
    violation = crashed(error);
  }
  const creditFault = cluster.creditFault();
  if (creditFault !== undefined) violation = { code: 'CREDIT', detail: creditFault };
  return {
    seed,
    traceHash: world.traceHash(),
    violation,
    blows,
    events: world.events,
    virtualMs: world.nowMs,
    checkpoints: end?.checkpointsCompleted ?? 0,
    restarts: end?.restarts ?? 0,
  };
}

async function judge(end: JobSummary, disk: MemoryFileSystem, work: SimulatedWork): Promise<RunVerdict['violation']> {
  if (end.status !== 'FINISHED') return { code: 'NOT_FINISHED', detail: `${end.status}: ${JSON.stringify(end.error)}` };
  if (work.records !== undefined && end.recordsIn !== work.records)
    return { code: 'MISCOUNTED', detail: `${end.recordsIn} records were told of ${work.records}` };
  const expected = countOf(work.expected());
  const found = countOf(await work.committed(disk));
  for (const [line, times] of expected) if ((found.get(line) ?? 0) < times) return { code: 'LOST', detail: line };
  for (const [line, times] of found) {
    const wanted = expected.get(line);
    if (wanted === undefined) return { code: 'UNEXPECTED', detail: line };
    if (times > wanted) return { code: 'DUPLICATED', detail: line };
  }
  return undefined;
}

function countOf(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}

function crashed(error: unknown): NonNullable<RunVerdict['violation']> {
  if (error instanceof MillraceError && error.code === 'EPOCH_LED_TWICE') return { code: 'EPOCH', detail: error.message };
  const isStuck = error instanceof MillraceError && error.code.startsWith('SIMULATION_');
  return { code: isStuck ? 'STUCK' : 'CRASHED', detail: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
