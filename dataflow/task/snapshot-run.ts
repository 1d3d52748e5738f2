/**
 * One checkpoint of one task, from its cut to its acknowledgement.
 *
 * SR1  Everything is cut in the constructor, between two records; what is encoded later does not see later records.
 * SR2  Keyed state is serialised in slices; chunks are written while the task goes on.
 * SR3  Chunk names hold the attempt and a number, so that no two writers ever share a name.
 * SR4  Operator state that is too large for a message goes into chunks; that of sources does not, as the JobManager reads it.
 */
import { encode } from '../../bus/codec/cbor.js';
import type { TaskDeploymentDescriptor } from '../../bus/protocol/messages/tasks.js';
import type { AccumulatorState } from '../../core/accumulator-state.js';
import type { CheckpointId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { ChunkHandle, OperatorSnapshot, OperatorStateHandle, StateDescriptor, TaskSnapshot } from '../../storage/contracts.js';
import type { ChunkWriter, StateSnapshot } from '../../storage/state/contracts.js';
import type { OperatorDescriptor } from '../../graph/types.js';
import { maxWatermark, minWatermark } from '../contracts.js';
import { functionError } from '../operators/user-error.js';
import type { ChunkGate } from './chunk-gate.js';
import type { ChainedOperator } from './chained-operator.js';
import type { SourceDriver } from './source-driver.js';
import type { UserCalls } from './user-calls.js';

export interface SnapshotRunOptions {
  readonly checkpointId: CheckpointId;
  readonly descriptor: TaskDeploymentDescriptor;
  readonly operators: readonly ChainedOperator[];
  readonly source: SourceDriver | undefined;
  readonly chunks: ChunkGate;
  readonly calls: UserCalls;
  readonly isFinished: boolean;
  /** What they said at the cut. */
  readonly accumulators: readonly AccumulatorState[];
}

type PlacedState = Pick<OperatorSnapshot, 'operatorState' | 'operatorStateChunks'>;

interface OperatorRun {
  readonly chained: ChainedOperator;
  readonly keyed: StateSnapshot | undefined;
  readonly operatorState: Promise<Uint8Array | null>;
  readonly states: Promise<readonly OperatorStateHandle[]>;
  readonly descriptors: readonly StateDescriptor[];
  readonly watermark: number;
}

/** A snapshot under way; see the head of this file. Throws when the synchronous part fails: then the task fails (Flink). */
export class SnapshotRun {
  readonly checkpointId: CheckpointId;
  readonly isFinished: boolean;
  readonly #options: SnapshotRunOptions;
  readonly #runs: OperatorRun[] = [];
  #remaining: StateSnapshot[] = [];
  #isDiscarded = false;

  constructor(options: SnapshotRunOptions) {
    this.#options = options;
    this.checkpointId = options.checkpointId;
    this.isFinished = options.isFinished;
    try {
      for (const chained of options.operators) this.#runs.push(this.#cut(chained));
    } catch (error) {
      this.discard();
      throw error;
    }
    this.#remaining = this.#runs.flatMap((run) => (run.keyed === undefined ? [] : [run.keyed]));
  }

  /** Serialises some more (SR2); whether more remains. */
  advance(entriesMax: number): boolean {
    const [current] = this.#remaining;
    if (current === undefined) return false;
    if (!current.advance(entriesMax)) this.#remaining.shift();
    return this.#remaining.length > 0;
  }

  /** Resolves once everything is written. Call when `advance` returned false. */
  async finish(): Promise<TaskSnapshot> {
    const { descriptor, accumulators } = this.#options;
    const operators: OperatorSnapshot[] = [];
    let stateBytes = 0;
    for (const run of this.#runs) {
      const { chained, keyed } = run;
      const handles = keyed === undefined ? [] : await keyed.finish();
      const state = await run.operatorState;
      const states = await run.states;
      operators.push({
        operatorId: chained.descriptor.id,
        keyed: handles,
        ...(await this.#placed(chained, state)),
        ...(states.length === 0 ? {} : { states }),
        ...(run.descriptors.length === 0 ? {} : { descriptors: run.descriptors }),
        ...(isBetween(run.watermark) ? { watermark: run.watermark } : {}),
      });
      stateBytes += state?.length ?? 0;
      for (const handle of [...handles, ...states]) for (const chunk of handle.chunks) stateBytes += chunk.bytes;
    }
    return {
      vertexId: descriptor.vertexId,
      subtaskIndex: descriptor.subtaskIndex,
      operators,
      isFinished: this.isFinished,
      stateBytes,
      ...(accumulators.length === 0 ? {} : { accumulators }),
    };
  }

  discard(): void {
    this.#isDiscarded = true;
    for (const run of this.#runs) run.keyed?.discard();
    this.#remaining = [];
  }

  #cut(chained: ChainedOperator): OperatorRun {
    const { operator, keyed, descriptor, context } = chained;
    const write = this.#writerFor(descriptor.id);
    const keyedRun = keyed?.snapshot(write);
    try {
      const state = operator === undefined ? this.#options.source?.snapshot() : operator.snapshot?.({ checkpointId: this.checkpointId });
      const states = context.operatorState.snapshot(write);
      // A snapshot that is discarded before `finish` must not end in an unhandled rejection.
      states.catch(() => {});
      const descriptors = [...(keyed?.states() ?? []), ...context.operatorState.states()];
      return {
        chained,
        keyed: keyedRun,
        operatorState: this.#encoded(state, descriptor),
        states,
        descriptors,
        watermark: context.currentWatermark(),
      };
    } catch (error) {
      keyedRun?.discard();
      throw functionError(descriptor.name, error);
    }
  }

  /** What is there now is encoded now (SR1); a promise when it settles. */
  #encoded(state: unknown, descriptor: OperatorDescriptor): Promise<Uint8Array | null> {
    if (state === undefined) return Promise.resolve(null);
    if (!isPromise(state)) return Promise.resolve(encode(state));
    const encoded = state.then((value) => (value === undefined ? null : encode(value)));
    const waited = this.#options.calls.wait(descriptor, 'snapshot', encoded);
    // A snapshot that is discarded before `finish` must not end in an unhandled rejection.
    waited.catch(() => {});
    return waited;
  }

  /** SR4. */
  async #placed({ operator, descriptor }: ChainedOperator, state: Uint8Array | null): Promise<PlacedState> {
    if (state === null || state.length <= limits.inlineStateBytesMax || operator === undefined) return { operatorState: state };
    const write = this.#writerFor(`${descriptor.id}-operator`);
    const chunks: Promise<ChunkHandle>[] = [];
    for (let start = 0; start < state.length; start += limits.stateChunkBytesMax) {
      chunks.push(write(state.subarray(start, start + limits.stateChunkBytesMax)));
    }
    return { operatorState: null, operatorStateChunks: await Promise.all(chunks) };
  }

  #writerFor(operator: string): ChunkWriter {
    const { descriptor, chunks } = this.#options;
    let number = 0;
    return (bytes) => {
      const name = `${descriptor.jobId}/${this.checkpointId}/${descriptor.attemptId}/${operator}/${number}`;
      number += 1;
      return chunks.write(name, bytes, () => !this.#isDiscarded);
    };
  }
}

/** Time has begun, and is not over. */
const isBetween = (watermark: number): boolean => watermark > minWatermark && watermark < maxWatermark;

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as Partial<Promise<unknown>>).then === 'function';
