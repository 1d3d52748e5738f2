/**
 * The reading half of a task with inputs: batches become calls into the chain, events move alignment, watermark and end.
 *
 * RR1  Whether the chain may take another record is looked up before each one; a batch that is left is gone on with later.
 * RR2  A slice ends after `limits.sliceMs` at the next look at the clock; once the cost of a record is known, the records
 *      between two looks take a tenth of that, or are one record.
 * RR3  The data ended when every channel said so; a channel whose partition ended has said so.
 */
import type { InputGateDescriptor } from '../../bus/protocol/messages/tasks.js';
import { assert } from '../../core/errors.js';
import type { CheckpointId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Clock } from '../../core/ports.js';
import type { ChannelNetwork } from '../channels/channel-network.js';
import type { LatencyMarker, RecordBatch, StreamEvent } from '../channels/elements.js';
import type { TimeHolders } from '../time/time-origin.js';
import type { TimeChange } from '../contracts.js';
import type { HeadLoop } from '../fusion/head-loop.js';
import { BarrierAligner, type AlignerListener } from './barrier-aligner.js';
import type { InputUse } from './channel-use.js';
import { DataEnds } from './data-ends.js';
import { InputTime } from './input-time.js';
import type { RecordClock } from './record-clock.js';
import { RecordPace } from './record-pace.js';
import { TaskInput } from './task-input.js';

export interface RecordReaderOptions extends Pick<AlignerListener, 'onAligned' | 'onAbandoned'> {
  readonly gates: readonly InputGateDescriptor[];
  readonly network: ChannelNetwork;
  readonly clock: Clock;
  readonly recordClock: RecordClock;
  readonly isAlignmentOff: boolean;
  readonly wake: () => void;
  readonly fail: (error: unknown) => void;
  /** What comes in moved the time of the task, or made it idle or active. */
  readonly onTime: (change: TimeChange) => void;
  readonly onLatencyMarker: (marker: LatencyMarker) => void;
  /** One input has no records to come, and another has; `change` is what that did to time. */
  readonly onInputEnded: (input: number, change: TimeChange) => void;
  /** RR3. Called once; `input` is the last that ended. */
  readonly onEndOfData: (input: number) => void;
}

/** Records between two looks at the clock, at most: looking costs less than processing two of them. */
const recordsPerLookMax = 64;

/** See the head of this file. */
export class RecordReader {
  readonly #options: RecordReaderOptions;
  readonly #input: TaskInput;
  readonly #aligner: BarrierAligner;
  readonly #time: InputTime;
  readonly #dataEnds: DataEnds;
  readonly #pace = new RecordPace({ recordsMax: recordsPerLookMax, targetMs: limits.sliceMs / 10 });
  #batch: RecordBatch | undefined;
  /** Of the batch. */
  #inputIndex = 0;
  #next = 0;
  recordsIn = 0;

  constructor(options: RecordReaderOptions) {
    this.#options = options;
    const { gates, network, clock, wake, fail, onAligned, onAbandoned, isAlignmentOff } = options;
    this.#input = new TaskInput({ gates, network, wake, fail, isBlocked: (channel) => this.#aligner.isBlocked(channel) });
    const channels = this.#input.channelCount;
    this.#aligner = new BarrierAligner({
      channels,
      now: () => clock.monotonic(),
      isAlignmentOff,
      listener: { onAligned, onAbandoned, onUnblocked: (unblocked) => this.#input.unblock(unblocked) },
    });
    this.#time = new InputTime(gates);
    this.#dataEnds = new DataEnds(gates);
  }

  open(): void {
    this.#input.open();
  }

  /** Some records, or one event. `takes` bring them into the chain, one for each input. */
  step(startedAt: number, takes: readonly HeadLoop[]): 'progress' | 'waiting' {
    if (this.#batch !== undefined) {
      this.#process(this.#batch, startedAt, takes[this.#inputIndex] as HeadLoop);
      return 'progress';
    }
    const step = this.#input.next();
    if (step.kind === 'none') return 'waiting';
    if (step.kind === 'event') this.#onEvent(step.channel, step.event);
    else {
      assert(!this.#dataEnds.areAll, 'A record came after the end of data.');
      this.#batch = step.batch;
      this.#inputIndex = step.inputIndex;
      this.#next = 0;
    }
    return 'progress';
  }

  /** The JobManager gave this checkpoint up; whether it was being aligned. */
  abort(id: CheckpointId): boolean {
    return this.#aligner.abort(id);
  }

  /** Every channel delivered the end of its partition. */
  get hasEnded(): boolean {
    return this.#input.hasEnded;
  }

  /** For people: what holds the time of the task. */
  timeHolders(): TimeHolders {
    const { channel, idle, finished } = this.#time.holder();
    const end = channel === undefined ? undefined : this.#input.endOf(channel);
    return { heldBy: end === undefined ? null : { kind: 'channel', ...end }, idle, finished };
  }

  get bytesIn(): number {
    return this.#input.bytesIn;
  }

  get queuedFrames(): number {
    return this.#input.queuedFrames;
  }

  get overGrantFrames(): number {
    return this.#input.overGrantFrames;
  }

  channelUses(): readonly InputUse[] {
    return this.#input.channelUses();
  }

  get duplicates(): number {
    return this.#input.duplicates;
  }

  close(): void {
    this.#batch = undefined;
    this.#input.close();
  }

  #process(batch: RecordBatch, startedAt: number, take: HeadLoop): void {
    const { clock, recordClock } = this.#options;
    const { length } = batch.values;
    let lookedAt = clock.monotonic();
    for (let from = this.#next; from < length; from = this.#next) {
      const to = Math.min(length, from + this.#pace.records);
      this.#next = to;
      const taken = take(batch, from, to);
      this.#next = taken;
      this.recordsIn += taken - from;
      const now = clock.monotonic();
      this.#pace.took(taken - from, now - lookedAt);
      lookedAt = now;
      recordClock.look();
      if (taken < to || now - startedAt >= limits.sliceMs) break;
    }
    if (this.#next < length) return;
    this.#batch = undefined;
    this.#input.finishBatch();
  }

  #onEvent(channel: number, event: StreamEvent): void {
    switch (event.kind) {
      case 'watermark':
        this.#moved(this.#time.advance(channel, event.time));
        return;
      case 'watermark-status':
        this.#moved(this.#time.setIdle(channel, event.isIdle));
        return;
      case 'barrier':
        this.#aligner.onBarrier(channel, event);
        return;
      case 'cancel-barrier':
        this.#aligner.onCancelBarrier(event.checkpointId);
        return;
      case 'end-of-data':
        this.#endData(channel);
        return;
      case 'end-of-partition':
        this.#endData(channel);
        this.#aligner.onEndOfPartition(channel);
        return;
      case 'latency-marker':
        this.#options.onLatencyMarker(event);
        return;
    }
  }

  #endData(channel: number): void {
    if (this.#dataEnds.has(channel)) return;
    const input = this.#dataEnds.end(channel);
    const change = this.#time.finish(channel);
    if (input === undefined) this.#moved(change);
    // The end brings the last watermark with it.
    else if (this.#dataEnds.areAll) this.#options.onEndOfData(input);
    else this.#options.onInputEnded(input, change);
  }

  #moved(change: TimeChange): void {
    if (change.watermark !== undefined || change.isIdle !== undefined) this.#options.onTime(change);
  }
}
