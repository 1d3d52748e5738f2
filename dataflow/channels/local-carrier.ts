/**
 * Brings batches to a receiver of the same slot, by reference.
 *
 * FC2 holds here too: unless objects may be reused, a record is copied when it is added, so that producer and consumer
 * never see each other's changes. A projection makes an object of its own anyway.
 */
import { limits } from '../../core/limits.js';
import { noTimestamp } from '../contracts.js';
import { approximateBytes, copyContent, copyRecord } from '../records/copy-record.js';
import { fieldPicker } from '../records/pick-fields.js';
import type { RecordBatch, ReceivedElement } from './elements.js';
import type { BatchWriter, Carrier } from './carrier.js';

/** References held for one frame are taken to be worth at most this much. */
const localFrameBytesTarget = 4 * limits.frameBytesTarget;

export interface ReferenceWriterOptions {
  readonly isObjectReuse: boolean;
  /** Of plain objects only these fields travel; undefined: all. */
  readonly fields?: readonly string[] | undefined;
}

/** Collects references; its size in bytes is a guess from the first record of each batch. */
export class ReferenceWriter implements BatchWriter<RecordBatch> {
  readonly #isCopied: boolean;
  readonly #pick: ((record: unknown) => unknown) | undefined;
  #values: unknown[] = [];
  #timestamps: number[] | undefined;
  #keyHashes: number[] | undefined;
  #recordBytes = 0;
  #recordsMax: number = limits.recordsPerFrameMax;
  takenBytes = 0;

  constructor({ isObjectReuse, fields }: ReferenceWriterOptions) {
    this.#isCopied = !isObjectReuse;
    this.#pick = fields === undefined ? undefined : fieldPicker(fields);
  }

  get count(): number {
    return this.#values.length;
  }

  get isFull(): boolean {
    return this.#values.length >= this.#recordsMax;
  }

  add(record: unknown, timestamp: number, keyHash?: number): boolean {
    const value = this.#own(record);
    if (this.#values.length === 0) this.#measure(value);
    if (timestamp !== noTimestamp && this.#timestamps === undefined) {
      this.#timestamps = new Array<number>(this.#values.length).fill(noTimestamp);
    }
    if (this.#timestamps !== undefined) this.#timestamps.push(timestamp);
    if (keyHash !== undefined) (this.#keyHashes ??= []).push(keyHash);
    this.#values.push(value);
    return true;
  }

  take(): RecordBatch {
    const batch: RecordBatch = { kind: 'data', values: this.#values, timestamps: this.#timestamps, keyHashes: this.#keyHashes };
    this.takenBytes = this.#values.length * this.#recordBytes;
    this.#values = [];
    this.#timestamps = undefined;
    this.#keyHashes = undefined;
    return batch;
  }

  #own(record: unknown): unknown {
    if (typeof record !== 'object' || record === null) return record;
    const picked = this.#pick === undefined ? record : this.#pick(record);
    if (!this.#isCopied) return picked;
    return picked === record ? copyRecord(record) : copyContent(picked as Record<string, unknown>);
  }

  #measure(value: unknown): void {
    this.#recordBytes = approximateBytes(value);
    this.#recordsMax = Math.max(1, Math.min(limits.recordsPerFrameMax, Math.floor(localFrameBytesTarget / this.#recordBytes)));
  }
}

/** `deliver` finds the receiver; it may be gone, then the frame is dropped like any other of an unknown channel. */
export function createLocalCarrier(
  options: ReferenceWriterOptions & {
    readonly deliver: (seq: number, element: ReceivedElement, backlog: number) => void;
    readonly sendBacklog: (sentUpTo: number, backlog: number) => void;
  },
): Carrier<RecordBatch> {
  return {
    createWriter: () => new ReferenceWriter(options),
    piecesOf: () => 1,
    sendPiece: ({ payload }, seq, backlog) => options.deliver(seq, payload, backlog),
    sendEvent: (seq, event) => options.deliver(seq, event, 0),
    sendBacklog: options.sendBacklog,
  };
}
