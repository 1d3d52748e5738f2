/**
 * Completed checkpoints: the commit point, what is restored from, and the removal of what nobody needs any more. Used by
 * the CheckpointCoordinator of a job; puts the HA store and the checkpoint storage together.
 *
 * CS1  A checkpoint is complete when, and only when, the fenced pointer write succeeded; its metadata was durable before.
 *      While the outcome of that write is unknown (a reply was cut, the store is away) it is repeated, so that `complete`
 *      that rejects means: not completed, and never will be by this leader.
 * CS2  Only chunks with an id below every retained and every pending checkpoint are deleted, and of those only the ones no
 *      retained checkpoint references; deletes carry the leader's token.
 * CS3  Deleting never delays or fails a checkpoint: it runs after it, one pass at a time, and what it missed the next pass
 *      finds (dropped checkpoints, aborted ones and chunks of late writers alike).
 */
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import type { CheckpointId, JobId } from '../../core/ids.js';
import type { Clock, Logger } from '../../core/ports.js';
import type { CheckpointPointer, CheckpointStorage, CompletedCheckpoint, HaStore, LeaderToken } from '../contracts.js';
import { chunkNamesOf, decodeCheckpoint, encodeCheckpoint, formatCheckpointPath, parseCheckpointPath } from './checkpoint-metadata.js';
import { formatChunkName, parseChunkName } from './chunk-name.js';

export interface CheckpointStoreOptions {
  readonly ha: HaStore;
  readonly storage: CheckpointStorage;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The store of one job for one leader: what a CheckpointCoordinator needs. */
export interface JobCheckpointLedger {
  nextId(): Promise<CheckpointId>;
  complete(checkpoint: CompletedCheckpoint, retained: number): Promise<void>;
  /** Deletes chunks that no checkpoint from `oldestNeeded` on, and no retained one, can need. */
  sweep(oldestNeeded: CheckpointId): Promise<void>;
}

const repeatDelayMs = 100;
const repeatDelayMsMax = 5_000;

/** What deleting has done so far. */
export interface CollectionCounts {
  /** Passes asked for and not yet ended. */
  readonly running: number;
  readonly chunksRemoved: number;
  readonly failures: number;
}

export class CheckpointStore {
  private readonly ha: HaStore;
  private readonly storage: CheckpointStorage;
  private readonly clock: Clock;
  private readonly logger: Logger;
  /** Chunk names by name of the metadata chunk, for retained checkpoints. */
  private readonly references = new Map<string, readonly string[]>();
  private collection: Promise<void> = Promise.resolve();
  private running = 0;
  private chunksRemoved = 0;
  private failures = 0;

  constructor(options: CheckpointStoreOptions) {
    this.ha = options.ha;
    this.storage = options.storage;
    this.clock = options.clock;
    this.logger = options.logger;
  }

  /** This store, bound to a leader's token and a job. */
  forJob(token: LeaderToken, job: JobId): JobCheckpointLedger {
    return {
      nextId: () => this.ha.nextCheckpointId(token, job),
      complete: async (checkpoint, retained) => void (await this.complete(token, checkpoint, retained)),
      sweep: (oldestNeeded) => this.sweep(token, job, oldestNeeded),
    };
  }

  /** Commits a checkpoint (CS1): resolves at the commit point. `sweep` afterwards. */
  async complete(token: LeaderToken, checkpoint: CompletedCheckpoint, retained: number): Promise<CheckpointPointer> {
    const { jobId, checkpointId } = checkpoint;
    const name = formatChunkName({ jobId, checkpointId, writer: `epoch-${token.epoch}`, name: 'metadata', index: 0 });
    const metadata = await this.storage.write(name, encodeCheckpoint(checkpoint));
    const pointer: CheckpointPointer = { checkpointId, metadata };
    await this.addPointer(token, jobId, pointer, retained);
    this.references.set(name, [name, ...chunkNamesOf(checkpoint)]);
    return pointer;
  }

  /** The newest completed checkpoint of a job; undefined when it has none. A damaged one is an error, never skipped. */
  async latest(job: JobId): Promise<CompletedCheckpoint | undefined> {
    const pointer = (await this.ha.checkpoints(job)).at(-1);
    return pointer === undefined ? undefined : this.load(pointer);
  }

  /** Reads, verifies and decodes the metadata a pointer names. */
  async load(pointer: CheckpointPointer): Promise<CompletedCheckpoint> {
    return decodeCheckpoint(await this.storage.read(pointer.metadata), pointer.metadata.name);
  }

  /** The text that {@link resolve} understands, for people. */
  pathOf(pointer: CheckpointPointer): string {
    return formatCheckpointPath(pointer.metadata);
  }

  /** Finds a checkpoint by its path, or by `<job>/<checkpoint>` while the job's records exist. Throws `CHECKPOINT_NOT_FOUND`. */
  async resolve(text: string): Promise<CheckpointPointer> {
    const parsed = parseCheckpointPath(text);
    if (parsed !== undefined) return parsed;
    const match = /^([A-Za-z0-9_-]{1,128})\/(\d{1,15})$/.exec(text);
    const known = match === null ? [] : await this.ha.checkpoints(match[1] as JobId);
    const found = known.find((pointer) => pointer.checkpointId === Number(match?.[2]));
    if (found !== undefined) return found;
    const others = known.map((pointer) => pointer.checkpointId).join(', ');
    throw new MillraceError('CHECKPOINT_NOT_FOUND', `There is no completed checkpoint ${JSON.stringify(text)}.`, {
      domain: 'user',
      recovery: 'fail-job',
      hint:
        others === ''
          ? 'Name it <job id>/<checkpoint id>: `millrace status <job>` shows the latest one, `millrace list` the jobs.'
          : `The job has ${others}.`,
    });
  }

  /**
   * Deletes chunks that neither a retained checkpoint nor one from `oldestNeeded` on can need (CS2): after a checkpoint
   * completed, and when a new leader recovered a job. Rejects only with `FENCED`; other failures are logged and counted.
   */
  sweep(token: LeaderToken, job: JobId, oldestNeeded: CheckpointId): Promise<void> {
    this.running += 1;
    const pass = this.collection.then(() => this.collect(token, job, oldestNeeded));
    this.collection = pass.catch(() => undefined);
    return pass;
  }

  counts(): CollectionCounts {
    return { running: this.running, chunksRemoved: this.chunksRemoved, failures: this.failures };
  }

  /**
   * Forgets a job that has ended: call it after its result was put, and again if it failed. Its records go last, so that
   * a crash in between is seen by the next leader. `keepCheckpoints` leaves the retained ones to be restored from by path.
   */
  async removeJob(token: LeaderToken, job: JobId, options: { readonly keepCheckpoints: boolean }): Promise<void> {
    await this.collection;
    await this.ha.check(token);
    if (!options.keepCheckpoints) await this.storage.removeJob(job);
    await this.ha.removeJob(token, job, options);
    for (const name of [...this.references.keys()]) {
      if (parseChunkName(name).jobId === job) this.references.delete(name);
    }
  }

  private async addPointer(token: LeaderToken, job: JobId, pointer: CheckpointPointer, retained: number): Promise<void> {
    for (let delayMs = repeatDelayMs; ; delayMs = Math.min(delayMs * 2, repeatDelayMsMax)) {
      try {
        await this.ha.addCheckpoint(token, job, pointer, retained);
        return;
      } catch (error) {
        if (!(error instanceof MillraceError) || error.recovery !== 'retry') throw error;
        this.logger.log('warn', 'whether the checkpoint was completed is unknown; writing its pointer again', {
          job,
          checkpointId: pointer.checkpointId,
          delayMs,
          error: toErrorRecord(error),
        });
        await new Promise<void>((resolve) => this.clock.setTimer(delayMs, resolve));
      }
    }
  }

  private async collect(token: LeaderToken, job: JobId, oldestNeeded: CheckpointId): Promise<void> {
    try {
      const retained = await this.ha.checkpoints(job);
      const bound = Math.min(retained[0]?.checkpointId ?? oldestNeeded, oldestNeeded);
      await this.removeBelow(token, job, bound as CheckpointId, retained);
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'FENCED') throw error;
      this.failures += 1;
      this.logger.log('warn', 'could not delete chunks of old checkpoints; the next pass tries again', {
        job,
        error: toErrorRecord(error),
      });
    } finally {
      this.running -= 1;
    }
  }

  private async removeBelow(token: LeaderToken, job: JobId, bound: CheckpointId, retained: readonly CheckpointPointer[]): Promise<void> {
    const candidates = await this.storage.listBefore(job, bound);
    if (candidates.length === 0) return;
    const needed = new Set<string>();
    for (const pointer of retained) {
      for (const name of await this.referencesOf(pointer)) needed.add(name);
    }
    this.forgetReferences(job, retained);
    const superfluous = candidates.filter((name) => !needed.has(name));
    if (superfluous.length === 0) return;
    await this.ha.check(token);
    await this.storage.remove(superfluous, token);
    this.chunksRemoved += superfluous.length;
  }

  private async referencesOf(pointer: CheckpointPointer): Promise<readonly string[]> {
    const { name } = pointer.metadata;
    const known = this.references.get(name);
    if (known !== undefined) return known;
    const names = [name, ...chunkNamesOf(await this.load(pointer))];
    this.references.set(name, names);
    return names;
  }

  private forgetReferences(job: JobId, retained: readonly CheckpointPointer[]): void {
    const kept = new Set(retained.map((pointer) => pointer.metadata.name));
    for (const name of [...this.references.keys()]) {
      if (!kept.has(name) && parseChunkName(name).jobId === job) this.references.delete(name);
    }
  }
}
