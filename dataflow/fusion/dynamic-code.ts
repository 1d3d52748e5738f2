/**
 * Functions made from text at run time, for code that must be specialised to what it calls.
 *
 * DC1  The text comes from this package alone; whatever else goes in is an integer, a literal escaped with {@link literal},
 *      or an argument.
 * DC2  Every function has code of its own: what the engine learns of the calls in one never spoils another's. (Equal texts
 *      would share it.)
 * DC3  Where the environment forbids making code, the answer is undefined and callers take their slower way.
 */

/** A JavaScript literal of a text, safe inside a program. */
export const literal = (text: string): string => JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');

let made = 0;

/** Runs `body` with `uses` in scope and answers what it returns; undefined where code may not be made (DC3). */
export function compile<T>(name: string, uses: Readonly<Record<string, unknown>>, body: string): T | undefined {
  made += 1;
  try {
    // oxlint-disable-next-line typescript/no-implied-eval, no-new-func -- what this file is for; see DC1
    const make = new Function(...Object.keys(uses), `'use strict'; // ${name} ${made}\n${body}`) as (...values: unknown[]) => T;
    return make(...Object.values(uses));
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}
