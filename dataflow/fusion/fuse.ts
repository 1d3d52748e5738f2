/**
 * One function for a run of operators: their stages one after the other, in code of its own.
 *
 * FU1  What is thrown in a stage names its operator; what is thrown behind the last stage passes as it is.
 * FU2  A chain calls its functions from call sites of its own, so that the engine can inline them whatever other chains
 *      the thread ran before.
 */
import type { Emit } from '../contracts.js';
import { failFunction } from '../operators/user-error.js';
import { compile } from './dynamic-code.js';
import type { NamedStage } from './record-stage.js';

/** Undefined where code may not be made; then operators are bound to each other. `out` takes what the last stage leaves. */
export function fuse(stages: readonly NamedStage[], out: Emit<unknown>): Emit<unknown> | undefined {
  const uses: Record<string, unknown> = { out, fail: failAt };
  function failAt(index: number, error: unknown): never {
    return failFunction((stages[index] as NamedStage).operatorName, error);
  }
  const code = stages.map((stage, index) => {
    for (const [name, value] of Object.entries(stage.uses)) uses[`${name}_${index}`] = value;
    return `at = ${index}; ${stage.code.replace(/\$(\w+)/g, `$1_${index}`)}`;
  });
  return compile<Emit<unknown>>(
    'chain',
    uses,
    `return function chain(value, timestamp, keyGroup) {
  let at = 0;
  try {
    ${code.join('\n    ')}
  } catch (error) {
    fail(at, error);
  }
  out(value, timestamp);
};`,
  );
}
