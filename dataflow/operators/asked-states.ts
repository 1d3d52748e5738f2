/**
 * Finds out which states the operators of a job ask for, before it runs: for starting from a checkpoint.
 *
 * AS1  Setup functions and `open` of operators that may hold state are called once more than tasks do, with a runtime
 *      context that leads nowhere, and closed again; they see no record. Sources and sinks are left alone.
 * AS2  One that throws, or takes longer than `limits.askedStatesMs`, does not stop the others: what it asked for until then
 *      counts, and the operator says that there may be more.
 */
import { toErrorRecord } from '../../core/errors.js';
import { attemptNumber, formatAttemptId, jobId, leaderEpoch, sessionId, vertexId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { CorePorts, FileSystem, Logger } from '../../core/ports.js';
import type { JobPlan } from '../../graph/job-plan.js';
import type { JobVertex, OperatorDescriptor } from '../../graph/types.js';
import { HeapKeyedStateBackend } from '../../storage/state/heap/heap-keyed-state-backend.js';
import { HeapOperatorState } from '../../storage/state/operator/heap-operator-state.js';
import type { AskingOperator } from '../../storage/state/state-comparison.js';
import { TaskAccumulators } from '../accumulators/task-accumulators.js';
import { minWatermark, type Operator, type OperatorContext, type OperatorFactory, type TaskInfo } from '../contracts.js';
import { FunctionMetrics } from '../task/function-metrics.js';

export interface AskedStatesOptions {
  readonly plan: JobPlan<OperatorFactory>;
  readonly ports: CorePorts & { readonly files: FileSystem };
}

/** What each operator of the job asks for (AS1). */
export async function statesAskedFor({ plan, ports }: AskedStatesOptions): Promise<readonly AskingOperator[]> {
  const asking: AskingOperator[] = [];
  for (const vertex of plan.jobGraph.vertices) {
    for (const descriptor of vertex.operators) {
      const factory = plan.nodes.get(descriptor.id)?.factory;
      const { id: operatorId, name } = descriptor;
      if (factory?.kind !== 'operator' || descriptor.kind !== 'operator') asking.push({ operatorId, name, states: [] });
      else asking.push(await new Inquiry(vertex, descriptor, ports).ask(factory.create()));
    }
  }
  return asking;
}

/** One operator that is opened to see what it asks for. */
class Inquiry {
  readonly #descriptor: OperatorDescriptor;
  readonly #ports: AskedStatesOptions['ports'];
  readonly #keyed: HeapKeyedStateBackend;
  readonly #operatorState: HeapOperatorState;
  readonly #context: OperatorContext;

  constructor(vertex: JobVertex, descriptor: OperatorDescriptor, ports: AskedStatesOptions['ports']) {
    const { maxParallelism } = vertex;
    this.#descriptor = descriptor;
    this.#ports = ports;
    this.#keyed = new HeapKeyedStateBackend({
      keyGroups: { start: 0, end: maxParallelism - 1 },
      maxParallelism,
      operatorName: descriptor.name,
      clock: ports.clock,
    });
    this.#operatorState = new HeapOperatorState({ operatorName: descriptor.name, isObjectReuse: false });
    this.#context = this.#contextIn(vertex);
  }

  async ask(operator: Operator): Promise<AskingOperator> {
    let problem: string | undefined;
    try {
      operator.bind(() => {}, this.#context);
      operator.bindSecond?.(() => {}, this.#context);
      await this.#withinTime(operator.open?.(this.#context));
      await this.#withinTime(operator.close?.());
    } catch (error) {
      problem = toErrorRecord(error).message;
    }
    const migrated = new Set(this.#keyed.migratedStates());
    const { id: operatorId, name } = this.#descriptor;
    const states = [...this.#keyed.states(), ...this.#operatorState.states()].map((descriptor) => ({
      descriptor,
      isMigrated: migrated.has(descriptor.name),
    }));
    const later = this.#keyed.announcedPrefixes();
    return { operatorId, name, states, ...(later.length === 0 ? {} : { later }), ...(problem === undefined ? {} : { problem }) };
  }

  async #withinTime(work: void | Promise<void>): Promise<void> {
    if (work === undefined) return;
    let timer: { cancel(): void } | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = this.#ports.clock.setTimer(limits.askedStatesMs, () => {
        reject(new Error(`opening or closing it took longer than ${limits.askedStatesMs} ms`));
      });
    });
    try {
      await Promise.race([work, late]);
    } finally {
      timer?.cancel();
    }
  }

  #contextIn(vertex: JobVertex): OperatorContext {
    const { id, name, isKeyed } = this.#descriptor;
    const { clock, random, files } = this.#ports;
    return {
      task: taskInfoOf(vertex),
      operatorId: id,
      operatorName: name,
      clock,
      random,
      logger: silent,
      files,
      metrics: new FunctionMetrics(clock).groupOf(this.#descriptor, silent),
      accumulators: new TaskAccumulators().of(name),
      isCheckpointed: true,
      isObjectReuse: false,
      keyed: isKeyed ? this.#keyed : undefined,
      operatorState: this.#operatorState,
      restored: undefined,
      restoredCheckpointId: undefined,
      sideOutput: () => () => {},
      isOutputAvailable: () => true,
      park: () => {},
      post: () => {},
      emitTime: () => {},
      currentWatermark: () => minWatermark,
      recordTime: () => clock.now(),
      declareSharedResource: () => {},
      print: () => {},
      reportResult: () => {},
      fail: () => {},
    };
  }
}

const silent: Logger = { log: () => {}, child: () => silent };

/** Ids of nobody. */
function taskInfoOf(vertex: JobVertex): TaskInfo {
  const { name, parallelism, maxParallelism } = vertex;
  const attempt = attemptNumber(0);
  return {
    jobId: jobId('0'.repeat(32)),
    jobName: name,
    taskName: name,
    subtaskIndex: 0,
    parallelism,
    maxParallelism,
    attemptId: formatAttemptId({ vertexId: vertexId(vertex.id), subtaskIndex: 0, leaderEpoch: leaderEpoch(1), attemptNumber: attempt }),
    attemptNumber: attempt,
    taskManagerId: 'none',
    sessionId: sessionId('none'),
  };
}
