/**
 * Where values come from: text of a YAML or JSON file, environment variables, flags. Reading files and the environment
 * is the caller's; nothing here is impure.
 */
import { LineCounter, parseDocument, type Document } from 'yaml';
import type { RawValue } from './option.js';

/** A value with the place it was found. */
export interface FoundValue {
  readonly key: string;
  readonly raw: unknown;
  /** For messages: `millrace.yaml`, `environment variable MILLRACE_CLUSTER_ID`, `flag -D cluster.id`. */
  readonly origin: string;
}

export type FileValues = { readonly values: readonly FoundValue[] } | { readonly error: string };

/**
 * Keys of a YAML or JSON text, written flat (`a.b: 1`) or nested; lists become texts joined by commas. Errors name the
 * line but never quote it: it may hold a secret.
 */
export function fileValues(content: string, name: string): FileValues {
  const lineCounter = new LineCounter();
  const document = parseDocument(content, { prettyErrors: false, lineCounter });
  const error = document.errors[0];
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    return { error: `${name}:${line}:${col} cannot be read: ${error.message.trim()}.` };
  }
  const root = contentOf(document);
  if (root === null) return { values: [] };
  if (typeof root !== 'object' || Array.isArray(root))
    return { error: `${name} holds no keys: write lines like "taskmanager.numberOfTaskSlots: 2".` };
  const values: FoundValue[] = [];
  flatten(root as Readonly<Record<string, unknown>>, '', (key, raw) => values.push({ key, raw, origin: name }));
  return { values };
}

/** Null when there is none; text when it cannot be resolved (an alias to nothing, or one that explodes). */
function contentOf(document: Document): unknown {
  try {
    return (document.toJS() as unknown) ?? null;
  } catch {
    return 'unresolvable';
  }
}

function flatten(node: Readonly<Record<string, unknown>>, prefix: string, found: (key: string, raw: unknown) => void): void {
  for (const [name, value] of Object.entries(node)) {
    const key = `${prefix}${name}`;
    if (Array.isArray(value)) found(key, value.join(','));
    else if (typeof value === 'object' && value !== null) flatten(value as Readonly<Record<string, unknown>>, `${key}.`, found);
    else found(key, value);
  }
}

export const environmentPrefix = 'MILLRACE_';
/** Variables of our own test runner, which are no configuration. */
const testPrefix = 'MILLRACE_TEST_';

/** `cluster.id` → `MILLRACE_CLUSTER_ID`. */
export function environmentName(key: string): string {
  return environmentPrefix + key.replace(/[^A-Za-z0-9]/g, '_').toUpperCase();
}

/** Variables that begin with `MILLRACE_`; an empty one counts as not set. `keys` are all keys that exist. */
export function environmentValues(
  environment: Readonly<Record<string, string | undefined>>,
  keys: readonly string[],
): readonly FoundValue[] {
  const keyOf = new Map(keys.map((key) => [environmentName(key), key]));
  return Object.entries(environment)
    .filter(([name, value]) => name.startsWith(environmentPrefix) && !name.startsWith(testPrefix) && value !== undefined && value !== '')
    .map(([name, value]) => ({ key: keyOf.get(name) ?? name, raw: value, origin: `environment variable ${name}` }));
}

/** `-D key=value` flags, later ones win. */
export function flagValues(flags: Readonly<Record<string, RawValue>>): readonly FoundValue[] {
  return Object.entries(flags).map(([key, raw]) => ({ key, raw, origin: `flag -D ${key}` }));
}
