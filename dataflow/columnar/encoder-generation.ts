/**
 * Encoders as generated code: one function a shape, with a line or two for every column.
 *
 * EG1  The code holds nothing from records but field names, as JSON string literals; everything else in it is numbers
 *      and names made here.
 * EG2  Nothing is counted before the whole record fitted: until then it stands beyond the end of the columns (CS1).
 */
import { compile, literal } from '../fusion/dynamic-code.js';
import { presence } from './bit-column.js';
import type { ColumnPlan, PlanNode } from './column-plan.js';
import { writeItem } from './item-writer.js';
import { optionalFieldsMax } from './shape.js';
import { missingFields, noRoom, type EncoderOptions, type RecordEncoder } from './record-encoder.js';

/** What generated code calls. */
const runtime = {
  missingFields,
  writeItem,
  prototypes: {
    object: Object.prototype,
    constructor: Object,
    array: Array.prototype,
    date: Date.prototype,
    bytes: Uint8Array.prototype,
    buffer: Buffer.prototype,
  },
};

/** Its columns are constants of the code, which halves the cost of a record. Undefined where code must not be generated. */
export function generateEncoder({ store, costMax, unitCost, fields }: EncoderOptions): RecordEncoder | undefined {
  const { plan, columns, levels } = store;
  return compile<RecordEncoder>('encoder', { columns, levels, runtime, costMax, unitCost }, encoderSource(plan, fields));
}

/**
 * The body of the factory. Texts hang on an object that is new with every frame: to store a new string in an old place
 * costs the garbage collector's bookkeeping. What changes with every record stands in typed arrays, which the code knows as
 * places in memory: `rows` and `costs` by level; by node `ends` of texts as bytes, and `modes`, which is 1 while texts are
 * collected as bytes, numbers as integers. Exported for tests of EG1.
 */
export function encoderSource(plan: ColumnPlan, projection?: readonly string[]): string {
  const { nodes, root } = plan;
  const levels = Array.from({ length: plan.levelCount }, (_, level) => level);
  const texts = nodes.filter(({ kind }) => kind === 'text');
  const numbers = nodes.filter(({ kind }) => kind === 'number');
  const sinks = nodes.filter(({ kind }) => kind === 'bytes' || kind === 'any');
  const each = <T>(items: readonly T[], line: (item: T) => string): string => items.map(line).join('\n');
  return `const { missingFields, writeItem, prototypes } = runtime;
const { object: objectPrototype, constructor: objectConstructor, array: arrayPrototype, date: datePrototype, bytes: bytesPrototype, buffer: bufferPrototype } = prototypes;
${each(nodes, ({ id, level }) => `const c${id} = columns[${id}]; ${plan.singleLevels.has(level) ? 'const' : 'var'} s${id} = c${id}.states, d${id} = c${id}.values, k${id} = c${id}.integers, b${id} = c${id}.bits, q${id} = c${id}.bigints;`)}
${each(
  nodes.filter(({ kind }) => kind === 'object'),
  ({ id, names }) => `const names${id} = ${namesLiteral(names)};`,
)}
${each(levels, (level) => `const level${level} = levels[${level}]; ${plan.singleLevels.has(level) ? 'const' : 'var'} room${level} = level${level}.capacity;`)}
${each(texts, ({ id }) => `const y${id} = c${id}.ascii;`)}
const rows = new Int32Array(${levels.length}), costs = new Int32Array(${levels.length});
const ends = new Int32Array(${nodes.length}), modes = new Int32Array(${nodes.length});
var held = { ${texts.map(({ id }) => `t${id}: ''`).join(', ')} };
${each(texts, asciiLines)}
${each(
  levels.filter((level) => !plan.singleLevels.has(level)),
  (level) => `function grow${level}() {
level${level}.grow(); room${level} = level${level}.capacity;
${each(
  nodes.filter((node) => node.level === level),
  ({ id }) => `s${id} = c${id}.states; d${id} = c${id}.values; k${id} = c${id}.integers; b${id} = c${id}.bits; q${id} = c${id}.bigints;`,
)}
}`,
)}
function add(v0) {
let size = 0;
${each(levels, (level) => `let i${level} = rows[${level}];`)}
${each(texts, ({ id }) => `let u${id} = modes[${id}] === 1 ? '' : held.t${id}, e${id} = ends[${id}];`)}
if (i0 === room0) return ${noRoom};
size += costs[0];
${valueLines(root, 'i0', 'undefined', plan.singleLevels, projection)}
i0 += 1;
if (size > costMax) return -1;
${each(levels, (level) => `rows[${level}] = i${level};`)}
${each(texts, ({ id }) => `if (modes[${id}] === 1) ends[${id}] = e${id}; else held.t${id} = u${id};`)}
${each(sinks, ({ id }) => `c${id}.end = c${id}.sink.position;`)}
return size;
}
function sync() {
${each(levels, (level) => `level${level}.count = rows[${level}];`)}
${each(texts, ({ id }) => `c${id}.text = held.t${id}; c${id}.isAscii = modes[${id}] === 1; c${id}.end = ends[${id}];`)}
}
function reset() {
${each(levels, (level) => `rows[${level}] = 0; costs[${level}] = level${level}.rowCost;`)}
held = { ${texts.map(({ id }) => `t${id}: ''`).join(', ')} };
${each(numbers, ({ id }) => `modes[${id}] = c${id}.isWhole ? 1 : 0;`)}
${each(texts, ({ id }) => `ends[${id}] = 0; modes[${id}] = c${id}.isAscii ? 1 : 0;`)}
}
reset();
return { add, sync, reset };`;
}

/** From texts as bytes to texts as one string; returns what the record being written has so far. */
function asciiLines({ id }: PlanNode): string {
  return `function leaveAscii${id}(end) {
held.t${id} = c${id}.asciiText(ends[${id}]); modes[${id}] = 0; ends[${id}] = 0;
return c${id}.asciiText(end);
}`;
}

/** Longer texts are not copied byte by byte. */
const longTextMin = 64;

/** EG1: every field name in generated code goes through here or through {@link fieldAccess}. */
const namesLiteral = (names: readonly string[]): string => `[${names.map((name) => literal(name)).join(', ')}]`;

const fieldAccess = (object: string, name: string): string => `${object}[${literal(name)}]`;

/** A row of this level begins at `i<level>`. Levels without a list above have no more rows than level 0. */
function rowLines(level: number, single: ReadonlySet<number>): string {
  return `${single.has(level) ? '' : `if (i${level} === room${level}) grow${level}();\n`}size += costs[${level}];`;
}

/**
 * Writes the value in variable `v<id>` into row `row`. `absent` is an expression for the presence of undefined: what
 * tells a missing field from one that is undefined.
 */
function valueLines(
  node: PlanNode,
  row: string,
  whenUndefined: string,
  single: ReadonlySet<number>,
  projection?: readonly string[],
): string {
  const { id, kind } = node;
  return `${kind === 'object' && projection !== undefined ? projectedLines(node, projection, single) : fitLines(node, row, single)}
else if (v${id} === null) { ${absentLines(node, row, String(presence.null))} }
else if (v${id} === undefined) { ${whenUndefined === 'undefined' ? absentLines(node, row, String(presence.undefined)) : whenUndefined} }
else return -1;`;
}

/** Marks the place, and leaves nothing old in it. */
function absentLines({ id, kind }: PlanNode, row: string, state: string): string {
  const mark = `c${id}.hasAbsent = true; s${id}[${row}] = ${state};`;
  switch (kind) {
    case 'number':
      return `${mark} k${id}[${row}] = 0; d${id}[${row}] = 0;`;
    case 'date':
      return `${mark} d${id}[${row}] = 0;`;
    case 'text':
    case 'bytes':
    case 'list':
      return `${mark} k${id}[${row}] = 0;`;
    case 'boolean':
      return `${mark} b${id}[${row}] = 0;`;
    case 'bigint':
      return `${mark} q${id}[${row}] = 0n;`;
    case 'any':
      return `${mark} c${id}.sink.byte(0xf6); size += 4;`;
    default:
      return mark;
  }
}

/** `if (…) { … }` for a value that is there. */
function fitLines(node: PlanNode, row: string, single: ReadonlySet<number>): string {
  const { id, kind } = node;
  const value = `v${id}`;
  switch (kind) {
    case 'nothing':
      return 'if (false) {}';
    case 'number':
      return `if (typeof ${value} === 'number') {
if (modes[${id}] === 1) {
const k = ${value} | 0;
if (k === ${value} && (k !== 0 || 1 / ${value} > 0)) k${id}[${row}] = k;
else { c${id}.leaveIntegers(${row}); modes[${id}] = 0; d${id}[${row}] = ${value}; }
} else d${id}[${row}] = ${value};
}`;
    case 'boolean':
      return `if (typeof ${value} === 'boolean') b${id}[${row}] = ${value} ? 1 : 0;`;
    case 'text':
      return `if (typeof ${value} === 'string') {
const l = ${value}.length;
k${id}[${row}] = l;
size += l * unitCost;
if (modes[${id}] === 1 && l < ${longTextMin} && e${id} + l <= y${id}.length) {
const from = e${id};
let seen = 0, j = 0;
for (; j + 3 < l; j += 4) {
const at = from + j, one = ${value}.charCodeAt(j), two = ${value}.charCodeAt(j + 1), three = ${value}.charCodeAt(j + 2), four = ${value}.charCodeAt(j + 3);
seen |= one | two | three | four;
y${id}[at] = one; y${id}[at + 1] = two; y${id}[at + 2] = three; y${id}[at + 3] = four;
}
for (; j < l; j += 1) { const unit = ${value}.charCodeAt(j); seen |= unit; y${id}[from + j] = unit; }
if (seen < 128) e${id} += l; else u${id} = leaveAscii${id}(from) + ${value};
} else if (modes[${id}] === 1) u${id} = leaveAscii${id}(e${id}) + ${value};
else u${id} += ${value};
}`;
    case 'bigint':
      return `if (typeof ${value} === 'bigint') { q${id}[${row}] = ${value}; if (q${id}[${row}] !== ${value}) return -1; }`;
    case 'date':
      return `if (typeof ${value} === 'object' && ${value} !== null && Object.getPrototypeOf(${value}) === datePrototype) d${id}[${row}] = ${value}.getTime();`;
    case 'bytes':
      return `if (typeof ${value} === 'object' && ${value} !== null && (Object.getPrototypeOf(${value}) === bytesPrototype || Object.getPrototypeOf(${value}) === bufferPrototype)) {
k${id}[${row}] = ${value}.length; size += 4 * ${value}.length; if (size > costMax) return -1; c${id}.sink.append(${value}); }`;
    case 'any':
      return `if (${value} !== null && ${value} !== undefined) { const sink = c${id}.sink, start = sink.position; writeItem(sink, ${value}, 1); size += 4 * (sink.position - start); }`;
    case 'list':
      return listLines(node, row, single);
    case 'tuple':
      return tupleLines(node, single);
    case 'object':
      return objectLines(node, single);
  }
}

function objectLines(node: PlanNode, single: ReadonlySet<number>): string {
  const { id, names, children, childLevel } = node;
  const value = `v${id}`;
  const child = `i${childLevel}`;
  const count = names.length;
  const fields = children.map((field, place) => {
    const isOptional = place < optionalFieldsMax;
    const absent = isOptional
      ? absentLines(field, child, `(missing${id} & ${1 << place}) === 0 ? ${presence.undefined} : ${presence.missing}`)
      : 'undefined';
    return valueLines(field, child, absent, single);
  });
  return `if (typeof ${value} === 'object' && ${value} !== null) {
${looksPlain(value, names)}
let missing${id} = 0;
${orderLines(node)}
${children.map((field, place) => `const v${field.id} = ${fieldAccess(value, names[place] as string)};`).join('\n')}
${count === 0 ? '' : rowLines(childLevel, single)}
${fields.join('\n')}
${count === 0 ? '' : `${child} += 1;`}
}`;
}

/** Comparing with constants saves a look-up a field, while they are few. */
const fewFieldsMax = 4;

/** Whether an object has just the fields of its shape, in their order; else which of them are missing. */
function orderLines({ id, names }: PlanNode): string {
  const value = `v${id}`;
  const count = names.length;
  const expected =
    count > fewFieldsMax
      ? `name === fields${id}[place${id}]`
      : `${names.map((name, place) => `place${id} === ${place} ? name === ${literal(name)} : `).join('')}false`;
  return `${count > fewFieldsMax ? `const fields${id} = names${id};` : ''}
let place${id} = 0, same${id} = 0;
for (const name in ${value}) { if (${expected}) same${id} += 1; place${id} += 1; }
if (same${id} !== ${count} || place${id} !== ${count}) { missing${id} = missingFields(${value}, names${id}); if (missing${id} < 0) return -1; }`;
}

/**
 * An object of which only these fields count: others are not looked at, and one without some of them is as good. So nothing
 * but the prototype tells what is plain; it is asked for once the fields were read, when the engine often knows the answer.
 */
function projectedLines(node: PlanNode, projection: readonly string[], single: ReadonlySet<number>): string {
  const { id, children, names, childLevel } = node;
  const value = `v${id}`;
  const child = `i${childLevel}`;
  const isThere = (name: string): string => `Object.hasOwn(${value}, ${literal(name)})`;
  const others = projection.filter((name) => !names.includes(name));
  return `if (typeof ${value} === 'object' && ${value} !== null) {
${looksPlain(value, names)}
${children.map((field, place) => `const v${field.id} = ${fieldAccess(value, names[place] as string)};`).join('\n')}
${isPlainLine(value)}
${others.map((name) => `if (${fieldAccess(value, name)} !== undefined || ${isThere(name)}) return -1;`).join('\n')}
${childLevel < 0 ? '' : rowLines(childLevel, single)}
${children
  .map((field, place) => {
    const absent = absentLines(field, child, `${isThere(names[place] as string)} ? ${presence.undefined} : ${presence.missing}`);
    return valueLines(field, child, absent, single);
  })
  .join('\n')}
${childLevel < 0 ? '' : `${child} += 1;`}
}`;
}

const isPlainLine = (value: string): string => `if (Object.getPrototypeOf(${value}) !== objectPrototype) return -1;`;

/**
 * With all of its fields an object passes for plain when its constructor is `Object`, which is inlined whatever the hidden
 * class. Asking for the prototype is not: it costs a sixth of encoding `{ word, count }`. What only inherits that
 * constructor is told apart by its fields ({@link orderLines}) where its prototype has enumerable properties of names that
 * it has not; else it is written as the plain object it looks like.
 */
function looksPlain(value: string, names: readonly string[]): string {
  if (names.includes('constructor')) return isPlainLine(value);
  return `if (${value}.constructor !== objectConstructor && Object.getPrototypeOf(${value}) !== objectPrototype) return -1;`;
}

function tupleLines({ id, children, childLevel }: PlanNode, single: ReadonlySet<number>): string {
  const value = `v${id}`;
  const child = `i${childLevel}`;
  return `if (Array.isArray(${value})) {
if (${value}.length !== ${children.length} || Object.getPrototypeOf(${value}) !== arrayPrototype) return -1;
${rowLines(childLevel, single)}
${children
  .map((node, place) => {
    const absent = `if (!Object.hasOwn(${value}, ${place})) return -1; ${absentLines(node, child, String(presence.undefined))}`;
    return `const v${node.id} = ${value}[${place}];\n${valueLines(node, child, absent, single)}`;
  })
  .join('\n')}
${child} += 1;
}`;
}

/** The row of an element is taken before its own elements, if it has any, take theirs. */
function listLines({ id, children, childLevel }: PlanNode, row: string, single: ReadonlySet<number>): string {
  const value = `v${id}`;
  const [node] = children as readonly [PlanNode];
  const child = `i${childLevel}`;
  const absent = `if (!Object.hasOwn(${value}, j${id})) return -1; ${absentLines(node, child, String(presence.undefined))}`;
  return `if (Array.isArray(${value})) {
const length${id} = ${value}.length;
if (Object.getPrototypeOf(${value}) !== arrayPrototype || length${id} > costMax) return -1;
k${id}[${row}] = length${id};
for (let j${id} = 0; j${id} < length${id}; j${id} += 1) {
const v${node.id} = ${value}[j${id}];
${rowLines(childLevel, single)}
${valueLines(node, child, absent, single)}
${child} += 1;
}
}`;
}
