/** The value, which must be there: for places where a test knows it is. */
export function present<T>(value: T | undefined | null, what = 'the value'): T {
  if (value === undefined || value === null) throw new Error(`${what} is missing`);
  return value;
}
