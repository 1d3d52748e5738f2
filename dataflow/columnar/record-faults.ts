/** What is wrong with a record, for the person who wrote the job: the operator, the place in the record, the next step. */
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { ByteSink } from './byte-sink.js';
import { ItemFault, writeItem } from './item-writer.js';

const placesShownMax = 8;

export function recordTooLarge(bytes: number, bytesMax: number, operatorName: string): MillraceError {
  return new MillraceError('RECORD_TOO_LARGE', `A record takes ${bytes} bytes; the largest frame holds ${bytesMax}.`, {
    domain: 'user',
    recovery: 'fail-job',
    where: operatorName,
    hint: 'Emit smaller records: split large texts or arrays.',
  });
}

/** Looks for the place again, slowly: the fast path does not keep track of it. */
export function recordNotEncodable(record: unknown, operatorName: string): MillraceError {
  const { path, why } = findFault(record);
  const what = path === '' ? 'it' : `its field ${path}`;
  return new MillraceError('RECORD_NOT_ENCODABLE', `A record cannot be sent to another slot: ${what} ${why}.`, {
    domain: 'user',
    recovery: 'fail-job',
    where: operatorName,
    hint: `Records are plain data: no functions or symbols, no cycles, nested at most ${limits.cborDepthMax} deep; instances of classes that were registered with registerRecordClass.`,
  });
}

interface Fault {
  /** As one would write it in JavaScript; empty for the record itself. */
  readonly path: string;
  readonly why: string;
}

function findFault(record: unknown): Fault {
  const steps: string[] = [];
  let value = record;
  let why = reasonOf(value) ?? 'cannot be encoded';
  const seen = new Set<unknown>();
  for (;;) {
    if (seen.has(value)) return { path: shown(steps), why: 'refers to itself' };
    if (typeof value === 'object') seen.add(value);
    const part = partsOf(value).find(([, content]) => reasonOf(content) !== undefined);
    if (part === undefined) return { path: shown(steps), why };
    steps.push(part[0]);
    value = part[1];
    why = reasonOf(value) as string;
  }
}

function shown(steps: readonly string[]): string {
  const text = steps.slice(0, placesShownMax).join('') + (steps.length > placesShownMax ? '…' : '');
  return text.startsWith('.') ? text.slice(1) : text;
}

/** Undefined when the value can be encoded. */
function reasonOf(value: unknown): string | undefined {
  try {
    writeItem(new ByteSink(), value);
    return undefined;
  } catch (error) {
    return error instanceof ItemFault ? error.message : 'cannot be encoded';
  }
}

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

function partsOf(value: unknown): readonly (readonly [step: string, content: unknown])[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return Array.from(value, (item: unknown, index) => [`[${index}]`, item] as const);
  if (value instanceof Map) {
    return [...value].flatMap(([key, item]) => [['.keys()', key] as const, [`.get(${String(key)})`, item] as const]);
  }
  if (value instanceof Set) return [...value].map((item) => ['.values()', item] as const);
  return Object.entries(value).map(([name, item]) => [identifier.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`, item] as const);
}
