/** Options that are one of a few words. */

/** The word itself. Throws a `TypeError` for any other: an unknown one would else pass for whichever is compared with last. */
export function checkedChoice<T extends string>(option: string, value: T, choices: readonly T[]): T {
  if (choices.includes(value)) return value;
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  throw new TypeError(`${option}: ${shown} is none of ${choices.map((choice) => `'${choice}'`).join(', ')}`);
}
