/**
 * Encoders as closures, one a node, for environments that forbid generated code. Slower; writes the same bytes as
 * encoder-generation.ts, which explains the order of things.
 */
import { presence } from './bit-column.js';
import type { PlanNode } from './column-plan.js';
import { costUnitsPerByte, type ColumnStore, type LevelStore } from './column-store.js';
import { writeItem } from './item-writer.js';
import { missingFields, noRoom, type EncoderOptions, type RecordEncoder } from './record-encoder.js';
import { optionalFieldsMax } from './shape.js';

/** The record being written. */
interface Progress {
  size: number;
  readonly rows: number[];
  readonly texts: string[];
}

/** Writes a value that is there; false when it does not fit. */
type Fit = (value: unknown, row: number) => boolean;
/** The same for any value; `whenUndefined` is the presence of undefined. */
type Write = (value: unknown, row: number, whenUndefined: number) => boolean;

/** An encoder without generated code. */
export function interpretEncoder({ store, costMax, unitCost, fields }: EncoderOptions): RecordEncoder {
  const { plan, columns, levels } = store;
  const counts = levels.map(() => 0);
  const texts = columns.map(() => '');
  const progress: Progress = { size: 0, rows: [], texts: [] };
  const context: Context = { columns, levels, progress, costMax, unitCost };
  const isProjected = fields !== undefined && plan.root.kind === 'object';
  const write = writeOf(plan.root, context, isProjected ? projectedOf(plan.root, context, fields) : undefined);
  return {
    add(record) {
      if (counts[0] === levels[0]?.capacity) return noRoom;
      progress.size = 0;
      for (const [level, count] of counts.entries()) progress.rows[level] = count;
      for (const [id, text] of texts.entries()) progress.texts[id] = text;
      const row = takeRow(levels, progress, 0);
      if (!write(record, row, presence.undefined) || progress.size > costMax) return -1;
      for (const level of counts.keys()) counts[level] = progress.rows[level] as number;
      for (const [id, column] of columns.entries()) {
        texts[id] = progress.texts[id] as string;
        column.end = column.sink.position;
      }
      return progress.size;
    },
    sync() {
      for (const [index, level] of levels.entries()) level.count = counts[index] as number;
      for (const [id, column] of columns.entries()) {
        column.text = texts[id] as string;
        column.isAscii = false;
      }
    },
    reset() {
      counts.fill(0);
      texts.fill('');
    },
  };
}

interface Context {
  readonly columns: readonly ColumnStore[];
  readonly levels: readonly LevelStore[];
  readonly progress: Progress;
  readonly costMax: number;
  readonly unitCost: number;
}

/** Levels under a list grow; what has a row a record never has more than there is room for. */
function takeRow(levels: readonly LevelStore[], progress: Progress, index: number): number {
  const level = levels[index] as LevelStore;
  const row = progress.rows[index] as number;
  if (row === level.capacity) level.grow();
  progress.rows[index] = row + 1;
  progress.size += level.rowCost;
  return row;
}

function writeOf(node: PlanNode, context: Context, projected?: Fit): Write {
  const column = context.columns[node.id] as ColumnStore;
  const fit = projected ?? fitOf(node, column, context);
  return (value, row, whenUndefined) => {
    if (value !== null && value !== undefined) return fit(value, row);
    column.hasAbsent = true;
    column.states[row] = value === null ? presence.null : whenUndefined;
    column.values[row] = 0;
    column.integers[row] = 0;
    column.bits[row] = 0;
    column.bigints[row] = 0n;
    if (node.kind === 'any') {
      column.sink.byte(0xf6);
      context.progress.size += costUnitsPerByte;
    }
    return true;
  };
}

function fitOf(node: PlanNode, column: ColumnStore, context: Context): Fit {
  const { progress, costMax, unitCost } = context;
  switch (node.kind) {
    case 'nothing':
      return () => false;
    case 'number':
      return (value, row) => {
        if (typeof value !== 'number') return false;
        if (column.isWhole && Object.is(value | 0, value)) column.integers[row] = value;
        else {
          if (column.isWhole) column.leaveIntegers(row);
          column.values[row] = value;
        }
        return true;
      };
    case 'boolean':
      return (value, row) => {
        if (typeof value !== 'boolean') return false;
        column.bits[row] = value ? 1 : 0;
        return true;
      };
    case 'text':
      return (value, row) => {
        if (typeof value !== 'string') return false;
        progress.texts[node.id] += value;
        progress.size += value.length * unitCost;
        column.integers[row] = value.length;
        return true;
      };
    case 'bigint':
      return (value, row) => {
        if (typeof value !== 'bigint') return false;
        column.bigints[row] = value;
        return column.bigints[row] === value;
      };
    case 'date':
      return (value, row) => {
        if (!hasPrototype(value, Date.prototype)) return false;
        column.values[row] = (value as Date).getTime();
        return true;
      };
    case 'bytes':
      return (value, row) => {
        if (!hasPrototype(value, Uint8Array.prototype) && !hasPrototype(value, Buffer.prototype)) return false;
        const bytes = value as Uint8Array;
        column.integers[row] = bytes.length;
        progress.size += costUnitsPerByte * bytes.length;
        if (progress.size > costMax) return false;
        column.sink.append(bytes);
        return true;
      };
    case 'any':
      return (value) => {
        const start = column.sink.position;
        writeItem(column.sink, value, 1);
        progress.size += costUnitsPerByte * (column.sink.position - start);
        return true;
      };
    case 'list':
      return listOf(node, column, context);
    case 'tuple':
      return tupleOf(node, context);
    case 'object':
      return objectOf(node, context);
  }
}

function listOf(node: PlanNode, column: ColumnStore, context: Context): Fit {
  const item = writeOf(node.children[0] as PlanNode, context);
  return (value, row) => {
    if (!isPlainArray(value) || value.length > context.costMax) return false;
    column.integers[row] = value.length;
    for (let index = 0; index < value.length; index += 1) {
      const child = takeRow(context.levels, context.progress, node.childLevel);
      if (isHole(value, index) || !item(value[index], child, presence.undefined)) return false;
    }
    return true;
  };
}

function tupleOf(node: PlanNode, context: Context): Fit {
  const items = node.children.map((child) => writeOf(child, context));
  return (value) => {
    if (!isPlainArray(value) || value.length !== items.length) return false;
    const row = takeRow(context.levels, context.progress, node.childLevel);
    return items.every((write, index) => !isHole(value, index) && write(value[index], row, presence.undefined));
  };
}

function objectOf(node: PlanNode, context: Context): Fit {
  const { names } = node;
  const fields = node.children.map((child) => writeOf(child, context));
  return (value) => {
    if (!hasPrototype(value, Object.prototype)) return false;
    const missing = missingFields(value, names);
    if (missing < 0) return false;
    if (fields.length === 0) return true;
    const row = takeRow(context.levels, context.progress, node.childLevel);
    return fields.every((write, place) => {
      const isMissing = place < optionalFieldsMax && (missing & (1 << place)) !== 0;
      const field = (value as Record<string, unknown>)[names[place] as string];
      return write(field, row, isMissing ? presence.missing : presence.undefined);
    });
  };
}

function projectedOf(node: PlanNode, context: Context, projection: readonly string[]): Fit {
  const { names } = node;
  const writes = node.children.map((child) => writeOf(child, context));
  const others = projection.filter((name) => !names.includes(name));
  return (value) => {
    if (!hasPrototype(value, Object.prototype) || others.some((name) => Object.hasOwn(value, name))) return false;
    if (writes.length === 0) return true;
    const row = takeRow(context.levels, context.progress, node.childLevel);
    return writes.every((write, place) => {
      const name = names[place] as string;
      const isMissing = !Object.hasOwn(value, name);
      return write((value as Record<string, unknown>)[name], row, isMissing ? presence.missing : presence.undefined);
    });
  };
}

function hasPrototype(value: unknown, prototype: object): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === prototype;
}

const isPlainArray = (value: unknown): value is readonly unknown[] => Array.isArray(value) && hasPrototype(value, Array.prototype);

const isHole = (value: readonly unknown[], index: number): boolean => value[index] === undefined && !Object.hasOwn(value, index);
