/**
 * Records by some of their fields.
 *
 * PF1  What is picked of a plain object is a new one that has those of the fields that the object has, in the order of
 *      their names as given. The fields' values are the same, not copies.
 * PF2  Everything else (numbers, arrays, instances of classes) has no fields to leave out, and stays as it is.
 * PF3  A field that is there and undefined stays there.
 * Names must not be those of what every object inherits (`checkFields` in graph/field-names.ts).
 */
import type { Key } from '../../core/keys.js';
import { compile, literal } from '../fusion/dynamic-code.js';

type Fields = Readonly<Record<string, unknown>>;

/** Picks of plain objects; see the head of this file. One for each place that uses it: its code learns what it meets there. */
export function fieldPicker(fields: readonly string[]): (record: unknown) => unknown {
  const pickPresent = (record: Fields): Fields => presentOf(record, fields, (field) => Object.hasOwn(record, field));
  const compiled = compile<(record: unknown) => unknown>(
    'pick',
    { pickPresent, objectPrototype: Object.prototype },
    `return function pick(record) {
  if (typeof record !== 'object' || record === null) return record;
  const prototype = Object.getPrototypeOf(record);
  if (prototype !== objectPrototype && prototype !== null) return record;
  ${literalOf(fields)}
  return pickPresent(record);
};`,
  );
  return (
    compiled ??
    ((record) => {
      if (typeof record !== 'object' || record === null) return record;
      const prototype: unknown = Object.getPrototypeOf(record);
      return prototype === Object.prototype || prototype === null ? pickPresent(record as Fields) : record;
    })
  );
}

/** The same of any object: of an instance of a class it makes a plain object, and reads its accessors. */
export function fieldSelector(fields: readonly string[]): (record: object) => unknown {
  const pickPresent = (record: Fields): Fields => presentOf(record, fields, (field) => field in record);
  return (
    compile<(record: object) => unknown>(
      'select',
      { pickPresent },
      `return function select(record) {
  ${literalOf(fields)}
  return pickPresent(record);
};`,
    ) ?? ((record) => pickPresent(record as Fields))
  );
}

/** By the functions that take the key from fields. */
const namesOfFields = new WeakMap<object, readonly string[]>();

/** For messages: the fields that a key function of {@link keyOfFields} looks at. */
export function fieldsOfKey(keyOf: object): readonly string[] | undefined {
  return namesOfFields.get(keyOf);
}

/** The value of one field, or a tuple of several: what `keyBy` with names takes for the key. */
export function keyOfFields(fields: readonly string[]): (record: unknown) => Key {
  const keyOf = madeKeyOf(fields);
  namesOfFields.set(keyOf, fields);
  return keyOf;
}

function madeKeyOf(fields: readonly string[]): (record: unknown) => Key {
  const values = fields.map((field) => `record[${literal(field)}]`);
  const [field] = fields as readonly [string];
  return (
    compile<(record: unknown) => Key>(
      'key',
      {},
      `return function keyOf(record) { return ${fields.length === 1 ? values[0] : `[${values.join(', ')}]`}; };`,
    ) ?? ((record) => (fields.length === 1 ? ((record as Fields)[field] as Key) : fields.map((name) => (record as Fields)[name] as Key)))
  );
}

/** Most records have all of the fields: then an object literal is all there is to do. */
function literalOf(fields: readonly string[]): string {
  return `${fields.map((field, index) => `const f${index} = record[${literal(field)}];`).join(' ')}
  if (${fields.map((_, index) => `f${index} !== undefined`).join(' && ')}) return { ${fields.map((field, index) => `${literal(field)}: f${index}`).join(', ')} };`;
}

function presentOf(record: Fields, fields: readonly string[], isPresent: (field: string) => boolean): Fields {
  const picked: Record<string, unknown> = {};
  for (const field of fields) if (isPresent(field)) picked[field] = record[field];
  return picked;
}
