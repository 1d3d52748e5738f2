/** The public face of defining jobs; the package root exports it. */
export { defineJob, type JobBuilder } from './job.js';
export type { CheckpointingOptions, StreamExecutionEnvironment } from './environment.js';
export type { RestartStrategy } from './restart-strategy.js';
export type { Duration } from './duration.js';
export { WatermarkStrategy } from './watermark-strategy.js';
export type { TimestampAssigner, WatermarkGenerator, WatermarkOutput } from '../dataflow/time/watermark-generator.js';
export type { Parameters } from './parameters.js';
export { mapStateDescriptor } from '../dataflow/broadcast-functions.js';
export type {
  BroadcastConnectedStream,
  BroadcastStream,
  ConnectedStreams,
  DataStream,
  IntervalJoin,
  IntervalJoined,
  KeyedBroadcastConnectedStream,
  KeyedConnectedStreams,
  KeyedStream,
  SingleOutputStream,
  StreamSink,
} from './streams.js';
export type { NumericField, OrderedField } from './aggregations.js';
export type { DeclaredKeyedStream, DeclaredStream } from './declared-fields.js';
export type { FieldOf, FieldsOf, KeyBy, KeyField, KeyFields, KeyMadeBy, KeyOfFields, KnownKey, MatchingKey } from './fields.js';
export {
  EventTimeSessionWindows,
  GlobalWindows,
  ProcessingTimeSessionWindows,
  SlidingEventTimeWindows,
  SlidingProcessingTimeWindows,
  TumblingEventTimeWindows,
  TumblingProcessingTimeWindows,
} from './windows/assigners.js';
export { ContinuousEventTimeTrigger, ContinuousProcessingTimeTrigger, ProcessingTimeoutTrigger, TimeEvictor } from './windows/triggers.js';
export type { ConfiguredWindows } from './windows/configured-windows.js';
export type {
  CoGroupedKeys,
  CoGroupedWindows,
  CoGroupFunction,
  FlatJoinFunction,
  JoinedKeys,
  JoinedWindows,
  JoinFunction,
  PairedStreams,
  PairedWhere,
  PairedWindows,
} from './windows/joined-streams.js';
export type { WindowedStream } from './windows/windowed-stream.js';
export type { AnyWindows, WindowOf } from './windows/window-settings.js';
export type { WindowAssigner, WindowAssignerContext, WindowSpan } from '../dataflow/windows/custom-windows.js';
export { CountEvictor } from '../dataflow/windows/evictors/count-evictor.js';
export { DeltaEvictor } from '../dataflow/windows/evictors/delta-evictor.js';
export type { Evictor, EvictorContext, EvictorOptions, TimestampedValue } from '../dataflow/windows/evictors/evictor.js';
export { CountTrigger } from '../dataflow/windows/triggers/count-trigger.js';
export { DeltaTrigger, type DeltaFunction } from '../dataflow/windows/triggers/delta-trigger.js';
export { EndOfStreamTrigger, NeverTrigger } from '../dataflow/windows/triggers/end-triggers.js';
export { EventTimeTrigger } from '../dataflow/windows/triggers/event-time-trigger.js';
export { ProcessingTimeTrigger } from '../dataflow/windows/triggers/processing-time-trigger.js';
export type { ProcessingTimeout } from '../dataflow/windows/triggers/processing-timeout-trigger.js';
export { PurgingTrigger } from '../dataflow/windows/triggers/purging-trigger.js';
export type { FoldedState, MergeContext, Trigger, TriggerContext, TriggerResult } from '../dataflow/windows/triggers/trigger.js';
export type { BuiltInWindows, FixedWindows, SessionWindows, SoleWindow, WindowStagger } from '../dataflow/windows/window-assigner.js';
export type {
  ProcessWindow,
  ProcessWindowFunction,
  RichWindowFunction,
  WindowContext,
  WindowFunction,
  WindowStates,
} from '../dataflow/windows/window-function.js';
export { GlobalWindow, TimeWindow, type Window } from '../dataflow/windows/window.js';
export { AsyncDataStream, type AsyncOptions, type AsyncRetry } from './async-data-stream.js';
export type { AsyncCall, AsyncFunction, AsyncResult, RichAsyncFunction } from '../dataflow/async-functions.js';
export type { ErrorPolicy } from './error-policy.js';
export type { DeadLetter } from '../dataflow/error-policy.js';
export { outputTag } from '../dataflow/functions.js';
export { registerRecordClass, type RecordClass } from '../dataflow/records/record-classes.js';
export type {
  AggregateFunction,
  Collector,
  FilterFunction,
  FlatMapFunction,
  FunctionSetup,
  KeyedProcessContext,
  KeyedProcessFunction,
  KeyedProcessSetup,
  KeyedRuntimeContext,
  KeyedStates,
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
  CheckpointedFunction,
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
  LongMaximum,
  LongMinimum,
  type Accumulator,
  type AccumulatorShortcuts,
} from '../dataflow/accumulators/accumulator.js';
export type { MergeRule, MergeRules } from '../core/accumulator-state.js';
export type { Meter, MetricCounter, MetricGroup, MetricHistogram } from '../dataflow/metrics.js';
export type {
  BroadcastContext,
  BroadcastProcessFunction,
  BroadcastProcessSetup,
  KeyedBroadcastContext,
  KeyedBroadcastProcessFunction,
  KeyedBroadcastProcessSetup,
  KeyedReadOnlyBroadcastContext,
  KeyedState,
  MapStateDescriptor,
  OnTimerBroadcastContext,
  ReadOnlyBroadcastContext,
  ReadOnlyMapState,
  ReadsBroadcastState,
} from '../dataflow/broadcast-functions.js';
export type { ProcessJoinContext, ProcessJoinFunction, ProcessJoinSetup } from '../dataflow/join-functions.js';
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
export type {
  AggregatingState,
  ListState,
  MapState,
  ReducingState,
  StateOptions,
  StateTtl,
  ValueState,
} from '../storage/state/contracts.js';
export type { Key } from '../core/keys.js';
