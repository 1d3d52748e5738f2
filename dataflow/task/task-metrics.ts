/** The counters of a task, gathered from its parts. */
import type { AccumulatorState } from '../../core/accumulator-state.js';
import type { ChannelNetwork } from '../channels/channel-network.js';
import type { TaskTimeReport } from '../../bus/protocol/event-times.js';
import type { TaskRuntimeMetrics } from '../task-runtime.js';
import { channelUse } from './channel-use.js';
import type { LatencyTracking } from './latency-tracking.js';
import type { OperatorChain } from './operator-chain.js';
import type { RecordReader } from './record-reader.js';
import type { TaskOutputs } from './task-outputs.js';
import type { TaskTimes } from './task-times.js';
import type { UserCalls } from './user-calls.js';

export interface MeasuredParts {
  readonly recordsIn: number;
  readonly chain: OperatorChain | undefined;
  readonly outputs: TaskOutputs;
  readonly reader: RecordReader;
  readonly times: TaskTimes;
  readonly latency: LatencyTracking;
  readonly network: Pick<ChannelNetwork, 'credit' | 'counters'>;
  readonly accumulators: readonly AccumulatorState[];
  readonly calls: UserCalls;
  readonly eventTimes: readonly TaskTimeReport[];
}

/** What the accumulators of a chain say; what cannot be told fails its task. */
export function accumulatorsOf(chain: OperatorChain | undefined, fail: (error: unknown) => void): readonly AccumulatorState[] {
  try {
    return chain?.accumulators() ?? [];
  } catch (error) {
    fail(error);
    return [];
  }
}

export function metricsOf(parts: MeasuredParts): TaskRuntimeMetrics {
  const { recordsIn, chain, outputs, reader, times, latency, network, accumulators, eventTimes } = parts;
  const unsettled = parts.calls.slow;
  const latencies = latency.report();
  const functions = chain?.functionMetrics() ?? [];
  return {
    recordsIn,
    recordsOut: outputs.recordsOut,
    recordsWritten: chain?.recordsWritten ?? 0,
    bytesIn: reader.bytesIn,
    bytesOut: outputs.bytesOut,
    duplicateFrames: reader.duplicates,
    backPressuredMs: times.backPressuredMs,
    busyMs: times.busyMs,
    idleMs: times.idleMs,
    queuedFrames: reader.queuedFrames,
    waitingFrames: outputs.waitingFrames,
    ...network.credit(),
    // Of this task alone: the reading is the slot's.
    overGrantFrames: Math.max(reader.overGrantFrames, outputs.overGrantFrames),
    slot: network.counters(),
    stateEntries: (chain?.operators ?? []).reduce((sum, { keyed }) => sum + (keyed?.size() ?? 0), 0),
    channels: channelUse(reader.channelUses(), outputs.channelUses()),
    ...(accumulators.length === 0 ? {} : { accumulators: [...accumulators] }),
    ...(functions.length === 0 ? {} : { functions: [...functions] }),
    ...(latencies.length === 0 ? {} : { latencies }),
    ...(unsettled === undefined ? {} : { unsettled }),
    ...(eventTimes.length === 0 ? {} : { eventTimes: [...eventTimes] }),
  };
}
