/**
 * A shape laid out as columns.
 *
 * CP1  Nodes are numbered in the order in which their columns stand in a group: parents before children.
 * CP2  Columns of one level have one value for every row of it. Level 0 has a row for every record of the group; what an
 *      object, tuple or list holds is a level of its own, with a row for every one of them that is there.
 */
import { shapeKey, type LeafKind, type Shape } from './shape.js';

export interface PlanNode {
  readonly id: number;
  readonly kind: LeafKind | 'object' | 'list' | 'tuple';
  readonly level: number;
  /** Level of what it holds; -1 for leaves. */
  readonly childLevel: number;
  readonly children: readonly PlanNode[];
  /** Objects only: the fields, one a child. */
  readonly names: readonly string[];
}

export interface ColumnPlan {
  readonly key: string;
  readonly root: PlanNode;
  readonly nodes: readonly PlanNode[];
  readonly levelCount: number;
  /** Levels with at most one row a record: no list is above them. */
  readonly singleLevels: ReadonlySet<number>;
}

export function planColumns(shape: Shape): ColumnPlan {
  const nodes: PlanNode[] = [];
  let levelCount = 1;
  const singleLevels = new Set([0]);
  const lay = (current: Shape, level: number): PlanNode => {
    const id = nodes.length;
    // Keeps the place of the parent before its children (CP1).
    nodes.push(undefined as never);
    const parts = childrenOf(current);
    const childLevel = parts.shapes.length > 0 ? levelCount : -1;
    if (childLevel >= 0) levelCount += 1;
    if (current.kind !== 'list' && singleLevels.has(level)) singleLevels.add(childLevel);
    const children = parts.shapes.map((child) => lay(child, childLevel));
    const node: PlanNode = { id, kind: current.kind, level, childLevel, children, names: parts.names };
    nodes[id] = node;
    return node;
  };
  const root = lay(shape, 0);
  return { key: shapeKey(shape), root, nodes, levelCount, singleLevels };
}

function childrenOf(shape: Shape): { readonly shapes: readonly Shape[]; readonly names: readonly string[] } {
  switch (shape.kind) {
    case 'object':
      return { shapes: shape.fields.map((field) => field.shape), names: shape.fields.map((field) => field.name) };
    case 'list':
      return { shapes: [shape.item], names: [] };
    case 'tuple':
      return { shapes: shape.items, names: [] };
    default:
      return { shapes: [], names: [] };
  }
}

/** CBOR items that the columns of one node take in a group: presence, and one or two of content. */
export function itemsOf(kind: PlanNode['kind']): number {
  switch (kind) {
    case 'nothing':
    case 'object':
    case 'tuple':
      return 1;
    case 'text':
    case 'bytes':
      return 3;
    default:
      return 2;
  }
}
