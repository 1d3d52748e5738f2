/**
 * Many simulated runs, shared out among processes.
 *
 * SC1  Verdicts come in the order of their seeds, whichever process was first.
 * SC2  A seed has the trace it has alone: a run sees nothing of the runs before it (SR2), nor of other processes.
 * SC3  A process that dies fails the campaign, naming the seed it was running; no process outlives the campaign.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { FaultFocus } from './faults.js';
import type { BrokenGuards } from './simulated-cluster.js';
import { simulateRun, type RunVerdict, type SimulatedRunOptions } from './simulated-run.js';
import type { WorkKind } from './workload.js';

export interface CampaignOptions {
  readonly seed: number;
  readonly runs: number;
  readonly broken?: BrokenGuards;
  readonly focus?: FaultFocus;
  readonly workKind?: WorkKind;
  /** Called in the order of the seeds (SC1). */
  readonly onVerdict: (verdict: RunVerdict) => void;
  /** Called with each line of the traces; then everything runs in this process. */
  readonly onTrace?: (line: string) => void;
  /** See `SimulatedRunOptions`; then everything runs in this process. */
  readonly areStacksKept?: boolean;
  /** Default: one a core; 1 runs everything here. */
  readonly processes?: number;
}

/** What a process of a campaign is told: run this seed. It answers with the verdict. */
export type CampaignOrder = Pick<SimulatedRunOptions, 'seed' | 'broken' | 'focus' | 'workKind'>;

/** Below, starting processes costs more than they save. */
const runsForProcesses = 20;
const workerFile = fileURLToPath(new URL('./campaign-worker.js', import.meta.url));

/** Runs the seeds `seed`, `seed + 1`, … */
export async function runCampaign(options: CampaignOptions): Promise<void> {
  const { seed, runs, onVerdict, onTrace, areStacksKept = false } = options;
  const processes = Math.min(options.processes ?? (runs < runsForProcesses ? 1 : availableParallelism()), runs);
  if (processes > 1 && onTrace === undefined && !areStacksKept) return sharedOut(options, processes);
  const trace = onTrace === undefined ? {} : { onTrace };
  for (let run = 0; run < runs; run += 1) onVerdict(await simulateRun({ ...orderOf(options, seed + run), areStacksKept, ...trace }));
}

function orderOf({ broken, focus, workKind }: CampaignOptions, seed: number): CampaignOrder {
  return {
    seed,
    ...(broken === undefined ? {} : { broken }),
    ...(focus === undefined ? {} : { focus }),
    ...(workKind === undefined ? {} : { workKind }),
  };
}

async function sharedOut(options: CampaignOptions, processes: number): Promise<void> {
  const { seed, runs, onVerdict } = options;
  const waiting = new Map<number, RunVerdict>();
  let nextRun = 0;
  let nextTold = 0;
  const take = (): CampaignOrder | undefined => (nextRun < runs ? orderOf(options, seed + nextRun++) : undefined);
  const tell = (verdict: RunVerdict): void => {
    waiting.set(verdict.seed, verdict);
    for (let next = waiting.get(seed + nextTold); next !== undefined; next = waiting.get(seed + nextTold)) {
      waiting.delete(seed + nextTold);
      nextTold += 1;
      onVerdict(next);
    }
  };
  const children = Array.from({ length: processes }, () => fork(workerFile, { serialization: 'advanced' }));
  try {
    await Promise.all(children.map((child) => feed(child, { take, tell })));
  } finally {
    for (const child of children) child.kill();
  }
}

interface Feeding {
  /** The next run; undefined when all are taken. */
  readonly take: () => CampaignOrder | undefined;
  readonly tell: (verdict: RunVerdict) => void;
}

/** Gives one process run after run. Resolves when there are no more. */
function feed(child: ChildProcess, { take, tell }: Feeding): Promise<void> {
  return new Promise((resolve, reject) => {
    let current: CampaignOrder | undefined;
    const order = (): void => {
      current = take();
      if (current === undefined) resolve();
      else child.send(current);
    };
    child.on('message', (verdict) => {
      try {
        tell(verdict as RunVerdict);
        order();
      } catch (error) {
        reject(error as Error);
      }
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => reject(new Error(`the process of seed ${current?.seed ?? 'none'} ended with ${signal ?? code}`)));
    order();
  });
}
