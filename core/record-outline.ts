/**
 * What a record looks like, for the message of an error about it.
 *
 * RO1  Names of fields and kinds of values, never the values: messages go into logs and histories, records hold secrets.
 * RO2  Equal kinds give equal outlines, so that the same failure is known again; at most `limits.recordOutlineMax` characters.
 */
import { limits } from './limits.js';
import { shortened } from './shortened.js';

/** `{ id: number, tags: array, owner: User }`; of anything but an object its kind. Never throws. */
export function outlineOf(record: unknown): string {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return kindOf(record);
  const name = classOf(record);
  const fields = fieldsOf(record);
  const shown = fields.slice(0, limits.recordOutlineFieldsMax);
  const rest = fields.length > shown.length ? [`${fields.length - shown.length} more`] : [];
  const inside = [...shown, ...rest].join(', ');
  return shortened(`${name === 'Object' ? '' : `${name} `}{${inside === '' ? '' : ` ${inside} `}}`, limits.recordOutlineMax);
}

/** The type of a value; of an object the name of its class; of a number that is none, NaN. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return Number.isNaN(value) ? 'NaN' : 'number';
  if (typeof value !== 'object') return typeof value;
  if (Array.isArray(value)) return 'array';
  const name = classOf(value);
  return name === 'Object' ? 'object' : name;
}

/** Without calling accessors. */
function fieldsOf(record: object): string[] {
  try {
    return Object.entries(Object.getOwnPropertyDescriptors(record))
      .filter(([, { enumerable }]) => enumerable === true)
      .map(([name, { get, value }]) => `${name}: ${get === undefined ? kindOf(value) : 'accessor'}`);
  } catch {
    return [];
  }
}

function classOf(value: object): string {
  try {
    const prototype: unknown = Object.getPrototypeOf(value);
    const name: unknown = prototype === null ? 'Object' : (prototype as object).constructor?.name;
    return typeof name === 'string' && name !== '' ? name : 'Object';
  } catch {
    return 'Object';
  }
}
