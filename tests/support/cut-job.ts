/**
 * A job of one task that writes numbers to a server, cut off from it at chosen messages, as a process that dies there is.
 *
 * CJ1  A cut attempt does nothing any more: its clock stands still and nobody answers it.
 * CJ2  The next attempt starts from the last checkpoint that completed, whether or not the sink was told of it.
 */
import { checkpointId, type CheckpointId } from '../../core/ids.js';
import type { Clock, TimerHandle } from '../../core/ports.js';
import type { Sink } from '../../dataflow/contracts.js';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { SinkBench } from '../../testing/contracts/sink.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { CutProxy, type Protocol } from './cut-proxy.js';

export interface Cut {
  /** Of the attempt, counted from 1. */
  readonly message: number;
  readonly mode: 'before' | 'after';
}

export interface CutJobOptions {
  readonly protocol: Protocol;
  /** Of the server. */
  readonly port: number;
  /** Of the attempts, in turn; the one after them runs to its end. */
  readonly cuts: readonly Cut[];
  /** A sink that reaches the server at this port. */
  readonly makeSink: (port: number) => Sink<number>;
  /** Records, with a checkpoint after every second one; default 5. */
  readonly records?: number;
  readonly losesCompletion?: (id: number) => boolean;
  /** Called before each further attempt. */
  readonly beforeRestart?: () => Promise<void>;
}

interface Checkpoint {
  readonly id: CheckpointId;
  readonly position: number;
  readonly state: unknown;
}

/** Until it is stopped, the time of this machine. */
class MortalClock implements Clock {
  #isDead = false;
  readonly now = (): number => systemClock.now();
  readonly monotonic = (): number => systemClock.monotonic();

  setTimer(delayMs: number, callback: () => void): TimerHandle {
    return systemClock.setTimer(delayMs, () => {
      if (!this.#isDead) callback();
    });
  }

  kill(): void {
    this.#isDead = true;
  }
}

/** Messages of the last attempt. */
export async function runCut(options: CutJobOptions): Promise<number> {
  let latest: Checkpoint | undefined;
  let nextId = 1;
  const onCheckpoint = (checkpoint: Checkpoint): void => {
    latest = checkpoint;
  };
  for (let attempt = 0; ; attempt += 1) {
    const cut = options.cuts[attempt];
    const proxy = await CutProxy.start(options.protocol, options.port);
    if (cut !== undefined) proxy.cutAt(cut.message, cut.mode);
    const clock = new MortalClock();
    const restored = latest === undefined ? {} : { restored: [latest.state], restoredCheckpointId: latest.id };
    const sink = new SinkBench(options.makeSink(proxy.port), { files: new MemoryFileSystem(), clock, attempt, ...restored });
    const run = attemptJob({ options, sink, position: latest?.position ?? 0, id: () => nextId++, onCheckpoint });
    const isDone = await Promise.race([run.then(() => true), proxy.cut.then(() => false)]);
    const messages = proxy.count;
    clock.kill();
    await proxy.close();
    run.catch(() => undefined);
    await sink.close();
    if (isDone) return messages;
    await options.beforeRestart?.();
  }
}

interface AttemptOptions {
  readonly options: CutJobOptions;
  readonly sink: SinkBench<number>;
  readonly position: number;
  readonly id: () => number;
  readonly onCheckpoint: (checkpoint: Checkpoint) => void;
}

async function attemptJob({ options, sink, position, id: nextId, onCheckpoint }: AttemptOptions): Promise<void> {
  const { records = 5, losesCompletion = () => false } = options;
  await sink.open();
  const checkpoint = async (reached: number, isLast: boolean): Promise<void> => {
    const id = nextId();
    const state = await sink.snapshot(id);
    if (sink.bench.failures.length > 0) throw sink.bench.failures[0];
    onCheckpoint({ id: checkpointId(id), position: reached, state });
    if (isLast || !losesCompletion(id)) await sink.completed(id);
  };
  for (let number = position; number < records; number += 1) {
    await sink.write(number);
    if (number % 2 === 1) await checkpoint(number + 1, false);
  }
  await sink.finish();
  await checkpoint(records, true);
  await sink.close();
}
