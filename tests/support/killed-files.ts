/**
 * A job of one task that writes numbers to files on a disk in memory, killed at chosen operations of that disk.
 */
import * as assert from 'uvu/assert';
import { fileSink, type FileSinkOptions } from '../../connectors/sinks/files/file-sink.js';
import { MillraceError } from '../../core/errors.js';
import { checkpointId, type CheckpointId } from '../../core/ids.js';
import type { Clock, FileSystem } from '../../core/ports.js';
import type { ErrorPolicySettings } from '../../dataflow/error-policy.js';
import { guardedOperator } from '../../dataflow/operators/guarded.js';
import type { Operator, Sink } from '../../dataflow/contracts.js';
import { SinkBench } from '../../testing/contracts/sink.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';

/** Where the job writes. */
export const directory = '/out/deep';

export type Numbered = { readonly number: number };

/** A clock whose timers are due at once: waiting costs nothing. */
export const hastyClock: Clock = {
  now: () => 0,
  monotonic: () => 0,
  setTimer: (_delayMs, callback) => {
    void Promise.resolve().then(callback);
    return { cancel: () => undefined };
  },
};

/** Paths of all files below a directory, hidden ones too, in order. */
export async function filesBelow(files: FileSystem, target = directory): Promise<string[]> {
  const kind = (await files.stat(target))?.kind;
  if (kind !== 'directory') return kind === 'file' ? [target] : [];
  const paths: string[] = [];
  for (const name of await files.list(target)) paths.push(...(await filesBelow(files, `${target}/${name}`)));
  return paths;
}

/** Numbers in the final files at any depth, in the order of names and lines. */
export async function visible(files: FileSystem, target = directory): Promise<number[]> {
  const numbers: number[] = [];
  for (const path of await filesBelow(files, target)) {
    if (/\/[._]/.test(path.slice(target.length))) continue;
    const text = Buffer.from(await files.readFile(path)).toString('utf8');
    for (const line of text.split('\n').slice(0, -1)) numbers.push((JSON.parse(line) as Numbered).number);
  }
  return numbers;
}

/** Kills everything at a chosen operation of the disk: this one and all later fail, until `revive`. */
class Guillotine {
  operations = 0;
  #at = Number.POSITIVE_INFINITY;

  readonly before = (): void => {
    this.operations++;
    if (this.operations >= this.#at) throw new MillraceError('KILLED', `operation ${this.operations} comes after the kill`);
  };

  set(at: number): void {
    this.operations = 0;
    this.#at = at;
  }
}

interface Checkpoint {
  readonly id: CheckpointId;
  readonly position: number;
  readonly state: unknown;
}

interface JobOptions {
  readonly files: FileSystem;
  readonly attempt: number;
  readonly records: number;
  readonly sink: FileSinkOptions<Numbered>;
  readonly policy: ErrorPolicySettings | undefined;
  readonly restore: Checkpoint | undefined;
  readonly firstId: number;
  /** Completions that never reach the sink. */
  readonly losesCompletion: (id: number) => boolean;
  readonly onCheckpoint: (checkpoint: Checkpoint) => void;
}

/** One attempt of a job of one task that reads numbers and writes them, with a checkpoint after every second one. */
async function attemptJob({
  files,
  attempt,
  records,
  sink: options,
  policy,
  restore,
  firstId,
  losesCompletion,
  onCheckpoint,
}: JobOptions): Promise<void> {
  const restored = restore === undefined ? {} : { restored: [restore.state], restoredCheckpointId: restore.id };
  const target = fileSink<Numbered>(directory, options);
  const guarded = (errors: ErrorPolicySettings): Sink<Numbered> => ({
    ...target,
    createWriter: () => guardedOperator(target.createWriter() as Operator, errors) as Operator<Numbered, never>,
  });
  const sink = new SinkBench(policy === undefined ? target : guarded(policy), {
    files,
    clock: hastyClock,
    seed: attempt + 1,
    attempt,
    ...restored,
  });
  await sink.open();
  let id = firstId;
  const checkpoint = async (position: number): Promise<void> => {
    const state = await sink.snapshot(id);
    if (sink.bench.failures.length > 0) throw sink.bench.failures[0];
    onCheckpoint({ id: checkpointId(id), position, state });
    if (!losesCompletion(id)) await sink.completed(id);
    id++;
  };
  for (let number = restore?.position ?? 0; number < records; number++) {
    await sink.write({ number });
    if (number % 2 === 1) await checkpoint(number + 1);
  }
  await sink.finish();
  await checkpoint(records);
  await sink.completed(id - 1);
  await sink.close();
}

export interface Loss {
  readonly name: string;
  apply(files: MemoryFileSystem): void;
}

/** What a kill does to the disk. */
export const losses: readonly Loss[] = [
  { name: 'process killed', apply: () => undefined },
  { name: 'power lost', apply: (files) => files.crash() },
];

export interface KilledRun {
  /** Operation at which each attempt is killed, counted within it; later attempts run to the end. */
  readonly kills: readonly number[];
  readonly loss: Loss;
  readonly losesCompletion?: (id: number) => boolean;
  readonly sink?: FileSinkOptions<Numbered>;
  /** Of the sink, for errors. */
  readonly policy?: ErrorPolicySettings;
}

export interface KilledOutcome {
  readonly output: readonly number[];
  /** Of the last attempt. */
  readonly operations: number;
  /** Temporary files that nobody needs any more. */
  readonly leftovers: readonly string[];
}

/** Runs the job with its kills, then to its end. */
export async function runKilled({ kills, loss, losesCompletion = () => false, sink = {}, policy }: KilledRun): Promise<KilledOutcome> {
  const guillotine = new Guillotine();
  const files = new MemoryFileSystem({ before: guillotine.before });
  let latest: Checkpoint | undefined;
  let firstId = 1;
  for (let attempt = 0; ; attempt++) {
    guillotine.set(kills[attempt] ?? Number.POSITIVE_INFINITY);
    const options = { files, attempt, records: 5, sink, policy, restore: latest, firstId, losesCompletion };
    try {
      await attemptJob({ ...options, onCheckpoint: (checkpoint) => ((latest = checkpoint), (firstId = checkpoint.id + 1)) });
    } catch (error) {
      assert.is(error instanceof MillraceError && error.code, 'KILLED', String(error));
      // What the dead attempt had under way must fail too before the next one starts.
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      firstId++;
      guillotine.set(Number.POSITIVE_INFINITY);
      loss.apply(files);
      continue;
    }
    const { operations } = guillotine;
    guillotine.set(Number.POSITIVE_INFINITY);
    const paths = await filesBelow(files);
    const output = (await visible(files)).sort((a, b) => a - b);
    return { output, operations, leftovers: paths.filter((path) => path.endsWith('.tmp')) };
  }
}
