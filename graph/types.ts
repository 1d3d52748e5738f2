/**
 * The words of planning. A stream graph is what the user wrote (with functions); a job graph is what is submitted
 * (plain data: chains and edges); the execution graph multiplies it by parallelism. All pure data, no behaviour.
 */
import type { EdgeId, OperatorId, VertexId } from '../core/ids.js';
import type { Key } from '../core/keys.js';

/** Flink's names, as shown in plans (`ship_strategy`). */
export type PartitionerKind = 'FORWARD' | 'REBALANCE' | 'RESCALE' | 'SHUFFLE' | 'GLOBAL' | 'BROADCAST' | 'HASH' | 'CUSTOM';

/** Chooses the subtask, 0 to `subtasks - 1`, that gets a record with this key. */
export type CustomPartition = (key: Key, subtasks: number) => number;

/** Whether an operator may be chained to its input (HEAD starts a chain, NEVER stays alone). */
export type ChainingStrategy = 'ALWAYS' | 'HEAD' | 'NEVER';

export type OperatorKind = 'source' | 'operator' | 'sink';

/** Which top-level fields of the records that come in an operator looks at. */
export interface FieldUse {
  readonly fields: readonly string[];
  /** Whether it hands on the records that came in: then what is used behind it is used by it. */
  readonly isPassedOn: boolean;
}

/** What a stream graph knows of an operator; `Factory` makes it at run time and is opaque to planning. */
export interface StreamNode<Factory = unknown> {
  readonly id: number;
  readonly kind: OperatorKind;
  /** Kind of operator as written in the API (`map`, `keyed-process`): part of the fingerprint. */
  readonly type: string;
  readonly name: string;
  /** Whether the user gave the name; given names are unique in a job and make stable ids. */
  readonly isNamed: boolean;
  readonly uid: string | undefined;
  readonly parallelism: number;
  readonly maxParallelism: number | undefined;
  readonly slotSharingGroup: string;
  readonly chaining: ChainingStrategy;
  /** Whether the operator has keyed state, so that its maximum parallelism is fixed with its state. */
  readonly isKeyed: boolean;
  /** Plain data that is part of the job (a collection's elements, a sink's path): counts in the fingerprint. */
  readonly data: unknown;
  /** Undefined: it may look at all of them. */
  readonly fieldUse?: FieldUse | undefined;
  /** The same of its second input. */
  readonly secondFieldUse?: FieldUse | undefined;
  readonly factory: Factory;
}

export interface StreamEdge<KeySelector = unknown> {
  readonly source: number;
  readonly target: number;
  readonly partitioner: PartitionerKind;
  /** Which input of a two-input operator; 0 otherwise. Several edges may share an input (union). */
  readonly inputIndex: number;
  readonly sideOutput: string | undefined;
  /** For HASH and CUSTOM: makes the key of a record; opaque to planning. */
  readonly keySelector: KeySelector | undefined;
  /** The fields that the key selector looks at; undefined: it may look at all. */
  readonly keyFields?: readonly string[] | undefined;
  /** For CUSTOM. */
  readonly customPartition?: CustomPartition | undefined;
}

/**
 * What configuration decides before the builder of a job runs. It travels with the job graph, so that a slot builds the
 * job with the defaults the client had, whatever its own configuration says.
 */
export interface PlanningSettings {
  /** Of operators that were given none. */
  readonly parallelism: number;
  /** Of operators that were given none; null: derived from the parallelism. */
  readonly maxParallelism: number | null;
  readonly isChainingEnabled: boolean;
}

export interface StreamGraph<Factory = unknown, KeySelector = unknown> {
  readonly jobName: string;
  readonly nodes: readonly StreamNode<Factory>[];
  readonly edges: readonly StreamEdge<KeySelector>[];
  readonly settings: JobSettings;
  /** What the builder was given. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly planning: PlanningSettings;
  /** Whether the builder left chaining on. */
  readonly isChainingEnabled: boolean;
}

export type RestartStrategySettings =
  | { readonly kind: 'none' }
  | { readonly kind: 'fixed-delay'; readonly attempts: number; readonly delayMs: number }
  | { readonly kind: 'failure-rate'; readonly maxFailuresPerInterval: number; readonly intervalMs: number; readonly delayMs: number }
  | {
      readonly kind: 'exponential-delay';
      readonly initialBackoffMs: number;
      readonly maxBackoffMs: number;
      readonly multiplier: number;
      readonly resetThresholdMs: number;
      /** Completed checkpoints after which the back-off starts over, whatever the time. */
      readonly resetAfterCheckpoints: number;
      /** 0 to 1: the share by which a delay may differ. */
      readonly jitter: number;
    };

/** How long a job may fail of the same mistake in user code, again and again, without a completed checkpoint. */
export interface RepeatedFailureBound {
  /** Restarts; 0: no bound. */
  readonly attempts: number;
  /** And for so long at least. */
  readonly timeMs: number;
}

export interface CheckpointSettings {
  /** Undefined: no periodic checkpoints. */
  readonly intervalMs: number | undefined;
  readonly timeoutMs: number;
  readonly minPauseMs: number;
  readonly maxConcurrent: number;
  readonly tolerableFailures: number;
  readonly retained: number;
  /** What happens to the retained checkpoints when the job is cancelled. */
  readonly retention: 'DELETE_ON_CANCELLATION' | 'RETAIN_ON_CANCELLATION';
}

/** How sources and operators are told apart where latencies are counted. */
export type LatencyGranularity = 'single' | 'operator' | 'subtask';

export interface LatencyTrackingSettings {
  readonly intervalMs: number;
  readonly granularity: LatencyGranularity;
}

/** What a job decides for itself; everything is resolved (defaults filled in) when the graph is built. */
export interface JobSettings {
  readonly checkpointing: CheckpointSettings;
  readonly restartStrategy: RestartStrategySettings;
  /** Undefined: no bound. */
  readonly repeatedFailure?: RepeatedFailureBound;
  readonly failover: 'region' | 'full';
  readonly bufferTimeoutMs: number;
  /** Between two periodic emissions of watermarks; 0: there are none. Undefined (of an older version): the default. */
  readonly autoWatermarkIntervalMs?: number;
  /** Undefined: sources send no latency markers. */
  readonly latencyTracking?: LatencyTrackingSettings;
  readonly objectReuse: boolean;
  readonly slotRequestTimeoutMs: number;
  readonly cancellationTimeoutMs: number;
  /** How long an operator may take to open; 0, or undefined (of an older version): no bound. */
  readonly openTimeoutMs?: number;
  /** State of a checkpoint that no operator of the job wants is left behind instead of refused; default false. */
  readonly isNonRestoredStateAllowed?: boolean;
}

/** An operator as it stands in a job graph. */
export interface OperatorDescriptor {
  readonly id: OperatorId;
  readonly kind: OperatorKind;
  readonly type: string;
  readonly name: string;
  readonly uid: string | null;
  readonly isKeyed: boolean;
}

/** A direct call inside a chain. */
export interface ChainedEdge {
  readonly source: OperatorId;
  readonly target: OperatorId;
  readonly sideOutput: string | null;
}

/** A chain: the operators run in one task, in topological order, head first. */
export interface JobVertex {
  readonly id: VertexId;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly slotSharingGroup: string;
  readonly operators: readonly OperatorDescriptor[];
  readonly chainedEdges: readonly ChainedEdge[];
}

/** An exchange between two chains. */
export interface JobEdge {
  readonly id: EdgeId;
  readonly sourceVertex: VertexId;
  readonly targetVertex: VertexId;
  /** The operator of the source chain whose output travels. */
  readonly sourceOperator: OperatorId;
  readonly partitioner: PartitionerKind;
  readonly inputIndex: number;
  readonly sideOutput: string | null;
  /** Records travel with these top-level fields only, in this order; absent: with all they have. */
  readonly fields?: readonly string[];
}

/** Plain data, CBOR- and JSON-able: what a client submits. */
export interface JobGraph {
  readonly formatVersion: 1;
  readonly name: string;
  /** Topologically ordered. */
  readonly vertices: readonly JobVertex[];
  readonly edges: readonly JobEdge[];
  readonly settings: JobSettings;
  /** `user` parameters of the builder, in the order they were given. */
  readonly parameters: Readonly<Record<string, string>>;
  /** What the builder was given besides; a slot builds with the same. */
  readonly planning: PlanningSettings;
  /** 64 hex digits over everything but settings; equal in client and every slot, or the job is refused. */
  readonly fingerprint: string;
  /** One digest an operator, so that a mismatch names the first operator that differs. */
  readonly operatorFingerprints: readonly { readonly operatorId: OperatorId; readonly name: string; readonly digest: string }[];
}
