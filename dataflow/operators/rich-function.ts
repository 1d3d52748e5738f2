/** The life of functions that are objects: with what opens and closes them around their records. */
import type { Operator } from '../contracts.js';
import type { RichFunction } from '../functions.js';
import { runtimeContextOf } from './runtime-context.js';

/** The object, or undefined when the function is a plain one. */
export function richOf<R extends RichFunction>(written: R | ((...values: never[]) => unknown)): R | undefined {
  return typeof written === 'function' ? undefined : written;
}

/** What an operator does to open and close its function; nothing for a plain one. */
export function lifeOf(rich: RichFunction | undefined): Pick<Operator, 'open' | 'close'> {
  if (rich === undefined) return {};
  return { open: (context) => rich.open?.(runtimeContextOf(context)), close: () => rich.close?.() };
}
