/**
 * The operators of one chain bound to each other: a record goes from one to the next by a direct call.
 *
 * CW1  Operators are bound last to first, so that whatever takes a record is bound before what hands it over.
 * CW2  An output that several take hands each its own copy, unless objects may be reused.
 * CW3  A side output without a taker is dropped.
 * CW4  Neighbours that are stages become one function (see ../fusion); where code may not be made they are bound like others.
 */
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import { assert } from '../../core/errors.js';
import type { JobVertex, OperatorDescriptor } from '../../graph/types.js';
import type { OutputPressure } from '../channels/channel-owner.js';
import type { Emit, Operator, OperatorFactory, Source, SourceOutput } from '../contracts.js';
import { fuse } from '../fusion/fuse.js';
import { createRecordCount, type RecordCount } from '../fusion/record-count.js';
import type { NamedStage } from '../fusion/record-stage.js';
import { functionError } from '../operators/user-error.js';
import { timeOfSource } from '../time/time-assignment.js';
import { timestampFunction, timestampStage, type TimestampStageOptions } from '../time/timestamp-stage.js';
import { TrackerSeat } from '../time/tracker-seat.js';
import type { ChainedOperator } from './chained-operator.js';
import { countedSink } from './counted-sink.js';
import { fanOut } from './fan-out.js';
import type { Parking } from './parking.js';
import { SourceTime } from './source-time.js';
import { StageRuns } from './stage-runs.js';
import type { OutputEdge } from './task-outputs.js';

export interface ChainWiringOptions {
  readonly descriptor: TaskDeploymentDescriptor;
  readonly vertex: JobVertex;
  readonly edges: readonly OutputEdge[];
  readonly pressure: OutputPressure;
  readonly parking: Parking;
  /** Counts, at 0, the records a source emitted. */
  readonly sourceRecords: RecordCount;
  readonly wake: () => void;
}

/** What a source task reads, and where the records go: `emit` is exchanged once results need no second look. */
export interface ChainSource {
  readonly source: Source<unknown>;
  readonly output: SourceOutput<unknown>;
  /** Of a source with a watermark strategy. */
  readonly time: SourceTime | undefined;
}

/** See the head of this file. */
export class ChainWiring {
  readonly #options: ChainWiringOptions;
  readonly #bound = new Map<string, ChainedOperator>();
  readonly #inputs = new Map<string, Emit<unknown>>();
  readonly #runs: StageRuns;
  /** At 0, the records sinks took: one number that compiled code can count in. */
  readonly #written = createRecordCount();
  /** Takes records of the second input into the head. */
  #secondInput: Emit<never> | undefined;
  #source: ChainSource | undefined;

  constructor(options: ChainWiringOptions) {
    this.#options = options;
    this.#runs = new StageRuns(options.vertex, options.edges);
  }

  /** Of a source task: what it reads and where the records go. */
  get source(): ChainSource | undefined {
    return this.#source;
  }

  /** Records that sinks of the chain took without an error. */
  get recordsWritten(): number {
    return this.#written[0] as number;
  }

  /** What takes a record into the chain, one for each input of its head. Not for source tasks. */
  inputs(): readonly Emit<unknown>[] {
    assert(this.#source === undefined, 'A source task takes no records from channels.');
    const { id, name } = this.#head;
    const first = this.#inputOf(id);
    const inputs = this.#secondInput === undefined ? [first] : [first, this.#secondInput as Emit<unknown>];
    assert(
      this.#options.descriptor.inputs.every(({ inputIndex }) => inputIndex < inputs.length),
      `"${name}" takes no second input.`,
    );
    return inputs;
  }

  /** Binds an operator; those behind it are bound (CW1). */
  bind(chained: ChainedOperator, factory: OperatorFactory): void {
    const { descriptor, context, operator } = chained;
    this.#bound.set(descriptor.id, chained);
    if (operator === undefined) {
      assert(factory.kind === 'source', 'Only a source has no operator.');
      this.#source = this.#sourceOf(descriptor, factory);
      return;
    }
    try {
      const stage = operator.stage?.(context);
      if (stage === undefined) this.#inputs.set(descriptor.id, this.#boundInput(chained, operator));
      else this.#runs.add(descriptor.id, { ...stage, operatorName: descriptor.name });
    } catch (error) {
      throw functionError(descriptor.name, error);
    }
  }

  /** Everything that takes the main output (null) or a side output of an operator. */
  outputOf({ id }: OperatorDescriptor, sideOutput: string | null): Emit<unknown> {
    const { vertex, edges, descriptor } = this.#options;
    const takers: Emit<unknown>[] = [];
    for (const edge of vertex.chainedEdges) {
      if (edge.source === id && edge.sideOutput === sideOutput) takers.push(this.#inputOf(edge.target));
    }
    for (const edge of edges) if (edge.sourceOperator === id && edge.sideOutput === sideOutput) takers.push(edge.emit);
    return fanOut(takers, descriptor.jobGraph.settings.objectReuse);
  }

  get #head(): OperatorDescriptor {
    return this.#options.vertex.operators[0] as OperatorDescriptor;
  }

  #boundInput({ descriptor, context }: ChainedOperator, operator: Operator): Emit<unknown> {
    const out = this.outputOf(descriptor, null);
    const bind = (): Emit<unknown> => operator.bind(out, context);
    const input = descriptor.kind === 'sink' ? this.#boundSink(descriptor.name, operator, bind) : bind();
    if (operator.bindSecond !== undefined) {
      assert(descriptor === this.#head, `"${descriptor.name}" has two inputs and is not the head of its chain.`);
      this.#secondInput = operator.bindSecond(out, context);
    }
    return input;
  }

  /** A sink with a policy for errors takes the count inside it: what it gave up is not written. */
  #boundSink(name: string, operator: Operator, bind: () => Emit<unknown>): Emit<unknown> {
    const counted = (take: Emit<unknown>): Emit<unknown> => countedSink(name, take, this.#written);
    if (operator.takeCount === undefined) return counted(bind());
    operator.takeCount(counted);
    return bind();
  }

  /** What takes a record into an operator: bound before, or compiled now with the stages behind it (CW4). */
  #inputOf(id: string): Emit<unknown> {
    const known = this.#inputs.get(id);
    if (known !== undefined) return known;
    const chained = this.#bound.get(id);
    assert(chained?.operator !== undefined, `Operators of "${this.#options.vertex.name}" are not in topological order.`);
    const { stages, last } = this.#runs.from(chained.descriptor);
    const input =
      fuse({ stages, out: this.outputOf(last, null) }) ?? chained.operator.bind(this.outputOf(chained.descriptor, null), chained.context);
    this.#inputs.set(id, input);
    return input;
  }

  #sourceOf(descriptor: OperatorDescriptor, factory: OperatorFactory & { readonly kind: 'source' }): ChainSource {
    const { pressure, parking, wake } = this.#options;
    const assignment = factory.time ?? (factory.source.makesTime === true ? timeOfSource : undefined);
    const stamping = assignment && { assignment, seat: new TrackerSeat() };
    // What is parked has nothing to do: it keeps the reader from the next record until the watermark has gone.
    const onDue = (): void => {
      parking.park(0, () => true);
      wake();
    };
    const time = stamping && new SourceTime({ ...stamping, onDue });
    const output: SourceOutput<unknown> = {
      emit: this.#countedOutputOf(descriptor, stamping),
      isAvailable: () => pressure.fullChannels === 0 && parking.lowestIndex < 0,
      time,
    };
    return { source: factory.source, output, time };
  }

  /** The main output of a source, counting what passes, and giving it timestamps. */
  #countedOutputOf(descriptor: OperatorDescriptor, stamping: TimestampStageOptions | undefined): Emit<unknown> {
    const { sourceRecords } = this.#options;
    const count: NamedStage = { operatorName: descriptor.name, code: '$records[0] += 1;', uses: { records: sourceRecords } };
    const stamps: NamedStage[] = stamping === undefined ? [] : [{ operatorName: descriptor.name, ...timestampStage(stamping) }];
    const run = this.#runs.after(descriptor);
    const fused = fuse({
      stages: [count, ...stamps, ...run.stages],
      out: this.outputOf(run.last, null),
      onProven: (steady) => {
        if (this.#source !== undefined) this.#source.output.emit = steady;
      },
    });
    if (fused !== undefined) return fused;
    const out = this.outputOf(descriptor, null);
    const stamp = stamping === undefined ? (_value: unknown, timestamp: number) => timestamp : timestampFunction(stamping);
    return (value, timestamp) => {
      sourceRecords[0] = (sourceRecords[0] as number) + 1;
      out(value, stamp(value, timestamp));
    };
  }
}
