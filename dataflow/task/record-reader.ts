/**
 * The reading half of a task with inputs: batches become calls into the chain, events move alignment, watermark and end.
 *
 * RR1  Whether the chain may take another record is looked up before each one; a batch that is left is gone on with later.
 * RR2  The data ended when every channel said so; a channel whose partition ended has said so.
 */
import type { InputGateDescriptor } from '../../bus/protocol/messages/tasks.js';
import { assert } from '../../core/errors.js';
import type { CheckpointId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { Clock } from '../../core/ports.js';
import type { OutputPressure } from '../channels/channel-owner.js';
import type { ChannelNetwork } from '../channels/channel-network.js';
import type { RecordBatch, StreamEvent } from '../channels/elements.js';
import { noTimestamp, type Emit } from '../contracts.js';
import { BarrierAligner, type AlignerListener } from './barrier-aligner.js';
import { InputWatermark } from './input-watermark.js';
import type { Parking } from './parking.js';
import { TaskInput } from './task-input.js';

export interface RecordReaderOptions extends Pick<AlignerListener, 'onAligned' | 'onAbandoned'> {
  readonly gates: readonly InputGateDescriptor[];
  readonly network: ChannelNetwork;
  readonly clock: Clock;
  readonly isAlignmentOff: boolean;
  readonly wake: () => void;
  readonly fail: (error: unknown) => void;
  /** The watermark of the task moved. */
  readonly onWatermark: (watermark: number) => void;
  /** RR2. Called once. */
  readonly onEndOfData: () => void;
}

/** Records between two looks at the clock. */
const recordsPerClockCheck = 32;

/** See the head of this file. */
export class RecordReader {
  readonly #options: RecordReaderOptions;
  readonly #input: TaskInput;
  readonly #aligner: BarrierAligner;
  readonly #watermarks: InputWatermark;
  readonly #hasDataEnded: boolean[];
  #channelsWithData: number;
  #batch: RecordBatch | undefined;
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
    this.#watermarks = new InputWatermark(channels);
    this.#channelsWithData = channels;
    this.#hasDataEnded = new Array<boolean>(channels).fill(false);
  }

  open(): void {
    this.#input.open();
  }

  /** Some records, or one event. `head` is the chain; `pressure` and `parking` say whether it may take another record. */
  step(startedAt: number, head: Emit<unknown>, pressure: OutputPressure, parking: Parking): 'progress' | 'waiting' {
    if (this.#batch !== undefined) {
      this.#process(this.#batch, startedAt, head, pressure, parking);
      return 'progress';
    }
    const step = this.#input.next();
    if (step.kind === 'none') return 'waiting';
    if (step.kind === 'event') this.#onEvent(step.channel, step.event);
    else {
      assert(this.#channelsWithData > 0, 'A record came after the end of data.');
      this.#batch = step.batch;
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

  get bytesIn(): number {
    return this.#input.bytesIn;
  }

  get duplicates(): number {
    return this.#input.duplicates;
  }

  close(): void {
    this.#batch = undefined;
    this.#input.close();
  }

  #process(batch: RecordBatch, startedAt: number, head: Emit<unknown>, pressure: OutputPressure, parking: Parking): void {
    const { clock } = this.#options;
    const { values, timestamps } = batch;
    const first = this.#next;
    let index = first;
    let nextClockCheck = first + recordsPerClockCheck;
    try {
      while (index < values.length && pressure.fullChannels === 0 && parking.lowestIndex < 0) {
        const at = index;
        index += 1;
        head(values[at], timestamps === undefined ? noTimestamp : (timestamps[at] as number));
        if (index === nextClockCheck) {
          nextClockCheck += recordsPerClockCheck;
          if (clock.monotonic() - startedAt >= limits.sliceMs) break;
        }
      }
    } finally {
      this.#next = index;
      this.recordsIn += index - first;
    }
    if (index < values.length) return;
    this.#batch = undefined;
    this.#input.finishBatch();
  }

  #onEvent(channel: number, event: StreamEvent): void {
    switch (event.kind) {
      case 'watermark':
        this.#moved(this.#watermarks.advance(channel, event.time));
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
    }
  }

  #endData(channel: number): void {
    if (this.#hasDataEnded[channel] === true) return;
    this.#hasDataEnded[channel] = true;
    this.#channelsWithData -= 1;
    const watermark = this.#watermarks.end(channel);
    // The end brings the last watermark with it.
    if (this.#channelsWithData === 0) this.#options.onEndOfData();
    else this.#moved(watermark);
  }

  #moved(watermark: number | undefined): void {
    if (watermark !== undefined) this.#options.onWatermark(watermark);
  }
}
