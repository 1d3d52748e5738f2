/** Durations, sizes and flags as people write them. Pure; errors are returned as text so that callers can name the place. */

const durationUnits: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['milli', 1],
  ['millis', 1],
  ['millisecond', 1],
  ['milliseconds', 1],
  ['s', 1_000],
  ['sec', 1_000],
  ['secs', 1_000],
  ['second', 1_000],
  ['seconds', 1_000],
  ['m', 60_000],
  ['min', 60_000],
  ['mins', 60_000],
  ['minute', 60_000],
  ['minutes', 60_000],
  ['h', 3_600_000],
  ['hour', 3_600_000],
  ['hours', 3_600_000],
  ['d', 86_400_000],
  ['day', 86_400_000],
  ['days', 86_400_000],
]);

const sizeUnits: ReadonlyMap<string, number> = new Map([
  ['b', 1],
  ['bytes', 1],
  ['k', 2 ** 10],
  ['kb', 2 ** 10],
  ['kib', 2 ** 10],
  ['m', 2 ** 20],
  ['mb', 2 ** 20],
  ['mib', 2 ** 20],
  ['g', 2 ** 30],
  ['gb', 2 ** 30],
  ['gib', 2 ** 30],
]);

/** Milliseconds, or text with a unit: `'500 ms'`, `'10 s'`, `'5 min'`, `'1 h'`, `'1 d'`. */
export type Duration = number | `${number} ${'ms' | 's' | 'min' | 'h' | 'd'}`;

/** `500 ms`, `10 s`, `1.5 min`, or a number of milliseconds; undefined when it is none of these. */
export function parseDuration(text: string | number): number | undefined {
  return parseQuantity(text, durationUnits);
}

/** `64 kb`, `1 mb` (of 1024), or a number of bytes; undefined when it is none of these. */
export function parseSize(text: string | number): number | undefined {
  const bytes = parseQuantity(text, sizeUnits);
  return bytes === undefined ? undefined : Math.round(bytes);
}

/** `true`, `yes`, `on`, `1` and their opposites, in any case; undefined when it is none of these. */
export function parseFlag(text: string | boolean): boolean | undefined {
  if (typeof text === 'boolean') return text;
  const word = text.trim().toLowerCase();
  if (['true', 'yes', 'on', '1'].includes(word)) return true;
  return ['false', 'no', 'off', '0'].includes(word) ? false : undefined;
}

/** `10 s` rather than `10000`: the largest unit that divides it. */
export function formatDuration(ms: number): string {
  for (const [unit, factor] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const) {
    if (ms !== 0 && ms % factor === 0) return `${ms / factor} ${unit}`;
  }
  return `${ms} ms`;
}

/** `64 kb` rather than `65536`. */
export function formatSize(bytes: number): string {
  for (const [unit, factor] of [
    ['gb', 2 ** 30],
    ['mb', 2 ** 20],
    ['kb', 2 ** 10],
  ] as const) {
    if (bytes !== 0 && bytes % factor === 0) return `${bytes / factor} ${unit}`;
  }
  return `${bytes} bytes`;
}

function parseQuantity(text: string | number, units: ReadonlyMap<string, number>): number | undefined {
  if (typeof text === 'number') return Number.isFinite(text) && text >= 0 ? text : undefined;
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  if (match === null) return undefined;
  const unit = (match[2] as string).toLowerCase();
  const factor = unit === '' ? 1 : units.get(unit);
  return factor === undefined ? undefined : Number(match[1]) * factor;
}
