/**
 * Collects the records of a frame: by columns those that fit a shape, item by item the others.
 *
 * CW1  Records leave in the order they came, whatever mixture of shapes they are of.
 * CW2  A record that cannot be encoded is refused with the name of its operator and the place in it, and leaves no trace.
 * CW3  A frame never exceeds what the bus carries: sizes are counted when records are added, from above where that matters.
 * CW4  At most `shapesPerChannelMax` shapes are compiled for a channel; what fits none of them travels item by item.
 * CW5  With a projection, plain objects travel with those of its fields that they have, in its order, and nothing else of
 *      them is looked at. By columns that costs nothing: the shape has no others. Row by row a smaller object is made.
 */
import type { ChannelId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import { frameKinds, type FrameWriter } from '../channels/frame-codec.js';
import { headerTemplate, writeUint64 } from '../channels/frame-header.js';
import { noTimestamp } from '../contracts.js';
import { fieldPicker } from '../records/pick-fields.js';
import { planColumns } from './column-plan.js';
import { capacityMin, costUnitsPerByte, GroupStore } from './column-store.js';
import { generateEncoder } from './encoder-generation.js';
import { interpretEncoder } from './encoder-interpreter.js';
import { bodyItems, headItems, writeBody } from './frame-layout.js';
import { ItemFault, writeItem } from './item-writer.js';
import { noRoom, type EncoderOptions, type RecordEncoder } from './record-encoder.js';
import { recordNotEncodable, recordTooLarge } from './record-faults.js';
import { describeShape } from './shape-descriptor.js';
import { anyShape, shapeKey } from './shape.js';
import { ShapeLearner, type Lesson } from './shape-learning.js';

export interface ColumnarWriterOptions {
  readonly channelId: ChannelId;
  /** What the bus can carry. */
  readonly frameBytesMax: number;
  /** The size at which a frame should leave; default: `limits.frameBytesTarget`. */
  readonly frameBytesTarget?: number;
  /** For messages: the operator whose records travel. */
  readonly operatorName: string;
  /** The projection; undefined: records travel with all of their fields. */
  readonly fields?: readonly string[] | undefined;
  /** Where code must not be generated; found out alone if undefined. */
  readonly isCodeGenerationOff?: boolean;
  /** Records before a shape is compiled; tests only. */
  readonly samplesMin?: number;
}

/** Records of one shape in the frame being collected. */
export interface OpenGroup {
  readonly descriptor: Uint8Array;
  readonly store: GroupStore;
  readonly encoder: RecordEncoder;
  /** Its place among the groups of the frame; -1: none of its records is in it. */
  index: number;
}

/** Below it, the size of columns is counted at its worst; above, frames of the usual size are far from the limit. */
const roomyFrameBytes = 640 * 1_024;
/** Columns may take so many times what they are taken to take, where that is not the worst: 8¼ bytes for half a byte. */
const errorFactorMax = 17;
/** Version, counts, heads of the body. */
const bodyHeadBytes = 64;
/** Heads of one column. */
const columnHeadBytes = 20;
/** They are spread over 31 bits. */
const keyHashCost = 4 * costUnitsPerByte;
const recordsMax = 16_384;
/** Rows of one shape in a frame, where columns do not grow. */
const capacityMax = 4_096;
/** A channel whose records fit nothing looks through all shapes only for every so many of them. */
const missesUntilSeldom = 256;
const seldom = 16;

/** See the head of this file. */
export class ColumnarWriter implements FrameWriter {
  readonly #options: ColumnarWriterOptions;
  readonly #header: Uint8Array;
  readonly #seqOffset: number;
  readonly #bytesMax: number;
  readonly #bytesTarget: number;
  readonly #costTarget: number;
  readonly #isTight: boolean;
  readonly #columnRecordBytesMax: number;
  readonly #learner: ShapeLearner;
  /** The projection of one record. */
  readonly #pick: ((record: unknown) => unknown) | undefined;
  /** What fits no shape: one column of items. */
  readonly #rows: OpenGroup;
  #shapes: OpenGroup[] = [];
  #current: OpenGroup;
  /** Of the current group, while it is one of a shape and in this frame: most records go straight to it. */
  #encoder: RecordEncoder | undefined;
  /** Groups with records in this frame. */
  #open: OpenGroup[] = [];
  #count = 0;
  /** In quarters of a byte. */
  #cost: number;
  #rowBytes = 0;
  #timestamps = new Float64Array(64);
  #hasTimestamps = false;
  #timestampCost: number;
  #keyHashes = new Int32Array(64);
  #keyHashesKnown = 0;
  /** Which group each record is in; only kept up once there are two. */
  #order = new Uint8Array(64);
  /** Where the records of the current group begin that stand next to each other. */
  #runStart = 0;
  #misses = 0;
  takenBytes = 0;

  constructor(options: ColumnarWriterOptions) {
    const template = headerTemplate(options.channelId, frameKinds.data, headItems + bodyItems);
    this.#options = options;
    this.#header = template.bytes;
    this.#seqOffset = template.seqOffset;
    this.#bytesMax = options.frameBytesMax - template.bytes.length - bodyHeadBytes;
    this.#isTight = options.frameBytesMax < roomyFrameBytes;
    const target = options.frameBytesTarget ?? limits.frameBytesTarget;
    this.#bytesTarget = this.#isTight ? Math.min(target, this.#bytesMax >> 1) : target;
    this.#columnRecordBytesMax = this.#isTight ? this.#bytesMax >> 2 : target;
    this.#timestampCost = costUnitsPerByte * (this.#isTight ? 9 : 4);
    this.#costTarget = costUnitsPerByte * this.#bytesTarget;
    this.#cost = this.#emptyCost;
    this.#learner = new ShapeLearner(options);
    this.#pick = options.fields === undefined ? undefined : fieldPicker(options.fields);
    const store = new GroupStore(planColumns(anyShape));
    this.#rows = { descriptor: describeShape(anyShape), store, encoder: new RowEncoder(store), index: -1 };
    this.#current = this.#rows;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return Math.ceil(this.#cost / costUnitsPerByte);
  }

  get isFull(): boolean {
    return this.#cost >= this.#costTarget || this.#count >= recordsMax;
  }

  add(value: unknown, timestamp: number, keyHash?: number): boolean {
    const encoder = this.#encoder;
    let cost = -1;
    if (encoder !== undefined) {
      try {
        cost = encoder.add(value);
      } catch (error) {
        throw this.#refuse(this.#current, value, error);
      }
    }
    if (cost < 0) {
      cost = this.#addElsewhere(value, cost);
      if (cost < 0) return false;
    }
    if (this.#hasTimestamps || timestamp !== noTimestamp) cost += this.#addTimestamp(timestamp);
    if (keyHash !== undefined) cost += this.#addKeyHash(keyHash);
    this.#count += 1;
    this.#cost += cost;
    return true;
  }

  take(seq: number): Uint8Array {
    this.#endRun();
    writeUint64(this.#header, this.#seqOffset, seq);
    for (const group of this.#open) group.encoder.sync();
    const { frame, timestampBytes } = writeBody({
      header: this.#header,
      count: this.#count,
      timestamps: this.#hasTimestamps ? this.#timestamps : undefined,
      keyHashes: this.#keyHashesKnown === this.#count ? this.#keyHashes : undefined,
      order: this.#open.length > 1 ? this.#order : undefined,
      groups: this.#open,
    });
    if (this.#hasTimestamps && !this.#isTight) this.#timestampCost = Math.ceil((costUnitsPerByte * timestampBytes) / this.#count);
    for (const group of this.#open) {
      group.encoder.reset();
      group.index = -1;
    }
    this.#encoder = undefined;
    this.#open = [];
    this.#count = 0;
    this.#cost = this.#emptyCost;
    this.#rowBytes = 0;
    this.#runStart = 0;
    this.#hasTimestamps = false;
    this.#keyHashesKnown = 0;
    this.takenBytes = frame.length;
    return frame;
  }

  get #emptyCost(): number {
    return costUnitsPerByte * (this.#header.length + bodyHeadBytes);
  }

  #addTimestamp(timestamp: number): number {
    const count = this.#count;
    if (count >= this.#timestamps.length) this.#timestamps = moved(this.#timestamps, new Float64Array(2 * count));
    if (!this.#hasTimestamps) this.#timestamps.fill(noTimestamp, 0, count);
    this.#hasTimestamps = true;
    this.#timestamps[count] = timestamp;
    return this.#timestampCost;
  }

  #addKeyHash(keyHash: number): number {
    const count = this.#count;
    if (count >= this.#keyHashes.length) this.#keyHashes = moved(this.#keyHashes, new Int32Array(2 * count));
    this.#keyHashes[count] = keyHash;
    this.#keyHashesKnown += 1;
    return keyHashCost;
  }

  /** The size of the record; negative when it does not fit the shape, or has no room. */
  #tryShape(group: OpenGroup, value: unknown): number {
    try {
      const size = group.encoder.add(value);
      if (size < 0) this.#abandon(group);
      return size;
    } catch (error) {
      throw this.#refuse(group, value, error);
    }
  }

  #refuse(group: OpenGroup, value: unknown, error: unknown): unknown {
    this.#abandon(group);
    return this.#fault(value, error);
  }

  #abandon(group: OpenGroup): void {
    group.encoder.sync();
    group.store.abandon();
  }

  /**
   * The current shape refused it with `refusal`, or is not in this frame yet. Negative: there is no room for it beside what
   * is there.
   */
  #addElsewhere(record: unknown, refusal: number): number {
    if (this.#encoder !== undefined) this.#abandon(this.#current);
    if (refusal === noRoom) return -1;
    const value = this.#pick === undefined ? record : this.#pick(record);
    if (this.#misses < missesUntilSeldom || this.#misses % seldom === 0) {
      for (const group of this.#shapes) {
        if (group === this.#current && group.index >= 0) continue;
        if (!this.#hasRoomFor(group)) return -1;
        const cost = this.#tryShape(group, value);
        if (cost === noRoom) return -1;
        if (cost < 0) continue;
        this.#misses = 0;
        this.#switchTo(group);
        return cost;
      }
    }
    if (!this.#hasRoomFor(this.#rows)) return -1;
    const bytes = this.#addRow(value);
    if (bytes < 0) return -1;
    this.#misses += 1;
    this.#switchTo(this.#rows);
    if (this.#learner.isLearning) this.#adopt(this.#learner.observe(value), bytes);
    return costUnitsPerByte * bytes;
  }

  /** A group that is not open yet brings its description. */
  #hasRoomFor(group: OpenGroup): boolean {
    return group.index >= 0 || this.#count === 0 || this.bytes + overheadOf(group) < this.#bytesTarget;
  }

  /** The size of the item, or -1 when it has no room in this frame. Throws when it has none in any. */
  #addRow(value: unknown): number {
    const { store, encoder } = this.#rows;
    const [column] = store.columns as readonly [GroupStore['columns'][number]];
    const before = column.end;
    try {
      encoder.add(value);
    } catch (error) {
      column.sink.position = before;
      throw this.#fault(value, error);
    }
    const size = column.end - before;
    const columnBytes = (this.bytes - this.#rowBytes) * (this.#isTight ? 1 : errorFactorMax);
    if (size + (this.#count === 0 ? 0 : columnBytes + this.#rowBytes) > this.#bytesMax) {
      (encoder as RowEncoder).removeLast(before);
      if (size > this.#bytesMax) throw recordTooLarge(size, this.#bytesMax, this.#options.operatorName);
      return -1;
    }
    this.#rowBytes += size;
    return size;
  }

  #fault(record: unknown, error: unknown): unknown {
    if (!(error instanceof ItemFault) && !(error instanceof RangeError)) return error;
    return recordNotEncodable(this.#pick === undefined ? record : this.#pick(record), this.#options.operatorName);
  }

  #adopt(lesson: Lesson | undefined, bytes: number): void {
    if (lesson === undefined) return;
    const capacity = capacityFor(bytes, this.#bytesTarget);
    const store = new GroupStore(planColumns(lesson.shape), { isWorstCase: this.#isTight, capacity });
    const group: OpenGroup = { descriptor: describeShape(lesson.shape), store, encoder: this.#encoderFor(store), index: -1 };
    if (overheadOf(group) > this.#bytesTarget / 8) return;
    const replaced = lesson.replaces === undefined ? undefined : shapeKey(lesson.replaces);
    this.#shapes = [group, ...this.#shapes.filter(({ store: { plan } }) => plan.key !== replaced)];
  }

  #encoderFor(store: GroupStore): RecordEncoder {
    const options: EncoderOptions = {
      store,
      fields: this.#options.fields,
      costMax: costUnitsPerByte * this.#columnRecordBytesMax,
      unitCost: costUnitsPerByte * (this.#isTight ? 2 : 1),
    };
    const generated = this.#options.isCodeGenerationOff === true ? undefined : generateEncoder(options);
    return generated ?? interpretEncoder(options);
  }

  /** The next record is of this group. */
  #switchTo(group: OpenGroup): void {
    if (group !== this.#current) this.#endRun();
    this.#current = group;
    this.#encoder = group === this.#rows ? undefined : group.encoder;
    if (group.index >= 0) return;
    group.index = this.#open.length;
    this.#open.push(group);
    this.#cost += costUnitsPerByte * overheadOf(group);
  }

  #endRun(): void {
    const count = this.#count;
    if (this.#runStart === count) return;
    if (count > this.#order.length) {
      const larger = new Uint8Array(2 * count);
      larger.set(this.#order);
      this.#order = larger;
    }
    this.#order.fill(this.#current.index, this.#runStart, count);
    this.#runStart = count;
  }
}

function moved<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Four times as many rows as fill a frame of items: columns take about half of what items take, and may take less. */
function capacityFor(itemBytes: number, bytesTarget: number): number {
  const rows = (4 * bytesTarget) / Math.max(1, itemBytes);
  return Math.min(capacityMax, Math.max(capacityMin, 2 ** Math.ceil(Math.log2(rows))));
}

const overheadOf = ({ descriptor, store }: OpenGroup): number => descriptor.length + columnHeadBytes * (1 + store.columns.length);

/** One item a record, of any size. */
class RowEncoder implements RecordEncoder {
  readonly #store: GroupStore;
  #count = 0;

  constructor(store: GroupStore) {
    this.#store = store;
  }

  add(record: unknown): number {
    const [column] = this.#store.columns as readonly [GroupStore['columns'][number]];
    writeItem(column.sink, record);
    const size = column.sink.position - column.end;
    column.end = column.sink.position;
    this.#count += 1;
    return size;
  }

  /** The record added last is none of this frame; its bytes began at `start`. */
  removeLast(start: number): void {
    const [column] = this.#store.columns as readonly [GroupStore['columns'][number]];
    column.sink.position = start;
    column.end = start;
    this.#count -= 1;
  }

  sync(): void {
    (this.#store.levels[0] as GroupStore['levels'][number]).count = this.#count;
  }

  reset(): void {
    this.#count = 0;
  }
}
