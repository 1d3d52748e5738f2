/**
 * What the records of a group look like: a tree whose leaves are columns.
 *
 * SH1  A shape is plain data and has one text (`shapeKey`): equal texts mean equal columns, on every machine.
 * SH2  Fields keep their order. A field name is a well-formed string other than `__proto__`; what breaks this travels
 *      as `any`, item by item.
 * SH3  Size is bounded: {@link shapeNodesMax} nodes, {@link shapeDepthMax} deep, names of {@link shapeTextMax} characters.
 */

/** One column (or two: lengths and content) of values. */
export type LeafKind =
  /** Only null, undefined and missing were seen. */
  | 'nothing'
  | 'number'
  | 'text'
  | 'boolean'
  /** 64 bits, signed; larger ones travel as `any`. */
  | 'bigint'
  | 'date'
  | 'bytes'
  /** Anything that can be encoded at all: a CBOR item a value. */
  | 'any';

export interface LeafShape {
  readonly kind: LeafKind;
}

export interface ObjectShape {
  readonly kind: 'object';
  readonly fields: readonly FieldShape[];
}

export interface FieldShape {
  readonly name: string;
  readonly shape: Shape;
}

/** An array of one kind of element and any length. */
export interface ListShape {
  readonly kind: 'list';
  readonly item: Shape;
}

/** An array of fixed length, each place with a shape of its own; at least two places. */
export interface TupleShape {
  readonly kind: 'tuple';
  readonly items: readonly Shape[];
}

export type Shape = LeafShape | ObjectShape | ListShape | TupleShape;

export const shapeNodesMax = 128;
export const shapeDepthMax = 8;
export const shapeTextMax = 4_096;
/** Missing fields of a record are kept as bits of one integer. */
export const optionalFieldsMax = 30;
export const tupleItemsMax = 8;

/** In the order of their codes on the wire; never reordered. */
export const leafKinds: readonly LeafKind[] = ['nothing', 'number', 'text', 'boolean', 'bigint', 'date', 'bytes', 'any'];

export const anyShape: LeafShape = { kind: 'any' };
export const nothingShape: LeafShape = { kind: 'nothing' };

/** Half of a surrogate pair on its own. */
const loneSurrogate = /\p{Surrogate}/u;

export const isWellFormed = (text: string): boolean => !loneSurrogate.test(text);

/** SH2. */
export const isFieldName = (name: string): boolean => name !== '__proto__' && isWellFormed(name);

/** SH1. Costs once a shape. */
export function shapeKey(shape: Shape): string {
  switch (shape.kind) {
    case 'object':
      return `{${shape.fields.map(({ name, shape: field }) => `${JSON.stringify(name)}:${shapeKey(field)}`).join(',')}}`;
    case 'list':
      return `[${shapeKey(shape.item)}]`;
    case 'tuple':
      return `(${shape.items.map(shapeKey).join(',')})`;
    default:
      return shape.kind;
  }
}

/** SH3. */
export function isShapeSmall(shape: Shape): boolean {
  return countNodes(shape) <= shapeNodesMax && depthOf(shape) <= shapeDepthMax && shapeKey(shape).length <= shapeTextMax;
}

function countNodes(shape: Shape): number {
  return childrenOf(shape).reduce((nodes, child) => nodes + countNodes(child), 1);
}

function depthOf(shape: Shape): number {
  return 1 + childrenOf(shape).reduce((depth, child) => Math.max(depth, depthOf(child)), 0);
}

function childrenOf(shape: Shape): readonly Shape[] {
  switch (shape.kind) {
    case 'object':
      return shape.fields.map((field) => field.shape);
    case 'list':
      return [shape.item];
    case 'tuple':
      return shape.items;
    default:
      return [];
  }
}
