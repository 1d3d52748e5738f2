/**
 * What a stream is to the graph, and how operators are added to it.
 *
 * SH1  A stream is where its records come from; whatever reads it gets them from there.
 */
import type { Key } from '../../core/keys.js';
import type { KeySelector } from '../../dataflow/contracts.js';
import type { CustomPartition, PartitionerKind } from '../../graph/types.js';
import type { FieldOf } from '../fields.js';
import type { GraphBuilder, NodeDraft, Origin } from '../graph-builder.js';
import { nameTag } from '../output-tags.js';
import { assertSynchronous, type Transformation } from '../transformation.js';
import type { ConnectedStreams } from './connected-streams.js';
import type { DataStream } from './data-stream.js';
import type { KeyedStream } from './keyed-stream.js';
import type { SingleOutputStream } from './single-output-stream.js';
import type { StreamSink } from './stream-sink.js';

/** Where the records of a stream come from, in the graph of one builder. */
export interface StreamHandle {
  readonly builder: GraphBuilder;
  readonly origins: readonly Origin[];
}

/**
 * Makes streams of the kinds that extend `DataStream`, which it cannot import: a module that extends a class must be
 * evaluated after it. Each kind fills in its maker; importing `streams.ts` brings all of them.
 */
export const streamMakers = {} as {
  singleOutput: <T>(builder: GraphBuilder, node: NodeDraft) => SingleOutputStream<T>;
  sink: <T>(builder: GraphBuilder, node: NodeDraft) => StreamSink<T>;
  connected: <T1, T2>(first: DataStream<T1>, second: DataStream<T2>) => ConnectedStreams<T1, T2>;
  keyed: <K extends Key, T, F extends FieldOf<T>>(handle: StreamHandle, keyOf: (value: T) => K) => KeyedStream<K, T, F>;
};

/**
 * Adds an operator that reads a stream, or two; its results are a stream again. Refuses what is no function, or an async
 * one.
 */
export function addOperator<Out>(
  { builder, origins: inputs }: StreamHandle,
  transformation: Transformation,
  second?: StreamHandle,
): SingleOutputStream<Out> {
  const { written, method, create, sideOutputs = [], ...node } = transformation;
  assertSynchronous(written, node.type, 'Pass a function.', method);
  const secondInputs = second?.origins ?? [];
  const added = builder.add({ kind: 'operator', ...node, inputs, secondInputs, factory: { kind: 'operator', create } });
  for (const named of sideOutputs) nameTag(added, named);
  return streamMakers.singleOutput<Out>(builder, added);
}

/** The same for an operator that is always the only one of its task, and may be an asynchronous function. */
export function addAloneOperator<Out>(
  { builder, origins }: StreamHandle,
  { create, ...node }: Pick<Transformation, 'type' | 'name' | 'create'>,
): SingleOutputStream<Out> {
  const factory = { kind: 'operator', create } as const;
  return streamMakers.singleOutput<Out>(builder, builder.add({ kind: 'operator', ...node, inputs: origins, factory, isAlone: true }));
}

/** What a partitioner goes by. */
export interface PartitionSettings {
  readonly keySelector?: KeySelector;
  /** The fields the key looks at; undefined: it may look at any. */
  readonly keyFields?: readonly string[] | undefined;
  readonly customPartition?: CustomPartition;
}

/** The same records, shared out in another way. */
export function partitionedOrigins(
  origins: readonly Origin[],
  partitioner: PartitionerKind,
  { keySelector, keyFields, customPartition }: PartitionSettings = {},
): readonly Origin[] {
  return origins.map((origin) => ({ ...origin, partitioner, keySelector, keyFields, customPartition }));
}
