/**
 * Record makers as generated code: one object literal a record, so that all records of a shape share a hidden class.
 *
 * DG1  The code holds nothing from a frame but field names that kept SD1, as JSON string literals; everything else in it
 *      is numbers and names made here.
 * DG2  It runs on columns that were checked (DC1), once for every frame; frames in which a value is null, undefined or
 *      missing take a second form of the code.
 */
import { compile, literal } from '../fusion/dynamic-code.js';
import { presence } from './bit-column.js';
import type { ColumnPlan, PlanNode } from './column-plan.js';
import type { DecodedColumn } from './decoded-columns.js';

/** Makes `count` records of columns, into `target`. */
export type RecordMaker = (columns: readonly DecodedColumn[], count: number, target: unknown[]) => void;

export interface RecordMakers {
  /** For frames without absent values. */
  readonly dense: RecordMaker;
  readonly sparse: RecordMaker;
}

const makers = new Map<string, RecordMakers>();
const makersMax = 256;

/** Those of one shape, whoever decodes it. Undefined where code must not be generated. */
export function generateMakers(plan: ColumnPlan): RecordMakers | undefined {
  const known = makers.get(plan.key);
  if (known !== undefined) return known;
  const made = compile<RecordMakers>('record makers', {}, makersSource(plan));
  if (made === undefined) return undefined;
  if (makers.size >= makersMax) makers.delete(makers.keys().next().value as string);
  makers.set(plan.key, made);
  return made;
}

/** Exported for tests of DG1. */
export function makersSource(plan: ColumnPlan): string {
  return `function dense(columns, count, target) {${makerBody(plan, false)}}
function sparse(columns, count, target) {${makerBody(plan, true)}}
return { dense, sparse };`;
}

function makerBody({ root, nodes }: ColumnPlan, isSparse: boolean): string {
  return `
${nodes.map((node) => columnLines(node, isSparse)).join('\n')}
for (let i0 = 0; i0 < count; i0 += 1) {
${valueLines(root, 'i0', isSparse)}
target[i0] = x0;
}
`;
}

/** The arrays of a node, how far its texts and bytes were read, and the next row of what it holds. */
function columnLines({ id, kind, childLevel }: PlanNode, isSparse: boolean): string {
  const lines = isSparse ? [`const s${id} = columns[${id}].states, h${id} = columns[${id}].hasAbsent;`] : [];
  switch (kind) {
    case 'number':
      lines.push(`const w${id} = columns[${id}].isWhole, k${id} = columns[${id}].integers, d${id} = columns[${id}].values;`);
      break;
    case 'date':
      lines.push(`const d${id} = columns[${id}].values;`);
      break;
    case 'list':
      lines.push(`const k${id} = columns[${id}].integers;`);
      break;
    case 'text':
      lines.push(`const k${id} = columns[${id}].integers, t${id} = columns[${id}].text; let a${id} = 0;`);
      break;
    case 'bytes':
      lines.push(`const k${id} = columns[${id}].integers, y${id} = columns[${id}].bytes; let a${id} = 0;`);
      break;
    case 'boolean':
      lines.push(`const b${id} = columns[${id}].bits;`);
      break;
    case 'bigint':
      lines.push(`const q${id} = columns[${id}].bigints;`);
      break;
    case 'any':
      lines.push(`const e${id} = columns[${id}].items;`);
      break;
    default:
  }
  if (childLevel >= 0) lines.push(`let n${childLevel} = 0;`);
  return lines.join('\n');
}

/** Lines that leave the value of row `row` in `x<id>`. */
function valueLines(node: PlanNode, row: string, isSparse: boolean): string {
  const { id } = node;
  if (!isSparse) return `${presentLines(node, row, isSparse)}\nconst x${id} = ${valueExpression(node, row)};`;
  return `const p${id} = h${id} ? s${id}[${row}] : ${presence.value};
let x${id};
if (p${id} === ${presence.value}) {
${presentLines(node, row, isSparse)}
${node.kind === 'object' ? fieldLines(node) : `x${id} = ${valueExpression(node, row)};`}
} else if (p${id} === ${presence.null}) x${id} = null;`;
}

/** What has to be done before the value can be written as an expression. */
function presentLines(node: PlanNode, row: string, isSparse: boolean): string {
  const { id, kind, children, childLevel } = node;
  switch (kind) {
    case 'text':
    case 'bytes':
      return `const f${id} = a${id}; a${id} += k${id}[${row}];`;
    case 'object':
    case 'tuple':
      if (children.length === 0) return '';
      return `const i${childLevel} = n${childLevel}++;\n${children.map((child) => valueLines(child, `i${childLevel}`, isSparse)).join('\n')}`;
    case 'list':
      return `const l${id} = [];
for (let left${id} = k${id}[${row}]; left${id} > 0; left${id} -= 1) {
const i${childLevel} = n${childLevel}++;
${valueLines(children[0] as PlanNode, `i${childLevel}`, isSparse)}
l${id}.push(x${(children[0] as PlanNode).id});
}`;
    default:
      return '';
  }
}

function valueExpression({ id, kind, names, children }: PlanNode, row: string): string {
  switch (kind) {
    case 'nothing':
      return 'undefined';
    case 'number':
      return `w${id} ? k${id}[${row}] : d${id}[${row}]`;
    case 'date':
      return `new Date(d${id}[${row}])`;
    case 'boolean':
      return `b${id}[${row}] === 1`;
    case 'bigint':
      return `q${id}[${row}]`;
    case 'text':
      return `t${id}.substring(f${id}, a${id})`;
    case 'bytes':
      return `y${id}.slice(f${id}, a${id})`;
    case 'any':
      return `e${id}[${row}]`;
    case 'list':
      return `l${id}`;
    case 'tuple':
      return `[${children.map((child) => `x${child.id}`).join(', ')}]`;
    case 'object':
      return objectLiteral(names, children);
  }
}

/** DG1: the only place where field names of a frame enter code, but for `fieldLines`. */
function objectLiteral(names: readonly string[], children: readonly PlanNode[]): string {
  return `{ ${children.map((child, place) => `${literal(names[place] as string)}: x${child.id}`).join(', ')} }`;
}

/** A literal when no field is missing, else field by field in their order. */
function fieldLines({ id, names, children }: PlanNode): string {
  if (children.length === 0) return `x${id} = {};`;
  const isComplete = children.map((child) => `p${child.id} !== ${presence.missing}`).join(' && ');
  return `if (${isComplete}) x${id} = ${objectLiteral(names, children)};
else {
x${id} = {};
${children.map((child, place) => `if (p${child.id} !== ${presence.missing}) x${id}[${literal(names[place] as string)}] = x${child.id};`).join('\n')}
}`;
}
