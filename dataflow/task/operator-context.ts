/** What an operator gets of the task it is in. */
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { CorePorts, FileSystem } from '../../core/ports.js';
import type { OperatorDescriptor } from '../../graph/types.js';
import type { KeyedStateBackend } from '../../storage/state/contracts.js';
import { HeapOperatorState } from '../../storage/state/operator/heap-operator-state.js';
import type { TaskAccumulators } from '../accumulators/task-accumulators.js';
import type { OutputPressure } from '../channels/channel-owner.js';
import type { Emit, OperatorContext, TaskInfo, TimeChange } from '../contracts.js';
import { functionError } from '../operators/user-error.js';
import type { FunctionMetrics } from './function-metrics.js';
import type { Mailbox } from './mailbox.js';
import type { Parking } from './parking.js';
import { callOperator } from './procedure.js';
import type { RecordClock } from './record-clock.js';
import type { Timeline } from './timeline.js';

/** The task, as far as its operators have to do with it. */
export interface OperatorTask {
  readonly descriptor: TaskDeploymentDescriptor;
  readonly taskInfo: TaskInfo;
  readonly ports: CorePorts & { readonly files: FileSystem };
  readonly pressure: OutputPressure;
  readonly parking: Parking;
  readonly mailbox: Mailbox;
  /** Results that may still be pulled in this step of the loop. */
  readonly quota: { left: number };
  readonly recordClock: RecordClock;
  readonly emitTime: (change: TimeChange) => void;
  readonly fail: (error: unknown) => void;
  readonly wake: () => void;
  readonly onSharedResource: (name: string, token: string) => void;
  readonly onResult: (name: string, values: readonly unknown[]) => void;
}

/** What is the operator's own. */
export interface ContextParts {
  readonly operator: OperatorDescriptor;
  /** Its place in the chain. */
  readonly index: number;
  readonly keyed: KeyedStateBackend | undefined;
  readonly timeline: Timeline;
  readonly restored: readonly unknown[] | undefined;
  readonly functionMetrics: FunctionMetrics;
  readonly accumulators: TaskAccumulators;
  readonly sideOutput: (tag: string) => Emit<unknown>;
}

export function operatorContext(task: OperatorTask, parts: ContextParts): OperatorContext {
  const { ports, pressure, parking, quota, recordClock, wake } = task;
  const { operator, index, keyed, timeline, restored, functionMetrics, accumulators, sideOutput } = parts;
  const { id, name } = operator;
  const { settings } = task.descriptor.jobGraph;
  const logger = ports.logger.child({ operator: name });
  const fail = (error: unknown): void => task.fail(functionError(name, error));
  return {
    task: task.taskInfo,
    operatorId: id,
    operatorName: name,
    clock: ports.clock,
    random: ports.random,
    logger,
    files: ports.files,
    metrics: functionMetrics.groupOf(operator, logger),
    accumulators: accumulators.of(name),
    isCheckpointed: settings.checkpointing.intervalMs !== undefined,
    isObjectReuse: settings.objectReuse,
    keyed,
    restored,
    operatorState: new HeapOperatorState({ operatorName: name, isObjectReuse: settings.objectReuse }),
    restoredCheckpointId: task.descriptor.restore?.checkpointId,
    sideOutput,
    isOutputAvailable: () => {
      quota.left -= 1;
      return quota.left > 0 && pressure.fullChannels === 0 && parking.lowestIndex <= index;
    },
    park: (resume, until) => {
      if (until === undefined) parking.park(index, resume);
      else parking.parkUntil(index, resume, until, { wake, fail });
    },
    post: (work) => task.mailbox.post(() => callOperator(operator, work)),
    currentWatermark: () => timeline.watermark,
    recordTime: () => recordClock.time,
    emitTime: task.emitTime,
    declareSharedResource: (resource, token) => task.onSharedResource(`${name}/${resource}`, token),
    print: (line) => (ports.print === undefined ? ports.logger.log('info', line) : ports.print(line)),
    reportResult: task.onResult,
    fail,
  };
}
