/**
 * The columns of one group of a frame, read and checked, before records are made of them.
 *
 * DC1  Everything that records are made of is there and fits before the first record is made: the code that makes them
 *      checks nothing.
 * DC2  The number of values is bounded by the budget of the frame, whatever the frame says, before room is made for them.
 * DC3  Arrays are used again for the next frame of the shape; records share no memory with them but the text blocks.
 * DC4  Integers of 32 bits never become doubles on the way. A field that once held a double is one for all records of its
 *      hidden class, those made in this thread too, and each of them is an object of its own.
 */
import { readBits } from './bit-column.js';
import { itemsOf, type ColumnPlan, type PlanNode } from './column-plan.js';
import { valuesMax, type FrameBudget } from './frame-budget.js';
import { CorruptItem, type ItemReader } from './item-reader.js';
import { readIntegers, readLengths, readNumbers } from './number-column.js';
import { readTextBlock } from './text-column.js';

const sint64Tag = 79;
const noBytes = new Uint8Array(0);

/** What one node's columns hold. */
export class DecodedColumn {
  states = new Uint8Array(0);
  hasAbsent = false;
  /** Numbers that `integers` does not hold, milliseconds of dates. */
  values = new Float64Array(0);
  /** Numbers while `isWhole` holds, lengths of texts, bytes and lists. */
  integers = new Int32Array(0);
  /** All numbers of the frame are integers of 32 bits: a record gets them as what they were before they travelled (DC4). */
  isWhole = false;
  bits = new Uint8Array(0);
  bigints = new BigInt64Array(0);
  text = '';
  /** All contents of a column of bytes; a view of the frame. */
  bytes: Uint8Array = noBytes;
  items: unknown[] = [];
}

/** See the head of this file. */
export class DecodedColumns {
  readonly plan: ColumnPlan;
  readonly columns: readonly DecodedColumn[];
  /** Whether any value is null, undefined or missing. */
  hasAbsent = false;
  readonly #rows: number[];
  readonly #items: number;

  constructor(plan: ColumnPlan) {
    this.plan = plan;
    this.columns = plan.nodes.map(() => new DecodedColumn());
    this.#rows = new Array<number>(plan.levelCount).fill(0);
    this.#items = plan.nodes.reduce((items, node) => items + itemsOf(node.kind), 0);
  }

  /** Reads the columns of a group of `records` rows (DC1). Throws CorruptItem. */
  read(reader: ItemReader, records: number, budget: FrameBudget): void {
    const { nodes } = this.plan;
    if (reader.head(4) !== this.#items) throw new CorruptItem('not the columns of its shape');
    this.#rows[0] = records;
    this.hasAbsent = false;
    for (let id = 0; id < nodes.length; id += 1) {
      const node = nodes[id] as PlanNode;
      const count = this.#rows[node.level] as number;
      // Items take a byte each at least.
      if (node.kind !== 'any') budget.takeValues(count);
      const column = this.columns[id] as DecodedColumn;
      const present = this.#readPresence(reader, column, count);
      const children = readContent(reader, node, column, count);
      if (node.childLevel >= 0) this.#rows[node.childLevel] = node.kind === 'list' ? children : present;
    }
  }

  /** Lets go of what would keep the frame alive. */
  release(): void {
    for (const column of this.columns) {
      column.text = '';
      column.bytes = noBytes;
      column.items = [];
    }
  }

  #readPresence(reader: ItemReader, column: DecodedColumn, count: number): number {
    column.hasAbsent = reader.peek() !== 0xf6;
    if (!column.hasAbsent) {
      reader.position += 1;
      return count;
    }
    this.hasAbsent = true;
    if (column.states.length < count) column.states = new Uint8Array(roomFor(count));
    readBits(reader, count, 2, column.states);
    let present = 0;
    for (let row = 0; row < count; row += 1) if (column.states[row] === 0) present += 1;
    return present;
  }
}

const roomFor = (count: number): number => Math.max(64, 2 ** Math.ceil(Math.log2(count)));

/** Returns the sum of the lengths of a list. */
function readContent(reader: ItemReader, { kind }: PlanNode, column: DecodedColumn, count: number): number {
  switch (kind) {
    case 'nothing':
      if (!column.hasAbsent && count > 0) throw new CorruptItem('a value in a column without values');
      return 0;
    case 'object':
    case 'tuple':
      return 0;
    case 'any':
      readItems(reader, column, count);
      return 0;
    case 'boolean':
      if (column.bits.length < count) column.bits = new Uint8Array(roomFor(count));
      readBits(reader, count, 1, column.bits);
      return 0;
    case 'bigint':
      readBigints(reader, column, count);
      return 0;
    default:
  }
  if (column.integers.length < count && kind !== 'date') column.integers = new Int32Array(roomFor(count));
  switch (kind) {
    case 'text':
      column.text = readTextBlock(reader, readLengths(reader, count, column.integers, reader.bytes.length));
      return 0;
    case 'bytes': {
      const sum = readLengths(reader, count, column.integers, reader.bytes.length);
      if (reader.stringHead(2) !== sum) throw new CorruptItem('bytes that their lengths do not add up to');
      const start = reader.skipBytes(sum);
      column.bytes = new Uint8Array(reader.bytes.buffer, reader.bytes.byteOffset + start, sum);
      return 0;
    }
    case 'list':
      return readLengths(reader, count, column.integers, valuesMax);
    case 'number':
      column.isWhole = readIntegers(reader, count, column.integers);
      if (column.isWhole) return 0;
      break;
    default:
  }
  if (column.values.length < count) column.values = new Float64Array(roomFor(count));
  readNumbers(reader, count, column.values);
  return 0;
}

function readItems(reader: ItemReader, column: DecodedColumn, count: number): void {
  if (reader.containerHead(4) !== count) throw new CorruptItem(`not ${count} items`);
  const items: unknown[] = [];
  for (let row = 0; row < count; row += 1) items.push(reader.item(1));
  column.items = items;
}

function readBigints(reader: ItemReader, column: DecodedColumn, count: number): void {
  if (reader.head(6) !== sint64Tag || reader.stringHead(2) !== 8 * count) throw new CorruptItem('a column of bigints of unknown form');
  const start = reader.skipBytes(8 * count);
  if (column.bigints.length < count) column.bigints = new BigInt64Array(roomFor(count));
  for (let row = 0; row < count; row += 1) column.bigints[row] = reader.view.getBigInt64(start + 8 * row, true);
}
