/**
 * Functions made from text at run time, for code that must be specialised to what it calls.
 *
 * DC1  The text comes from this package alone; whatever else goes in is an integer, a literal escaped with {@link literal},
 *      or an argument.
 * DC2  Every function has code of its own: what the engine learns of the calls in one never spoils another's. (Equal texts
 *      would share it.) After the first `ownCodeMax` of a thread equal texts share their code after all: a thread that makes
 *      so many runs one short job after the other, as the simulator does, and would only be busy compiling.
 * DC3  Where the environment forbids making code, the answer is undefined and callers take their slower way.
 */

/** A JavaScript literal of a text, safe inside a program. */
export const literal = (text: string): string => JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');

const ownCodeMax = 256;
const sharedMax = 256;

type Factory = (...values: unknown[]) => unknown;
let made = 0;
const shared = new Map<string, Factory>();

/** Runs `body` with `uses` in scope and answers what it returns; undefined where code may not be made (DC3). */
export function compile<T>(name: string, uses: Readonly<Record<string, unknown>>, body: string): T | undefined {
  const names = Object.keys(uses);
  try {
    const factory = made < ownCodeMax ? makeFactory(names, `${name} ${made}`, body) : sharedFactory(names, name, body);
    return factory(...Object.values(uses)) as T;
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  } finally {
    made += 1;
  }
}

function sharedFactory(names: readonly string[], name: string, body: string): Factory {
  const key = `${names.join()}\n${body}`;
  let factory = shared.get(key);
  if (factory === undefined) {
    factory = makeFactory(names, name, body);
    if (shared.size >= sharedMax) shared.delete(shared.keys().next().value as string);
    shared.set(key, factory);
  }
  return factory;
}

function makeFactory(names: readonly string[], name: string, body: string): Factory {
  // oxlint-disable-next-line typescript/no-implied-eval, no-new-func -- what this file is for; see DC1
  return new Function(...names, `'use strict'; // ${name}\n${body}`) as Factory;
}
