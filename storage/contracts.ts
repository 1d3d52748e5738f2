/**
 * What survives: checkpoint bytes, the leader's records, job code. Three ports; each has a Redis, a file and a memory
 * adapter and one exported contract suite.
 */
import type { AccumulatorState } from '../core/accumulator-state.js';
import type { CheckpointId, JobId, LeaderEpoch, OperatorId, VertexId } from '../core/ids.js';

/** A chunk of state: immutable, named once, verified on every read. */
export interface ChunkHandle {
  /** `<job>/<checkpoint>/<attempt>/<name>/<n>`: never reused. */
  readonly name: string;
  readonly bytes: number;
  /** SHA-256 of the content, lower-case hex. */
  readonly sha256: string;
}

/** One key group range of one operator's keyed state, in chunks to be read in order. */
export interface KeyedStateHandle {
  readonly keyGroups: { readonly start: number; readonly end: number };
  readonly chunks: readonly ChunkHandle[];
}

/**
 * How a named operator state is dealt out when the parallelism changes: its items round robin, all items to every subtask,
 * or one of the equal copies to each.
 */
export type OperatorStateMode = 'split' | 'union' | 'broadcast';

/** One named operator state of one subtask, in chunks to be read in order. */
export interface OperatorStateHandle {
  readonly name: string;
  readonly mode: OperatorStateMode;
  /** Items in the chunks: elements of a list, or entries of a map. */
  readonly items: number;
  readonly chunks: readonly ChunkHandle[];
  /** Which of the items a new subtask takes: those whose number, counted from `from`, is `index` modulo `of`. Absent: all. */
  readonly share?: { readonly from: number; readonly index: number; readonly of: number };
}

export type StateKind = 'value' | 'list' | 'map' | 'reducing' | 'aggregating' | 'operator list' | 'union list' | 'broadcast';

/** What a state of an operator is. Names are unique in an operator, but for named operator states. */
export interface StateDescriptor {
  readonly name: string;
  readonly kind: StateKind;
  /** Of keys in namespaces, not of keys alone. */
  readonly isNamespaced: boolean;
  /** Of what its values look like. */
  readonly version: number;
  /** Its values carry the time of their last use. */
  readonly hasTtl: boolean;
}

/** The state of one operator in one subtask. */
export interface OperatorSnapshot {
  readonly operatorId: OperatorId;
  readonly keyed: readonly KeyedStateHandle[];
  /** What the operator itself snapshotted (source positions, pending transactions), CBOR; null when it had nothing. */
  readonly operatorState: Uint8Array | null;
  /** The same, where it is too large to travel in messages: in order, its bytes. `operatorState` is null then. */
  readonly operatorStateChunks?: readonly ChunkHandle[];
  /** Its named operator states; absent: none. */
  readonly states?: readonly OperatorStateHandle[];
  /** Every state it asked for or was restored with, whether it held anything or not; absent: none. */
  readonly descriptors?: readonly StateDescriptor[];
  /** How far its event time had come; absent: nowhere yet, or to its end. */
  readonly watermark?: number;
}

/** How many records a subtask had processed, over all its attempts. */
export interface RecordCounts {
  readonly in: number;
  readonly written: number;
}

/** The state of one task (one subtask of one chain). */
export interface TaskSnapshot {
  readonly vertexId: VertexId;
  readonly subtaskIndex: number;
  readonly operators: readonly OperatorSnapshot[];
  /** The task had processed the end of its input: on restore `endInput` and `finish` are not called again. */
  readonly isFinished: boolean;
  readonly stateBytes: number;
  /** What was processed before it, since the job began. */
  readonly records?: RecordCounts;
  /** What was accumulated before it, since the job began; by a task that tells of it, since its attempt began. */
  readonly accumulators?: readonly AccumulatorState[];
}

/** What the JobManager keeps for a source: the splits and who had them is in the readers' own state. */
export interface SourceCoordinatorSnapshot {
  readonly operatorId: OperatorId;
  /** Every split the enumerator found, in order; null while it has not finished. */
  readonly splits: readonly { readonly id: string; readonly split: unknown; readonly orderedIn?: string }[] | null;
}

/** Everything needed to start a job again from a checkpoint. */
export interface CompletedCheckpoint {
  readonly formatVersion: 1;
  readonly jobId: JobId;
  readonly checkpointId: CheckpointId;
  readonly leaderEpoch: LeaderEpoch;
  readonly fingerprint: string;
  readonly triggeredAt: number;
  readonly completedAt: number;
  /** Every task had processed all its input when it was triggered: tasks end once they know it to be complete. */
  readonly isFinal: boolean;
  readonly vertices: readonly { readonly vertexId: VertexId; readonly parallelism: number; readonly maxParallelism: number }[];
  readonly tasks: readonly TaskSnapshot[];
  readonly sources: readonly SourceCoordinatorSnapshot[];
  /** Tokens of shared resources (a sink's target directory) seen so far: `operator name → token`. */
  readonly sharedResources: Readonly<Record<string, string>>;
}

/**
 * Bytes of checkpoints. `write` returns only when the bytes survive what the adapter promises (see its `durability`).
 * Reads verify length and hash: a difference is a `CHUNK_CORRUPT` error, a missing chunk `CHUNK_MISSING`.
 */
export interface CheckpointStorage {
  /** Says out loud what survives: "process", "machine crash" …; logged at start. */
  readonly durability: string;
  write(name: string, bytes: Uint8Array): Promise<ChunkHandle>;
  read(handle: ChunkHandle): Promise<Uint8Array>;
  /**
   * Removes chunks by name; missing ones are not an error. With a token it is refused with `FENCED` when a later epoch
   * was granted: in the same atomic step where chunks and leadership live in one Redis, else checked just before.
   */
  remove(names: readonly string[], token?: LeaderToken): Promise<void>;
  /** All chunk names of a job with checkpoint id below `before`; for the sweep of orphans. */
  listBefore(job: JobId, before: CheckpointId): Promise<readonly string[]>;
  /** Removes everything of a job. */
  removeJob(job: JobId): Promise<void>;
  close(): Promise<void>;
}

/** A leader's right to write. */
export interface LeaderToken {
  readonly epoch: LeaderEpoch;
  readonly holder: string;
}

export type LeaseAnswer =
  | {
      readonly kind: 'granted';
      readonly token: LeaderToken;
      /** Clock.monotonic() after which it may not be used. */ readonly deadline: number;
    }
  | { readonly kind: 'held'; readonly by: LeaderToken; readonly remainingMs: number };

export interface JobRecord {
  readonly jobId: JobId;
  readonly submittedAt: number;
  /** CBOR of the submission (job graph, code, parameters, restore path), opaque to the store. */
  readonly submission: Uint8Array;
}

/** How a job ended, as CBOR of the result; written once. */
export interface JobResultRecord {
  readonly jobId: JobId;
  readonly endedAt: number;
  readonly result: Uint8Array;
}

/** Points to the metadata of a completed checkpoint. */
export interface CheckpointPointer {
  readonly checkpointId: CheckpointId;
  readonly metadata: ChunkHandle;
}

/**
 * Leader lease and all records a leader needs to take over. Every write carries the token and is refused with
 * `FENCED` (MillraceError, recovery `crash`) when a later epoch was granted, in the same atomic step as the write.
 * All writes of records are idempotent: a cut reply may make a client send one twice. A write that fails with recovery `retry` has
 * an unknown outcome: repeat it.
 */
export interface HaStore {
  readonly durability: string;
  /**
   * Tries to become leader. `supersedes` names a holder that the caller knows to be dead (its supervisor saw it end):
   * its lease is taken over without waiting. Safe in any case: epochs fence every write.
   * Every grant has an epoch higher than all before it, also to a holder that asks while its own lease runs: what it did
   * under the older epoch is fenced. Only `renew` keeps an epoch.
   */
  acquire(holder: string, leaseMs: number, supersedes?: string): Promise<LeaseAnswer>;
  /** Extends the lease; `held` when somebody else has it by now. */
  renew(token: LeaderToken, leaseMs: number): Promise<LeaseAnswer>;
  release(token: LeaderToken): Promise<void>;
  /** Refused with `FENCED` when a later epoch was granted: for what cannot be undone outside this store. */
  check(token: LeaderToken): Promise<void>;
  /** Who holds the lease, for people to read; never decide on it. */
  leader(): Promise<LeaderToken | undefined>;

  putJob(token: LeaderToken, job: JobRecord): Promise<void>;
  /** Refused with `JOB_ALREADY_ENDED` never: idempotent. The first result of a job stays. */
  putResult(token: LeaderToken, result: JobResultRecord): Promise<void>;
  /** Removes the job's record, and its pointers and counter unless they are kept to start from; its result stays. */
  removeJob(token: LeaderToken, job: JobId, options: { readonly keepCheckpoints: boolean }): Promise<void>;
  /** Forgets how jobs ended; of a job that still has a record the result stays, because without it the job would run again. */
  removeResults(token: LeaderToken, jobs: readonly JobId[]): Promise<void>;
  jobs(): Promise<readonly JobRecord[]>;
  result(job: JobId): Promise<JobResultRecord | undefined>;
  results(): Promise<readonly JobResultRecord[]>;

  /** The next checkpoint id of a job: starts at 1, never repeats, whatever fails. */
  nextCheckpointId(token: LeaderToken, job: JobId): Promise<CheckpointId>;
  /** Makes ids start above `after`: for a job restored from another job's checkpoint. */
  raiseCheckpointId(token: LeaderToken, job: JobId, after: CheckpointId): Promise<void>;
  /**
   * Adds a completed checkpoint and drops the oldest beyond `retained`, in one step; resolves to what was dropped.
   * This is the commit point of a checkpoint.
   */
  addCheckpoint(token: LeaderToken, job: JobId, pointer: CheckpointPointer, retained: number): Promise<readonly CheckpointPointer[]>;
  /** Retained completed checkpoints, oldest first. */
  checkpoints(job: JobId): Promise<readonly CheckpointPointer[]>;
  close(): Promise<void>;
}

/** Job code and other blobs by the SHA-256 of their content. */
export interface BlobStore {
  /** Idempotent; the name is the hash, checked. */
  put(sha256: string, bytes: Uint8Array): Promise<void>;
  get(sha256: string): Promise<Uint8Array | undefined>;
  remove(sha256: string): Promise<void>;
  close(): Promise<void>;
}
