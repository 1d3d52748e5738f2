/**
 * One configuration key: its name, type, default and meaning, declared once. Reading, checking, documentation and
 * suggestions all derive from the declaration.
 */
import { formatDuration, formatSize, parseDuration, parseFlag, parseSize } from '../quantities.js';

/** A value as it comes from a file, the environment or a flag. */
export type RawValue = string | number | boolean;

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly expected: string };

export type OptionKind = 'text' | 'list' | 'integer' | 'number' | 'flag' | 'duration' | 'size' | 'choice';

/** A key with its type; `T` includes undefined when there is no default. */
export interface Option<T> {
  readonly key: string;
  readonly kind: OptionKind;
  readonly defaultValue: T;
  /** One or two sentences for docs/configuration.md. */
  readonly description: string;
  /** Former or other names that are read too. */
  readonly aliases: readonly string[];
  /** Never printed. */
  readonly isSecret: boolean;
  /** What may be given, in words. */
  readonly expected: string;
  parse(raw: RawValue): Parsed<T>;
  /** As people would write it. */
  format(value: T): string;
}

interface OptionSettings {
  readonly description: string;
  readonly aliases?: readonly string[];
  readonly isSecret?: boolean;
}

interface BoundedSettings extends OptionSettings {
  readonly min?: number;
  readonly max?: number;
}

interface OptionParts<T> {
  readonly kind: OptionKind;
  readonly expected: string;
  readonly parse: (raw: RawValue) => T | undefined;
  readonly format: (value: T) => string;
}

function option<T, D extends T | undefined>(key: string, defaultValue: D, settings: OptionSettings, parts: OptionParts<T>): Option<T | D> {
  return {
    key,
    kind: parts.kind,
    defaultValue,
    description: settings.description,
    aliases: settings.aliases ?? [],
    isSecret: settings.isSecret ?? false,
    expected: parts.expected,
    parse: (raw) => {
      const value = parts.parse(raw);
      return value === undefined ? { ok: false, expected: parts.expected } : { ok: true, value };
    },
    format: (value) => (value === undefined ? '' : parts.format(value as T)),
  };
}

/** Any text that is not empty. */
export function text<D extends string | undefined>(
  key: string,
  defaultValue: D,
  settings: OptionSettings & { readonly pattern?: RegExp; readonly expected?: string },
): Option<string | D> {
  return option<string, D>(key, defaultValue, settings, {
    kind: 'text',
    expected: settings.expected ?? 'a text',
    parse: (raw) =>
      String(raw) !== '' && (settings.pattern === undefined || settings.pattern.test(String(raw))) ? String(raw) : undefined,
    format: String,
  });
}

/** Texts separated by commas or semicolons. */
export function list(key: string, defaultValue: readonly string[], settings: OptionSettings): Option<readonly string[]> {
  return option<readonly string[], readonly string[]>(key, defaultValue, settings, {
    kind: 'list',
    expected: 'one or more texts separated by commas',
    parse: (raw) => {
      const items = String(raw)
        .split(/[,;]/)
        .map((item) => item.trim())
        .filter((item) => item !== '');
      return items.length === 0 ? undefined : items;
    },
    format: (items) => items.join(', '),
  });
}

export function integer<D extends number | undefined>(key: string, defaultValue: D, settings: BoundedSettings): Option<number | D> {
  return option<number, D>(key, defaultValue, settings, {
    kind: 'integer',
    expected: `a whole number${bounds(settings, String)}`,
    parse: (raw) => within(toNumber(raw), settings, Number.isSafeInteger),
    format: String,
  });
}

export function number<D extends number | undefined>(key: string, defaultValue: D, settings: BoundedSettings): Option<number | D> {
  return option<number, D>(key, defaultValue, settings, {
    kind: 'number',
    expected: `a number${bounds(settings, String)}`,
    parse: (raw) => within(toNumber(raw), settings, Number.isFinite),
    format: String,
  });
}

export function flag(key: string, defaultValue: boolean, settings: OptionSettings): Option<boolean> {
  return option<boolean, boolean>(key, defaultValue, settings, {
    kind: 'flag',
    expected: 'true or false',
    parse: (raw) => (typeof raw === 'number' ? undefined : parseFlag(raw)),
    format: String,
  });
}

/** In milliseconds. */
export function duration<D extends number | undefined>(key: string, defaultValue: D, settings: BoundedSettings): Option<number | D> {
  return option<number, D>(key, defaultValue, settings, {
    kind: 'duration',
    expected: `a duration such as "500 ms" or "10 s"${bounds(settings, formatDuration)}`,
    parse: (raw) => (typeof raw === 'boolean' ? undefined : within(parseDuration(raw), settings, Number.isFinite)),
    format: formatDuration,
  });
}

/** In bytes. */
export function size<D extends number | undefined>(key: string, defaultValue: D, settings: BoundedSettings): Option<number | D> {
  return option<number, D>(key, defaultValue, settings, {
    kind: 'size',
    expected: `a size such as "64 kb" or "1 mb"${bounds(settings, formatSize)}`,
    parse: (raw) => (typeof raw === 'boolean' ? undefined : within(parseSize(raw), settings, Number.isSafeInteger)),
    format: formatSize,
  });
}

/** One of `values`, in any case; `synonyms` maps other words onto them. */
export function choice<V extends string, D extends V | undefined>(
  key: string,
  defaultValue: D,
  settings: OptionSettings & { readonly values: readonly V[]; readonly synonyms?: Readonly<Record<string, V>> },
): Option<V | D> {
  return option<V, D>(key, defaultValue, settings, {
    kind: 'choice',
    expected: settings.values.length === 1 ? String(settings.values[0]) : `one of ${settings.values.join(', ')}`,
    parse: (raw) => {
      const word = String(raw).trim().toLowerCase();
      return settings.values.find((value) => value.toLowerCase() === word) ?? settings.synonyms?.[word];
    },
    format: String,
  });
}

const toNumber = (raw: RawValue): number | undefined => {
  if (typeof raw === 'number') return raw;
  return typeof raw === 'string' && /^\s*[-+]?\d+(\.\d+)?\s*$/.test(raw) ? Number(raw) : undefined;
};

function within(value: number | undefined, { min, max }: BoundedSettings, isValid: (value: number) => boolean): number | undefined {
  if (value === undefined || !isValid(value)) return undefined;
  return value < (min ?? -Infinity) || value > (max ?? Infinity) ? undefined : value;
}

function bounds({ min, max }: BoundedSettings, format: (value: number) => string): string {
  if (min !== undefined && max !== undefined) return ` from ${format(min)} to ${format(max)}`;
  if (min !== undefined) return ` from ${format(min)}`;
  return max === undefined ? '' : ` up to ${format(max)}`;
}
