/**
 * Finds the shapes of the records on a channel, from the records that no shape fits yet.
 *
 * SL1  What is learnt depends on the records alone, in their order: the same records give the same shapes everywhere.
 * SL2  A shape is handed out after {@link samplesMin} records spoke for it, and at most {@link shapesPerChannelMax} are
 *      handed out in all, improved ones included; after that nothing is looked at any more.
 * SL3  With a projection, fields stand in its order (which objects can have: PJ4 in graph/projection.ts), and records are told apart by which of them they have only.
 */
import {
  anyShape,
  isFieldName,
  isShapeSmall,
  nothingShape,
  optionalFieldsMax,
  shapeDepthMax,
  shapeKey,
  tupleItemsMax,
  type FieldShape,
  type ObjectShape,
  type Shape,
} from './shape.js';

export const shapesPerChannelMax = 8;
export const samplesMin = 16;
/** Up to so many kinds of records are told apart by their fields; then they share shapes with optional fields. */
const distinctKindsMax = 4;
const listItemsSampled = 64;

interface Candidate {
  shape: Shape;
  samples: number;
  /** The shape that was handed out for it last. */
  learnt: Shape | undefined;
}

/** A shape worth compiling; `replaces` is one that was handed out before and is narrower. */
export interface Lesson {
  readonly shape: Shape;
  readonly replaces: Shape | undefined;
}

/** See the head of this file. */
export class ShapeLearner {
  readonly #candidates: Candidate[] = [];
  readonly #samplesMin: number;
  readonly #fields: readonly string[] | undefined;
  #left = shapesPerChannelMax;

  constructor(options: { readonly samplesMin?: number; readonly fields?: readonly string[] | undefined } = {}) {
    this.#samplesMin = options.samplesMin ?? samplesMin;
    this.#fields = options.fields;
  }

  /** Whether looking at more records can still give a shape (SL2). */
  get isLearning(): boolean {
    return this.#left > 0;
  }

  /** A record that no shape handed out so far fits; what is left of it where there is a projection. */
  observe(record: unknown): Lesson | undefined {
    const seen = shapeOf(record, 0);
    if (this.#left === 0 || seen.kind === 'any' || !isShapeSmall(seen)) return undefined;
    const candidate = this.#candidateFor(seen);
    if (candidate === undefined) return undefined;
    candidate.samples += 1;
    if (candidate.samples < this.#samplesMin) return undefined;
    const lesson: Lesson = { shape: candidate.shape, replaces: candidate.learnt };
    const isNew = candidate.learnt === undefined || shapeKey(candidate.learnt) !== shapeKey(candidate.shape);
    candidate.samples = 0;
    candidate.learnt = candidate.shape;
    this.#left -= 1;
    // Records that do not fit for their size teach nothing, and are not looked at for ever.
    return isNew ? lesson : undefined;
  }

  #candidateFor(seen: Shape): Candidate | undefined {
    const isStrict = this.#candidates.length < distinctKindsMax;
    for (const candidate of this.#candidates) {
      const merged = mergeRecords(candidate.shape, seen, isStrict);
      if (merged === undefined || !isShapeSmall(merged)) continue;
      candidate.shape = this.#fields === undefined ? merged : inOrder(merged, this.#fields);
      return candidate;
    }
    if (this.#candidates.length >= shapesPerChannelMax) return undefined;
    const candidate: Candidate = { shape: seen, samples: 0, learnt: undefined };
    this.#candidates.push(candidate);
    return candidate;
  }
}

/** SL3: merging puts fields that one side lacks in any place that agrees with both. */
function inOrder(shape: Shape, names: readonly string[]): Shape {
  if (shape.kind !== 'object') return shape;
  const fields = new Map(shape.fields.map((field) => [field.name, field]));
  return { kind: 'object', fields: names.flatMap((name) => fields.get(name) ?? []) };
}

/** The narrowest shape that fits a value; never throws, whatever the value. */
export function shapeOf(value: unknown, depth: number): Shape {
  switch (typeof value) {
    case 'number':
      return { kind: 'number' };
    case 'string':
      return { kind: 'text' };
    case 'boolean':
      return { kind: 'boolean' };
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? { kind: 'bigint' } : anyShape;
    case 'undefined':
      return nothingShape;
    case 'object':
      return value === null ? nothingShape : shapeOfObject(value, depth);
    default:
      return anyShape;
  }
}

function shapeOfObject(value: object, depth: number): Shape {
  if (depth >= shapeDepthMax) return anyShape;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return shapeOfFields(value as Record<string, unknown>, depth);
  if (prototype === Array.prototype) return shapeOfArray(value as readonly unknown[], depth);
  if (prototype === Date.prototype) return { kind: 'date' };
  if (prototype === Uint8Array.prototype || prototype === Buffer.prototype) return { kind: 'bytes' };
  return anyShape;
}

function shapeOfFields(value: Record<string, unknown>, depth: number): Shape {
  const names = Object.keys(value);
  if (!names.every(isFieldName)) return anyShape;
  return { kind: 'object', fields: names.map((name) => ({ name, shape: shapeOf(value[name], depth + 1) })) };
}

function shapeOfArray(value: readonly unknown[], depth: number): Shape {
  const items = value.slice(0, listItemsSampled).map((item) => shapeOf(item, depth + 1));
  const isMixed = items.some((item) => item.kind !== items[0]?.kind && item.kind !== 'nothing');
  if (isMixed && value.length <= tupleItemsMax) return { kind: 'tuple', items };
  return { kind: 'list', item: items.reduce(mergeValues, nothingShape) };
}

/** One shape for both, or `any`. */
export function mergeValues(left: Shape, right: Shape): Shape {
  if (left.kind === 'nothing') return right;
  if (right.kind === 'nothing') return left;
  if (left.kind === 'object' && right.kind === 'object') return mergeObjects(left, right, false) ?? anyShape;
  if (left.kind === 'tuple' && right.kind === 'tuple' && left.items.length === right.items.length) {
    return { kind: 'tuple', items: left.items.map((item, index) => mergeValues(item, right.items[index] as Shape)) };
  }
  const leftItem = itemOf(left);
  const rightItem = itemOf(right);
  if (leftItem !== undefined && rightItem !== undefined) return { kind: 'list', item: mergeValues(leftItem, rightItem) };
  return left.kind === right.kind ? left : anyShape;
}

/** A shape for both kinds of records, or undefined: they had better have one each. */
function mergeRecords(left: Shape, right: Shape, isStrict: boolean): Shape | undefined {
  if (left.kind === 'object' && right.kind === 'object') return mergeObjects(left, right, isStrict);
  const merged = mergeValues(left, right);
  return merged.kind === 'any' ? undefined : merged;
}

function itemOf(shape: Shape): Shape | undefined {
  if (shape.kind === 'list') return shape.item;
  return shape.kind === 'tuple' ? shape.items.reduce(mergeValues, nothingShape) : undefined;
}

/**
 * The fields of both, in an order that agrees with both; undefined when there is none, or when they share too little:
 * every absent field costs room in its column.
 */
function mergeObjects(left: ObjectShape, right: ObjectShape, isStrict: boolean): ObjectShape | undefined {
  const places = new Map(left.fields.map(({ name }, index) => [name, index]));
  const fields: FieldShape[] = [];
  let next = 0;
  let shared = 0;
  for (const field of right.fields) {
    const place = places.get(field.name);
    if (place === undefined) {
      fields.push(field);
      continue;
    }
    if (place < next) return undefined;
    fields.push(...left.fields.slice(next, place));
    fields.push({ name: field.name, shape: mergeValues((left.fields[place] as FieldShape).shape, field.shape) });
    next = place + 1;
    shared += 1;
  }
  fields.push(...left.fields.slice(next));
  const absent = fields.length - shared;
  if (isStrict ? absent > fields.length / 2 : shared === 0 && absent > 0) return undefined;
  if (absent > 0 && fields.length > optionalFieldsMax) return undefined;
  return { kind: 'object', fields };
}
