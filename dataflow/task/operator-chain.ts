/**
 * The operators of one task: made, restored, opened and closed in order. How they are bound to each other: see ChainWiring.
 *
 * C1  Operators are made and restored before any is bound, bound and opened last to first, closed first to last; `close`
 *     runs for every operator whose `open` was called, whatever happens to the others.
 */
import type { FunctionMetric } from '../../bus/protocol/messages/tasks.js';
import type { AccumulatorState } from '../../core/accumulator-state.js';
import type { MillraceError } from '../../core/errors.js';
import { keyGroupRange } from '../../graph/key-groups.js';
import type { OperatorDescriptor } from '../../graph/types.js';
import type { KeyedStateBackend } from '../../storage/state/contracts.js';
import { TaskAccumulators } from '../accumulators/task-accumulators.js';
import type { Emit } from '../contracts.js';
import { functionError } from '../operators/user-error.js';
import type { ChunkStore, KeyedStateOptions, TaskCode } from '../task-runtime.js';
import type { TimeOrigin } from '../time/time-origin.js';
import { ChainWiring, type ChainSource, type ChainWiringOptions } from './chain-wiring.js';
import { factoryOf, type ChainedOperator } from './chained-operator.js';
import { FunctionMetrics } from './function-metrics.js';
import { operatorContext, type OperatorTask } from './operator-context.js';
import { restoredValues, restoreStates } from './operator-restore.js';
import { callOperator } from './procedure.js';
import type { Timeline } from './timeline.js';
import type { UserCalls } from './user-calls.js';

export interface OperatorChainOptions extends OperatorTask, ChainWiringOptions {
  readonly code: TaskCode;
  readonly chunks: ChunkStore;
  readonly createKeyedState: (options: KeyedStateOptions) => KeyedStateBackend;
  readonly isStrictState: boolean;
  readonly calls: UserCalls;
  /** Where an operator stands in the time of the task; `time` is what makes its own. */
  readonly placeInTime: (operator: OperatorDescriptor, time: TimeOrigin | undefined) => Timeline;
}

/** The chain of one task; see the head of this file. */
export class OperatorChain {
  readonly #options: OperatorChainOptions;
  readonly #operators: ChainedOperator[] = [];
  readonly #wiring: ChainWiring;
  /** From `open` on, for `close` (C1). */
  readonly #opened = new Set<ChainedOperator>();
  #isClosed = false;
  readonly #functionMetrics: FunctionMetrics;
  readonly #accumulators = new TaskAccumulators();

  constructor(options: OperatorChainOptions) {
    this.#options = options;
    this.#wiring = new ChainWiring(options);
    this.#functionMetrics = new FunctionMetrics(options.ports.clock);
  }

  /** In topological order, head first. */
  get operators(): readonly ChainedOperator[] {
    return this.#operators;
  }

  get head(): ChainedOperator {
    return this.#operators[0] as ChainedOperator;
  }

  /** Of a source task: what it reads and where the records go. */
  get source(): ChainSource | undefined {
    return this.#wiring.source;
  }

  /** What takes a record into the chain, one for each input of its head. Not for source tasks. */
  get inputs(): readonly Emit<unknown>[] {
    return this.#wiring.inputs();
  }

  /** Records that sinks of the chain took without an error. */
  get recordsWritten(): number {
    return this.#wiring.recordsWritten;
  }

  /** What the functions of the chain count for people to watch. */
  functionMetrics(): readonly FunctionMetric[] {
    return this.#functionMetrics.report();
  }

  /** What the accumulators of the chain say; throws when that cannot be told. */
  accumulators(): readonly AccumulatorState[] {
    return this.#accumulators.states();
  }

  /** Makes contexts and state, restores, then binds (C1). */
  async prepare(): Promise<void> {
    const { vertex, code } = this.#options;
    for (const [index, descriptor] of vertex.operators.entries()) {
      const keyed = descriptor.isKeyed ? this.#createKeyed(descriptor) : undefined;
      const factory = factoryOf(code, descriptor);
      const operator = factory.kind === 'operator' ? factory.create() : undefined;
      const timeline = this.#options.placeInTime(descriptor, operator?.time);
      const context = operatorContext(this.#options, {
        operator: descriptor,
        index,
        keyed,
        timeline,
        restored: await restoredValues(descriptor.id, this.#options),
        functionMetrics: this.#functionMetrics,
        accumulators: this.#accumulators,
        sideOutput: (tag) => this.#wiring.outputOf(descriptor, tag),
      });
      const chained = { descriptor, context, keyed, operator };
      this.#operators.push(chained);
      timeline.operators.push(chained);
    }
    for (const chained of this.#operators) await restoreStates(chained, this.#options);
    for (const chained of [...this.#operators].reverse()) this.#wiring.bind(chained, factoryOf(code, chained.descriptor));
  }

  /** Between slices no key is current: state that is used from a promise or a timer of a function is refused, not that of another key changed. */
  leaveKeys(): void {
    for (const { keyed } of this.#operators) keyed?.leaveKey();
  }

  async open(): Promise<void> {
    for (let index = this.#operators.length - 1; index >= 0; index -= 1) {
      if (this.#isClosed) return;
      const chained = this.#operators[index] as ChainedOperator;
      this.#opened.add(chained);
      const { operator, descriptor, context } = chained;
      const opening = callOperator(descriptor, () => operator?.open?.(context));
      if (opening !== undefined) await this.#options.calls.wait(descriptor, 'open', opening);
    }
  }

  /** Closes what was opened, first to last; resolves to the failures. Idempotent. */
  async close(): Promise<readonly MillraceError[]> {
    if (this.#isClosed) return [];
    this.#isClosed = true;
    const failures: MillraceError[] = [];
    for (const chained of this.#operators) {
      if (!this.#opened.has(chained)) continue;
      try {
        // What is closed belongs to no key, not to that of the last record.
        chained.keyed?.leaveKey();
        const closing = chained.operator?.close?.();
        if (closing !== undefined) await this.#options.calls.wait(chained.descriptor, 'close', closing);
      } catch (error) {
        failures.push(functionError(chained.descriptor.name, error));
      }
    }
    for (const { keyed } of this.#operators) keyed?.close();
    return failures;
  }

  #createKeyed(descriptor: OperatorDescriptor): KeyedStateBackend {
    const { vertex, descriptor: task, createKeyedState, isStrictState, ports } = this.#options;
    return createKeyedState({
      operatorName: descriptor.name,
      keyGroups: keyGroupRange(task.subtaskIndex, vertex.parallelism, vertex.maxParallelism),
      maxParallelism: vertex.maxParallelism,
      isObjectReuse: task.jobGraph.settings.objectReuse,
      isStrict: isStrictState,
      clock: ports.clock,
    });
  }
}
