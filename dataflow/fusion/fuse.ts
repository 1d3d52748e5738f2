/**
 * One function for a run of operators: their stages one after the other, in code of its own.
 *
 * FU1  What is thrown in a stage names its operator; what is thrown behind the last stage passes as it is.
 * FU2  A chain calls its functions from call sites of its own, so that the engine can inline them whatever other chains
 *      the thread ran before.
 * FU3  Records go through a second function until each stage had a result that was looked at (SY1), `firstRecordsMax` at
 *      most: a stage behind a filter may never have one. From then on that costs one branch a record and chain, and nothing
 *      to whoever takes the steady function when it is offered.
 */
import type { Emit } from '../contracts.js';
import { failFunction } from '../operators/user-error.js';
import { synchronous } from '../operators/synchronous.js';
import { compile } from './dynamic-code.js';
import type { NamedStage } from './record-stage.js';

const firstRecordsMax = 1_000;

export interface FuseOptions {
  readonly stages: readonly NamedStage[];
  /** Takes what the last stage leaves. */
  readonly out: Emit<unknown>;
  /** Called once with a function that does the same and looks at no result any more (FU3). */
  readonly onProven?: (steady: Emit<unknown>) => void;
}

/** Undefined where code may not be made; then operators are bound to each other. */
export function fuse({ stages, out, onProven = () => {} }: FuseOptions): Emit<unknown> | undefined {
  const uses: Record<string, unknown> = { out, fail: failAt };
  function failAt(index: number, error: unknown): never {
    return failFunction((stages[index] as NamedStage).operatorName, error);
  }
  const unproven = new Set(stages.flatMap(({ firstCode }, index) => (firstCode === undefined ? [] : index)));
  const isProven = (): boolean => unproven.size === 0;
  stages.forEach((stage, index) => {
    for (const [name, value] of Object.entries(stage.uses)) uses[`${name}_${index}`] = value;
    uses[`first_${index}`] = (result: unknown): unknown => {
      synchronous(result);
      unproven.delete(index);
      return result;
    };
  });
  const body = (codeOf: (stage: NamedStage) => string): string => `let at = 0;
  try {
    ${stages.map((stage, index) => `at = ${index}; ${codeOf(stage).replace(/\$(\w+)/g, `$1_${index}`)}`).join('\n    ')}
  } catch (error) {
    return fail(at, error);
  }
  out(value, timestamp);`;
  const all = body(({ code }) => code);
  if (isProven()) return compile<Emit<unknown>>('chain', uses, `return function chain(value, timestamp, keyHash) {\n  ${all}\n};`);
  return compile<Emit<unknown>>(
    'chain',
    { ...uses, isProven, onProven },
    `let firstLeft = ${firstRecordsMax};
function first(value, timestamp, keyHash) {
  ${body(({ code, firstCode }) => firstCode ?? code)}
}
function steady(value, timestamp, keyHash) {
  ${all}
}
return function chain(value, timestamp, keyHash) {
  if (firstLeft === 0) {
    steady(value, timestamp, keyHash);
    return;
  }
  firstLeft -= 1;
  first(value, timestamp, keyHash);
  if (firstLeft > 0 && !isProven()) return;
  firstLeft = 0;
  onProven(steady);
};`,
  );
}
