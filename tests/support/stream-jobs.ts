/** Small stream graphs with functions, for tests of the data plane, made without the api. */
import type { KeySelector, OperatorFactory, Operator, Source, SourceReader, Split } from '../../dataflow/contracts.js';
import { noTimestamp } from '../../dataflow/contracts.js';
import type { TimeAssignment } from '../../dataflow/time/time-assignment.js';
import type { JobSettings, PartitionerKind, StreamEdge, StreamGraph, StreamNode } from '../../graph/types.js';
import { testSettings } from './job-graphs.js';

export interface NodeSketch {
  readonly name: string;
  readonly source?: Source<unknown>;
  /** Of the source. */
  readonly time?: TimeAssignment;
  readonly create?: () => Operator;
  readonly parallelism?: number;
  readonly isKeyed?: boolean;
  readonly isSink?: boolean;
  /** False: stays a task of its own. */
  readonly isChained?: boolean;
}

export interface EdgeSketch {
  readonly from: string;
  readonly to: string;
  readonly partitioner?: PartitionerKind;
  readonly key?: KeySelector;
  readonly sideOutput?: string;
  /** 1: the second input. */
  readonly inputIndex?: number;
}

export interface JobSketch {
  readonly nodes: readonly NodeSketch[];
  readonly edges: readonly EdgeSketch[];
  readonly settings?: Partial<JobSettings>;
  readonly parallelism?: number;
}

/** With periodic checkpoints on, as far as tasks can tell. */
export const checkpointed: Partial<JobSettings> = { checkpointing: { ...testSettings.checkpointing, intervalMs: 1_000 } };

/** The stream graph of a sketch. */
export function streamGraph(sketch: JobSketch): StreamGraph<OperatorFactory, KeySelector> {
  const parallelism = sketch.parallelism ?? 1;
  const idOf = (name: string): number => sketch.nodes.findIndex((node) => node.name === name);
  const nodes = sketch.nodes.map((node, id): StreamNode<OperatorFactory> => ({
    id,
    kind: node.source !== undefined ? 'source' : node.isSink === true ? 'sink' : 'operator',
    type: 'test',
    name: node.name,
    isNamed: true,
    uid: node.name,
    parallelism: node.parallelism ?? parallelism,
    maxParallelism: 128,
    slotSharingGroup: 'default',
    chaining: node.isChained === false ? 'HEAD' : 'ALWAYS',
    isKeyed: node.isKeyed === true,
    data: null,
    factory:
      node.source !== undefined
        ? { kind: 'source', source: node.source, time: node.time }
        : { kind: 'operator', create: node.create as () => Operator },
  }));
  const edges = sketch.edges.map((edge): StreamEdge<KeySelector> => ({
    source: idOf(edge.from),
    target: idOf(edge.to),
    partitioner: edge.partitioner ?? 'FORWARD',
    inputIndex: edge.inputIndex ?? 0,
    sideOutput: edge.sideOutput,
    keySelector: edge.key,
  }));
  return {
    jobName: 'test job',
    nodes,
    edges,
    settings: { ...testSettings, ...sketch.settings },
    parameters: {},
    planning: { parallelism, maxParallelism: null, isChainingEnabled: true },
    isChainingEnabled: true,
  };
}

export interface RangeSourceOptions<T> {
  readonly splits: number;
  readonly recordsPerSplit: number;
  readonly value: (split: number, index: number) => T;
  /** Of a split, where it is not the same for all. */
  readonly recordsOf?: (split: number) => number;
  /** Records after which the reader says `pending` once. */
  readonly pauseEvery?: number;
  readonly timestamp?: (split: number, index: number) => number;
  /** Called after each record, with the count so far over all readers. */
  readonly onRecord?: (count: number) => void;
}

/** A bounded source whose splits are ranges of numbers. */
export function rangeSource<T>(options: RangeSourceOptions<T>): Source<unknown> {
  let emitted = 0;
  return {
    name: 'range',
    boundedness: 'bounded',
    enumerate: async () => Array.from({ length: options.splits }, (_, index): Split => ({ id: `split-${index}`, data: { index } })),
    createReader: (): SourceReader<unknown> => {
      let split = -1;
      let next = 0;
      let hasPaused = false;
      return {
        start: (started, position) => {
          split = (started.data as { index: number }).index;
          next = (position as number | undefined) ?? 0;
        },
        poll: (output, recordsMax) => {
          for (let count = 0; count < recordsMax && output.isAvailable(); count += 1) {
            if (next >= (options.recordsOf?.(split) ?? options.recordsPerSplit)) return 'split-finished';
            if (options.pauseEvery !== undefined && next % options.pauseEvery === 0 && !hasPaused) {
              hasPaused = true;
              return 'pending';
            }
            hasPaused = false;
            const index = next;
            next += 1;
            output.emit(options.value(split, index), options.timestamp?.(split, index) ?? noTimestamp);
            emitted += 1;
            options.onRecord?.(emitted);
          }
          return 'more';
        },
        whenAvailable: () => Promise.resolve(),
        position: () => next,
        close: () => {},
      };
    },
  };
}

/** One record at a time, `everyMs` apart. */
export function paced(source: Source<unknown>, everyMs = 1): Source<unknown> {
  return {
    ...source,
    createReader: (context) => {
      const reader = source.createReader(context);
      let isRested = true;
      return {
        start: (split, position) => reader.start(split, position),
        poll: (output) => {
          isRested = !isRested;
          if (!isRested) return 'pending';
          return reader.poll(output, 1);
        },
        whenAvailable: () => new Promise((resolve) => void context.clock.setTimer(everyMs, resolve)),
        position: () => reader.position(),
        close: () => reader.close(),
      };
    },
  };
}

/** Everything a transactional collector committed, by transaction, so that a repeated commit changes nothing. */
export class CommittedOutput<T> {
  readonly transactions = new Map<string, readonly T[]>();

  values(): T[] {
    return [...this.transactions.values()].flat();
  }
}

interface PendingTransaction<T> {
  readonly id: string;
  readonly values: T[];
}

/** A two-phase-commit sink in memory, on `snapshot` and `checkpointCompleted` alone. */
export function transactionalCollector<T>(output: CommittedOutput<T>): () => Operator {
  return () => {
    let open: T[] = [];
    let pending: { checkpointId: number; transaction: PendingTransaction<T> }[] = [];
    let subtask = 0;
    let isCheckpointed = false;
    const commit = ({ id, values }: PendingTransaction<T>): void => void output.transactions.set(id, values);
    return {
      bind: () => (value) => void open.push(value as T),
      open: ({ task, restored, isCheckpointed: on }) => {
        subtask = task.subtaskIndex;
        isCheckpointed = on;
        for (const state of restored ?? []) for (const transaction of state as PendingTransaction<T>[]) commit(transaction);
      },
      finish: () => {
        if (!isCheckpointed) commit({ id: `${subtask}-end`, values: open });
      },
      snapshot: ({ checkpointId }) => {
        if (open.length > 0) pending.push({ checkpointId, transaction: { id: `${subtask}-${checkpointId}`, values: open } });
        open = [];
        return pending.map(({ transaction }) => transaction);
      },
      checkpointCompleted: (checkpointId) => {
        for (const one of pending) if (one.checkpointId <= checkpointId) commit(one.transaction);
        pending = pending.filter((one) => one.checkpointId > checkpointId);
      },
    };
  };
}

/** Keeps every value that arrives, also those of attempts that fail. */
export function collector<T>(values: T[]): () => Operator {
  return () => ({ bind: () => (value) => void values.push(value as T) });
}
