/**
 * The columns of one group while it is being written: arrays that grow with it and are used again for the next frame.
 *
 * CS1  What stands beyond the rows counted so far means nothing: a record that turns out not to fit leaves no trace.
 *      Its presence marks and bytes are wiped by `abandon`.
 * CS2  `rowCost` of a level is what a row of it is taken to cost: the most it can be when `isWorstCase`, else what it was
 *      in the frame before, but at least a quarter byte a column, so that sizes bound numbers of values, and half a byte
 *      where it can become eight.
 */
import { ByteSink } from './byte-sink.js';
import { writeBits } from './bit-column.js';
import { itemsOf, type ColumnPlan, type PlanNode } from './column-plan.js';
import { writeIntegers, writeNumbers } from './number-column.js';
import { isLittleEndian } from './byte-order.js';
import { writeTextBlock } from './text-column.js';

/** Rows for which there is room at first; levels that have more grow. */
export const capacityMin = 64;
const sint64Tag = 79;
const doubleKinds: ReadonlySet<PlanNode['kind']> = new Set(['number', 'date']);
const integerKinds: ReadonlySet<PlanNode['kind']> = new Set(['number', 'text', 'bytes', 'list']);

/** One node's columns. All have all members, so that code that writes them meets one hidden class. */
export class ColumnStore {
  readonly node: PlanNode;
  /** See bit-column.ts; all 0 while `hasAbsent` is false. */
  states: Uint8Array;
  hasAbsent = false;
  /** Numbers while `isWhole` does not hold, milliseconds of dates. */
  values: Float64Array;
  /** Numbers while `isWhole` holds, lengths of texts, bytes and lists. */
  integers: Int32Array;
  /** All numbers of the frame are integers of 32 bits so far. */
  isWhole = true;
  bits: Uint8Array;
  bigints: BigInt64Array;
  /** Texts as one string: what is left of them when `ascii` does not hold them. */
  text = '';
  /** Texts as bytes, while all of them are ASCII, short, and have room: `end` bytes of it are taken. */
  ascii: Uint8Array;
  isAscii = false;
  /** Contents of `bytes` and `any`. */
  sink: ByteSink;
  /** Where the bytes of the last record that fit end; of texts too. */
  end = 0;

  constructor(node: PlanNode, capacity: number) {
    this.node = node;
    this.states = new Uint8Array(capacity);
    this.values = new Float64Array(doubleKinds.has(node.kind) ? capacity : 0);
    this.integers = new Int32Array(integerKinds.has(node.kind) ? capacity : 0);
    this.bits = new Uint8Array(node.kind === 'boolean' ? capacity : 0);
    this.bigints = new BigInt64Array(node.kind === 'bigint' ? capacity : 0);
    this.ascii = new Uint8Array(node.kind === 'text' ? asciiBytesPerRow * capacity : 0);
    this.sink = node.kind === 'bytes' || node.kind === 'any' ? new ByteSink() : noSink;
  }

  /** The first `length` bytes of `ascii` as a string: called when a text comes that is not ASCII, or is long. */
  asciiText(length: number): string {
    return Buffer.from(this.ascii.buffer, 0, length).toString('latin1');
  }

  /** A number comes that is no integer of 32 bits, after `rows` that are. */
  leaveIntegers(rows: number): void {
    for (let row = 0; row < rows; row += 1) this.values[row] = this.integers[row] as number;
    this.isWhole = false;
  }

  grow(capacity: number): void {
    this.states = grown(this.states, new Uint8Array(capacity));
    if (this.values.length > 0) this.values = grown(this.values, new Float64Array(capacity));
    if (this.integers.length > 0) this.integers = grown(this.integers, new Int32Array(capacity));
    if (this.bits.length > 0) this.bits = grown(this.bits, new Uint8Array(capacity));
    if (this.bigints.length > 0) this.bigints = grown(this.bigints, new BigInt64Array(capacity));
  }
}

const noSink = new ByteSink(0);
/** Copying a text byte by byte takes a loop 10 cycles a unit; as part of one string it takes 150, whatever its length. */
const shortTextMax = 8;
const asciiBytesPerRow = 8;

function grown<T extends Uint8Array | Int32Array | Float64Array | BigInt64Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}

/** Costs are counted in these, so that they stay small integers. */
export const costUnitsPerByte = 4;
/** What a row of a column is taken to cost at least, so that the size of a frame bounds its values (CS2, FB1). */
export const valueBytesMin: number = 1 / costUnitsPerByte;

/** Rows of columns that grow together. */
export class LevelStore {
  count = 0;
  capacity: number;
  /** What a row is taken to cost, in quarters of a byte. */
  rowCost = 0;
  readonly columns: ColumnStore[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Called when a row is to be written at `capacity`. */
  grow(): void {
    this.capacity *= 2;
    for (const column of this.columns) column.grow(this.capacity);
  }
}

export interface GroupStoreOptions {
  readonly isWorstCase?: boolean;
  /** Rows for which there is room at first. */
  readonly capacity?: number;
}

/** See the head of this file. */
export class GroupStore {
  readonly plan: ColumnPlan;
  readonly columns: readonly ColumnStore[];
  readonly levels: readonly LevelStore[];
  readonly isWorstCase: boolean;
  readonly #items: number;

  constructor(plan: ColumnPlan, { isWorstCase = false, capacity = capacityMin }: GroupStoreOptions = {}) {
    this.plan = plan;
    this.isWorstCase = isWorstCase;
    this.columns = plan.nodes.map((node) => new ColumnStore(node, capacity));
    this.levels = Array.from({ length: plan.levelCount }, () => new LevelStore(capacity));
    for (const column of this.columns) {
      const level = this.levels[column.node.level] as LevelStore;
      level.columns.push(column);
      level.rowCost += costUnitsPerByte * (isWorstCase ? widthMax(column.node.kind) : widthAtFirst(column.node.kind));
    }
    this.#items = plan.nodes.reduce((items, node) => items + itemsOf(node.kind), 0);
  }

  /** Wipes what a record left that did not fit (CS1). */
  abandon(): void {
    for (const level of this.levels) {
      for (const column of level.columns) {
        if (column.hasAbsent) column.states.fill(0, level.count);
        if (column.sink !== noSink) column.sink.position = column.end;
      }
    }
  }

  /** Appends the columns as one CBOR array, and empties them. */
  write(sink: ByteSink): void {
    sink.head(4, this.#items);
    for (const level of this.levels) if (!this.isWorstCase && level.count > 0) level.rowCost = 0;
    for (const column of this.columns) {
      const level = this.levels[column.node.level] as LevelStore;
      const written = writeColumn(sink, column, level.count);
      if (!this.isWorstCase && level.count > 0) level.rowCost += costOf(column.node.kind, written / level.count);
    }
    for (const level of this.levels) level.count = 0;
  }
}

/** Returns the bytes that each row takes a share of: not those of texts and items, which are counted one by one. */
function writeColumn(sink: ByteSink, column: ColumnStore, count: number): number {
  const start = sink.position;
  if (column.hasAbsent) {
    writeBits(sink, column.states, count, 2);
    column.states.fill(0, 0, count);
    column.hasAbsent = false;
  } else sink.byte(0xf6);
  switch (column.node.kind) {
    case 'number':
      writeColumnOfNumbers(sink, column, count);
      break;
    case 'date':
      writeNumbers(sink, column.values, count);
      break;
    case 'list':
      writeIntegers(sink, column.integers, count);
      break;
    case 'boolean':
      writeBits(sink, column.bits, count, 1);
      break;
    case 'bigint':
      writeBigints(sink, column.bigints, count);
      break;
    case 'text': {
      writeIntegers(sink, column.integers, count);
      const end = sink.position;
      writeTexts(sink, column, count);
      return end - start;
    }
    case 'bytes':
      writeIntegers(sink, column.integers, count);
      return writeContent(sink, column, 2, column.end) - start;
    case 'any':
      return writeContent(sink, column, 4, count) - start;
    default:
  }
  return sink.position - start;
}

/** The next frame begins with integers again, unless these were none. */
function writeColumnOfNumbers(sink: ByteSink, column: ColumnStore, count: number): void {
  if (column.isWhole) writeIntegers(sink, column.integers, count);
  else column.isWhole = writeNumbers(sink, column.values, count);
}

/** What the texts were like decides how the next ones are collected. */
function writeTexts(sink: ByteSink, column: ColumnStore, count: number): void {
  if (column.isAscii) {
    sink.head(3, column.end);
    sink.append(column.ascii.subarray(0, column.end));
  } else {
    const units = column.text.length;
    const start = sink.position;
    writeTextBlock(sink, column.text);
    column.isAscii =
      sink.bytes[start] !== undefined &&
      (sink.bytes[start] as number) >> 5 === 3 &&
      units <= shortTextMax * count &&
      sink.position - start <= units + 5;
    column.text = '';
  }
  column.end = 0;
}

/** A head and the bytes collected; returns where they begin. */
function writeContent(sink: ByteSink, column: ColumnStore, major: number, argument: number): number {
  sink.head(major, argument);
  const start = sink.position;
  sink.append(column.sink.bytes.subarray(0, column.end));
  column.sink.position = 0;
  column.end = 0;
  return start;
}

function writeBigints(sink: ByteSink, values: BigInt64Array, count: number): void {
  sink.head(6, sint64Tag);
  sink.head(2, 8 * count);
  if (isLittleEndian) {
    sink.append(new Uint8Array(values.buffer, 0, 8 * count));
    return;
  }
  sink.reserve(8 * count);
  for (let index = 0; index < count; index += 1) sink.view.setBigInt64(sink.position + 8 * index, values[index] as bigint, true);
  sink.position += 8 * count;
}

const costOf = (kind: PlanNode['kind'], width: number): number => Math.ceil(costUnitsPerByte * Math.max(widthMin(kind), width));

function widthMin(kind: PlanNode['kind']): number {
  return kind === 'object' || kind === 'tuple' || kind === 'nothing' ? valueBytesMin : 2 * valueBytesMin;
}

function widthAtFirst(kind: PlanNode['kind']): number {
  return kind === 'number' ? 4 : kind === 'bigint' || kind === 'date' ? 8 : 1;
}

/** Two bits of presence come on top of the content. */
function widthMax(kind: PlanNode['kind']): number {
  switch (kind) {
    case 'nothing':
    case 'object':
    case 'tuple':
    case 'any':
      return 1;
    case 'boolean':
      return 2;
    case 'text':
    case 'bytes':
    case 'list':
      return 5;
    default:
      return 9;
  }
}
