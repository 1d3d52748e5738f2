/** The public face of defining jobs; the package root exports it. */
export { defineJob, type JobBuilder } from './job.js';
export type { CheckpointingOptions, StreamExecutionEnvironment } from './environment.js';
export type { RestartStrategy } from './restart-strategy.js';
export type { Duration } from './duration.js';
export type { Parameters } from './parameters.js';
export type { ConnectedStreams, DataStream, KeyedConnectedStreams, KeyedStream, SingleOutputStream, StreamSink } from './streams.js';
export type { NumericField, OrderedField } from './aggregations.js';
export type { DeclaredKeyedStream, DeclaredStream } from './declared-fields.js';
export type { FieldOf, FieldsOf, KeyBy, KeyField, KeyFields, KeyMadeBy, KeyOfFields, KnownKey, MatchingKey } from './fields.js';
export { outputTag } from '../dataflow/functions.js';
export { registerRecordClass, type RecordClass } from '../dataflow/records/record-classes.js';
export type {
  AggregateFunction,
  Collector,
  FilterFunction,
  FlatMapFunction,
  KeyedProcessContext,
  KeyedProcessFunction,
  KeyedProcessSetup,
  KeyedRuntimeContext,
  MapFunction,
  OnTimerContext,
  OutputTag,
  ProcessContext,
  ProcessFunction,
  ProcessSetup,
  ReduceFunction,
  Results,
  RichFilterFunction,
  RichFlatMapFunction,
  RichFunction,
  RichMapFunction,
  RichReduceFunction,
  RuntimeContext,
  Synchronous,
  TimerService,
  TimeService,
} from '../dataflow/functions.js';
export {
  AverageAccumulator,
  DoubleCounter,
  DoubleMaximum,
  DoubleMinimum,
  Histogram,
  IntCounter,
  IntMaximum,
  IntMinimum,
  ListAccumulator,
  LongCounter,
  type Accumulator,
  type AccumulatorShortcuts,
} from '../dataflow/accumulators/accumulator.js';
export type { MergeRule, MergeRules } from '../core/accumulator-state.js';
export type { Meter, MetricCounter, MetricGroup, MetricHistogram } from '../dataflow/metrics.js';
export type {
  CoFlatMapFunction,
  CoMapFunction,
  CoProcessFunction,
  CoProcessSetup,
  KeyedCoProcessFunction,
  KeyedCoProcessSetup,
} from '../dataflow/co-functions.js';
export { maxWatermark, minWatermark, noTimestamp } from '../dataflow/contracts.js';
export type {
  Emit,
  EnumeratorContext,
  JobDefinition,
  KeySelector,
  Operator,
  OperatorContext,
  OperatorSnapshotContext,
  PollStatus,
  Sink,
  Source,
  SourceOutput,
  SourceReader,
  Split,
  TaskInfo,
} from '../dataflow/contracts.js';
export type { ListState, MapState, ValueState } from '../storage/state/contracts.js';
export type { Key } from '../core/keys.js';
