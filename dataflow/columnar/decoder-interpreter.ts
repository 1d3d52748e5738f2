/**
 * Record makers as closures, one a node: for environments that forbid generated code, and for shapes that are seen too
 * seldom to be worth any. Makes what decoder-generation.ts makes.
 */
import { presence } from './bit-column.js';
import type { ColumnPlan, PlanNode } from './column-plan.js';
import type { DecodedColumn } from './decoded-columns.js';
import type { RecordMakers } from './decoder-generation.js';

/** How far a frame was read: by level the next row, by node the end of the last text. */
interface Cursor {
  columns: readonly DecodedColumn[];
  readonly rows: number[];
  readonly ends: number[];
}

type Read = (row: number) => unknown;

/** Makers without generated code. */
export function interpretMakers(plan: ColumnPlan): RecordMakers {
  const cursor: Cursor = {
    columns: [],
    rows: new Array<number>(plan.levelCount).fill(0),
    ends: new Array<number>(plan.nodes.length).fill(0),
  };
  const read = readOf(plan.root, cursor);
  const make = (columns: readonly DecodedColumn[], count: number, target: unknown[]): void => {
    cursor.columns = columns;
    cursor.rows.fill(0);
    cursor.ends.fill(0);
    for (let row = 0; row < count; row += 1) target[row] = read(row);
    cursor.columns = [];
  };
  return { dense: make, sparse: make };
}

function readOf(node: PlanNode, cursor: Cursor): Read {
  const readPresent = presentOf(node, cursor);
  return (row) => {
    const column = cursor.columns[node.id] as DecodedColumn;
    if (!column.hasAbsent || column.states[row] === presence.value) return readPresent(row, column);
    return column.states[row] === presence.null ? null : undefined;
  };
}

function presentOf(node: PlanNode, cursor: Cursor): (row: number, column: DecodedColumn) => unknown {
  const { id } = node;
  const cut = (row: number, column: DecodedColumn): readonly [from: number, to: number] => {
    const from = cursor.ends[id] as number;
    const to = from + (column.integers[row] as number);
    cursor.ends[id] = to;
    return [from, to];
  };
  switch (node.kind) {
    case 'nothing':
      return () => undefined;
    case 'number':
      return (row, { isWhole, integers, values }) => (isWhole ? integers[row] : values[row]);
    case 'date':
      return (row, { values }) => new Date(values[row] as number);
    case 'boolean':
      return (row, { bits }) => bits[row] === 1;
    case 'bigint':
      return (row, { bigints }) => bigints[row];
    case 'text':
      return (row, column) => column.text.substring(...cut(row, column));
    case 'bytes':
      return (row, column) => column.bytes.slice(...cut(row, column));
    case 'any':
      return (row, { items }) => items[row];
    case 'list':
      return listOf(node, cursor);
    case 'tuple':
      return tupleOf(node, cursor);
    case 'object':
      return objectOf(node, cursor);
  }
}

function takeRow(cursor: Cursor, level: number): number {
  const row = cursor.rows[level] as number;
  cursor.rows[level] = row + 1;
  return row;
}

function listOf(node: PlanNode, cursor: Cursor): (row: number, column: DecodedColumn) => unknown {
  const read = readOf(node.children[0] as PlanNode, cursor);
  return (row, { integers }) => {
    const items: unknown[] = [];
    for (let left = integers[row] as number; left > 0; left -= 1) items.push(read(takeRow(cursor, node.childLevel)));
    return items;
  };
}

function tupleOf(node: PlanNode, cursor: Cursor): () => unknown {
  const items = node.children.map((child) => readOf(child, cursor));
  return () => {
    const row = takeRow(cursor, node.childLevel);
    return items.map((read) => read(row));
  };
}

function objectOf(node: PlanNode, cursor: Cursor): () => unknown {
  const fields = node.children.map((child) => ({ id: child.id, read: readOf(child, cursor) }));
  if (fields.length === 0) return () => ({});
  return () => {
    const row = takeRow(cursor, node.childLevel);
    const object: Record<string, unknown> = {};
    for (let place = 0; place < fields.length; place += 1) {
      const { id, read } = fields[place] as { readonly id: number; readonly read: Read };
      const { hasAbsent, states } = cursor.columns[id] as DecodedColumn;
      const value = read(row);
      if (!hasAbsent || states[row] !== presence.missing) object[node.names[place] as string] = value;
    }
    return object;
  };
}
