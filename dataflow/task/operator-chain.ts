/**
 * The operators of one task, bound to each other: a record goes from one to the next by a direct call.
 *
 * C1  Operators are made and bound last to first, restored before they are bound, opened last to first, closed first
 *     to last; `close` runs for every operator whose `open` was called, whatever happens to the others.
 * C2  An output that several take hands each its own copy, unless objects may be reused.
 * C3  A side output without a taker is dropped.
 * C4  Neighbours that are stages become one function (see ../fusion); where code may not be made they are bound like others.
 */
import type { FunctionMetric } from '../../bus/protocol/messages/tasks.js';
import type { AccumulatorState } from '../../core/accumulator-state.js';
import { assert, MillraceError } from '../../core/errors.js';
import { keyGroupRange } from '../../graph/key-groups.js';
import type { JobVertex, OperatorDescriptor } from '../../graph/types.js';
import type { KeyedStateBackend } from '../../storage/state/contracts.js';
import { TaskAccumulators } from '../accumulators/task-accumulators.js';
import type { Emit, Operator, OperatorContext, Source, SourceOutput } from '../contracts.js';
import { compile } from '../fusion/dynamic-code.js';
import { fuse } from '../fusion/fuse.js';
import { createRecordCount, type RecordCount } from '../fusion/record-count.js';
import type { NamedStage } from '../fusion/record-stage.js';
import { failFunction, functionError } from '../operators/user-error.js';
import type { ChunkStore, KeyedStateOptions, TaskCode } from '../task-runtime.js';
import { fanOut } from './fan-out.js';
import { FunctionMetrics } from './function-metrics.js';
import { operatorContext, type OperatorTask } from './operator-context.js';
import { restoredValues, restoreStates } from './operator-restore.js';
import { timeOfSource } from '../time/time-assignment.js';
import type { TimeOrigin } from '../time/time-origin.js';
import { timestampFunction, timestampStage, type TimestampStageOptions } from '../time/timestamp-stage.js';
import { TrackerSeat } from '../time/tracker-seat.js';
import { SourceTime } from './source-time.js';
import type { OutputEdge } from './task-outputs.js';
import type { Timeline } from './task-time.js';

export interface OperatorChainOptions extends OperatorTask {
  readonly vertex: JobVertex;
  readonly code: TaskCode;
  readonly chunks: ChunkStore;
  readonly createKeyedState: (options: KeyedStateOptions) => KeyedStateBackend;
  readonly isStrictState: boolean;
  readonly edges: readonly OutputEdge[];
  /** Counts, at 0, the records a source emitted. */
  readonly sourceRecords: RecordCount;
  /** Where an operator stands in the time of the task; `time` is what makes its own. */
  readonly placeInTime: (operator: OperatorDescriptor, time: TimeOrigin | undefined) => Timeline;
}

/** One operator of the chain. The head of a source task has no `operator`: the source driver is it. */
export interface ChainedOperator {
  readonly descriptor: OperatorDescriptor;
  readonly context: OperatorContext;
  readonly keyed: KeyedStateBackend | undefined;
  readonly operator: Operator | undefined;
}

/** What a source task reads, and where the records go: `emit` is exchanged once results need no second look. */
export interface ChainSource {
  readonly source: Source<unknown>;
  readonly output: SourceOutput<unknown>;
  /** Of a source with a watermark strategy. */
  readonly time: SourceTime | undefined;
}

/** The chain of one task; see the head of this file. */
export class OperatorChain {
  readonly #options: OperatorChainOptions;
  readonly #operators: ChainedOperator[] = [];
  readonly #inputs = new Map<string, Emit<unknown>>();
  /** Takes records of the second input into the head. */
  #secondInput: Emit<never> | undefined;
  readonly #stages = new Map<string, NamedStage>();
  #source: ChainSource | undefined;
  /** From `open` on, for `close` (C1). */
  readonly #opened = new Set<ChainedOperator>();
  #isClosed = false;
  /** At 0, the records sinks took: one number that compiled code can count in. */
  readonly #written = createRecordCount();
  readonly #functionMetrics: FunctionMetrics;
  readonly #accumulators = new TaskAccumulators();

  constructor(options: OperatorChainOptions) {
    this.#options = options;
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
    return this.#source;
  }

  /** Records that sinks of the chain took without an error. */
  get recordsWritten(): number {
    return this.#written[0] as number;
  }

  /** What the functions of the chain count for people to watch. */
  functionMetrics(): readonly FunctionMetric[] {
    return this.#functionMetrics.report();
  }

  /** What the accumulators of the chain say; throws when that cannot be told. */
  accumulators(): readonly AccumulatorState[] {
    return this.#accumulators.states();
  }

  /** What takes a record into the chain, one for each input of its head. Not for source tasks. */
  get inputs(): readonly Emit<unknown>[] {
    assert(this.#source === undefined, 'A source task takes no records from channels.');
    const first = this.#inputOf(this.head.descriptor.id);
    const inputs = this.#secondInput === undefined ? [first] : [first, this.#secondInput as Emit<unknown>];
    const { name } = this.head.descriptor;
    assert(
      this.#options.descriptor.inputs.every(({ inputIndex }) => inputIndex < inputs.length),
      `"${name}" takes no second input.`,
    );
    return inputs;
  }

  /** Makes contexts and state, restores, then binds (C1). */
  async prepare(): Promise<void> {
    const { vertex } = this.#options;
    for (const [index, descriptor] of vertex.operators.entries()) {
      const keyed = descriptor.isKeyed ? this.#createKeyed(descriptor) : undefined;
      const factory = this.#factoryOf(descriptor);
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
        sideOutput: (tag) => this.#outputOf(descriptor, tag),
      });
      const chained = { descriptor, context, keyed, operator };
      this.#operators.push(chained);
      timeline.operators.push(chained);
    }
    for (const chained of this.#operators) await restoreStates(chained, this.#options);
    for (let index = this.#operators.length - 1; index >= 0; index -= 1) this.#bind(this.#operators[index] as ChainedOperator);
  }

  async open(): Promise<void> {
    for (let index = this.#operators.length - 1; index >= 0; index -= 1) {
      if (this.#isClosed) return;
      const chained = this.#operators[index] as ChainedOperator;
      this.#opened.add(chained);
      try {
        await chained.operator?.open?.(chained.context);
      } catch (error) {
        throw functionError(chained.descriptor.name, error);
      }
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
        await chained.operator?.close?.();
      } catch (error) {
        failures.push(functionError(chained.descriptor.name, error));
      }
    }
    for (const { keyed } of this.#operators) keyed?.close();
    return failures;
  }

  #factoryOf(descriptor: OperatorDescriptor): NonNullable<ReturnType<TaskCode['operators']['get']>> {
    const factory = this.#options.code.operators.get(descriptor.id);
    if (factory !== undefined) return factory;
    throw new MillraceError('OPERATOR_MISSING', `The job code built here has no operator "${descriptor.name}".`, {
      domain: 'user',
      recovery: 'fail-job',
      where: descriptor.name,
      hint: 'A job builder must build the same graph every time: let it depend on its parameters only.',
    });
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

  #bind(chained: ChainedOperator): void {
    const { descriptor, context, operator } = chained;
    if (operator === undefined) {
      const factory = this.#factoryOf(descriptor);
      assert(factory.kind === 'source', 'Only a source has no operator.');
      const { pressure, parking } = this.#options;
      const assignment = factory.time ?? (factory.source.makesTime === true ? timeOfSource : undefined);
      const stamping = assignment && { assignment, seat: new TrackerSeat() };
      // What is parked has nothing to do: it keeps the reader from the next record until the watermark has gone.
      const onDue = (): void => {
        parking.park(0, () => true);
        this.#options.wake();
      };
      const time = stamping && new SourceTime({ ...stamping, onDue });
      const output: SourceOutput<unknown> = {
        emit: this.#countedOutputOf(descriptor, stamping),
        isAvailable: () => pressure.fullChannels === 0 && parking.lowestIndex < 0,
        time,
      };
      this.#source = { source: factory.source, output, time };
      return;
    }
    try {
      const stage = operator.stage?.(context);
      if (stage === undefined) this.#inputs.set(descriptor.id, this.#boundInput(chained, operator));
      else this.#stages.set(descriptor.id, { ...stage, operatorName: descriptor.name });
    } catch (error) {
      throw functionError(descriptor.name, error);
    }
  }

  /** Of a sink: counting what it took, and naming it when it throws. */
  #boundInput({ descriptor, context }: ChainedOperator, operator: Operator): Emit<unknown> {
    const out = this.#outputOf(descriptor, null);
    const input = operator.bind(out, context);
    if (operator.bindSecond !== undefined) {
      assert(descriptor === this.head.descriptor, `"${descriptor.name}" has two inputs and is not the head of its chain.`);
      this.#secondInput = operator.bindSecond(out, context);
    }
    if (descriptor.kind !== 'sink') return input;
    const written = this.#written;
    const fail = (error: unknown): never => failFunction(descriptor.name, error);
    const code =
      'return function sink(value, timestamp, keyHash) { try { input(value, timestamp, keyHash); } catch (error) { fail(error); } written[0] += 1; };';
    return (
      compile<Emit<unknown>>('sink', { input, written, fail }, code) ??
      ((value, timestamp, keyHash) => {
        try {
          input(value, timestamp, keyHash);
        } catch (error) {
          fail(error);
        }
        written[0] = (written[0] as number) + 1;
      })
    );
  }

  /** What takes a record into an operator: bound before, or compiled now with the stages behind it (C4). */
  #inputOf(id: string): Emit<unknown> {
    const bound = this.#inputs.get(id);
    if (bound !== undefined) return bound;
    const chained = this.#operators.find(({ descriptor }) => descriptor.id === id);
    assert(chained?.operator !== undefined, `Operators of "${this.#options.vertex.name}" are not in topological order.`);
    const { stages, last } = this.#stagesFrom(chained.descriptor);
    const input =
      fuse({ stages, out: this.#outputOf(last, null) }) ?? chained.operator.bind(this.#outputOf(chained.descriptor, null), chained.context);
    this.#inputs.set(id, input);
    return input;
  }

  /** The main output of a source, counting what passes, and giving it timestamps. */
  #countedOutputOf(descriptor: OperatorDescriptor, stamping: TimestampStageOptions | undefined): Emit<unknown> {
    const { sourceRecords } = this.#options;
    const count: NamedStage = { operatorName: descriptor.name, code: '$records[0] += 1;', uses: { records: sourceRecords } };
    const stamps: NamedStage[] = stamping === undefined ? [] : [{ operatorName: descriptor.name, ...timestampStage(stamping) }];
    const next = this.#soleTaker(descriptor);
    const run = next === undefined ? { stages: [], last: descriptor } : this.#stagesFrom(next);
    const fused = fuse({
      stages: [count, ...stamps, ...run.stages],
      out: this.#outputOf(run.last, null),
      onProven: (steady) => {
        if (this.#source !== undefined) this.#source.output.emit = steady;
      },
    });
    if (fused !== undefined) return fused;
    const out = this.#outputOf(descriptor, null);
    const stamp = stamping === undefined ? (_value: unknown, timestamp: number) => timestamp : timestampFunction(stamping);
    return (value, timestamp) => {
      sourceRecords[0] = (sourceRecords[0] as number) + 1;
      out(value, stamp(value, timestamp));
    };
  }

  /** The stages from an operator on, as long as each is the only taker of the one before it. */
  #stagesFrom(first: OperatorDescriptor): { readonly stages: readonly NamedStage[]; readonly last: OperatorDescriptor } {
    const stages: NamedStage[] = [this.#stages.get(first.id) as NamedStage];
    let last = first;
    for (let next = this.#soleTaker(last); next !== undefined; next = this.#soleTaker(last)) {
      stages.push(this.#stages.get(next.id) as NamedStage);
      last = next;
    }
    return { stages, last };
  }

  /** The one operator that takes the main output, when it is a stage. */
  #soleTaker({ id }: OperatorDescriptor): OperatorDescriptor | undefined {
    const { vertex, edges } = this.#options;
    if (edges.some(({ sourceOperator, sideOutput }) => sourceOperator === id && sideOutput === null)) return undefined;
    const [taker, ...others] = vertex.chainedEdges.filter(({ source, sideOutput }) => source === id && sideOutput === null);
    if (taker === undefined || others.length > 0 || !this.#stages.has(taker.target)) return undefined;
    return this.#operators.find(({ descriptor }) => descriptor.id === taker.target)?.descriptor;
  }

  /** Everything that takes the main output (null) or a side output of an operator. */
  #outputOf(descriptor: OperatorDescriptor, sideOutput: string | null): Emit<unknown> {
    const { vertex, edges, descriptor: task } = this.#options;
    const takers: Emit<unknown>[] = [];
    for (const edge of vertex.chainedEdges) {
      if (edge.source === descriptor.id && edge.sideOutput === sideOutput) takers.push(this.#inputOf(edge.target));
    }
    for (const edge of edges) if (edge.sourceOperator === descriptor.id && edge.sideOutput === sideOutput) takers.push(edge.emit);
    return fanOut(takers, task.jobGraph.settings.objectReuse);
  }
}
