/** Where a job begins: `export default defineJob('name', (env) => { … })`. */
import type { JobDefinition } from '../dataflow/contracts.js';
import { MillraceError, placeInUserCode } from '../core/errors.js';
import { apiError } from './api-error.js';
import { StreamExecutionEnvironment } from './environment.js';

/** Adds operators to `env`. A pure function of `env.parameters`: it runs in the client and again in every slot. */
export type JobBuilder = (env: StreamExecutionEnvironment) => void;

const nameLengthMax = 200;

/**
 * Defines a job. The builder must depend on its parameters only (no clock, randomness, environment or files): each slot
 * builds the job again, and refuses to run when it comes out differently.
 */
export function defineJob(name: string, builder: JobBuilder): JobDefinition {
  if (typeof name !== 'string' || name.trim() === '' || name.length > nameLengthMax) {
    throw apiError('JOB_NAME_INVALID', `${JSON.stringify(name)} is not a job name.`, {
      hint: `Use a text of 1 to ${nameLengthMax} characters.`,
    });
  }
  if (typeof builder !== 'function') {
    throw apiError('JOB_BUILDER_MISSING', `Job "${name}" has no builder.`, {
      where: name,
      hint: "Write: defineJob('name', (env) => { … }).",
    });
  }
  return {
    name,
    build: (parameters, defaults = {}) => {
      const env = new StreamExecutionEnvironment(name, parameters, defaults);
      const result: unknown = run(name, builder, env);
      if (isPromise(result)) {
        result.then(undefined, () => undefined);
        throw apiError('JOB_BUILDER_ASYNC', `The builder of job "${name}" is asynchronous.`, {
          where: name,
          hint: 'Build the graph synchronously; read data in sources.',
        });
      }
      return env.toStreamGraph();
    },
  };
}

/** Errors of ours are told with the line of the builder; whatever else it throws gets the job's name. */
function run(name: string, builder: JobBuilder, env: StreamExecutionEnvironment): unknown {
  try {
    return builder(env);
  } catch (error) {
    if (error instanceof MillraceError) throw withPlace(error);
    throw apiError('JOB_BUILDER_FAILED', `The builder of job "${name}" failed: ${error instanceof Error ? error.message : String(error)}`, {
      where: name,
      hint: 'Mend the builder, or the parameters it was given.',
      cause: error,
    });
  }
}

/** Names of operators are not known yet where most mistakes of a builder are found: the line says which one it is. */
function withPlace(error: MillraceError): MillraceError {
  const place = placeInUserCode(error.stack);
  if (place === undefined) return error;
  const { code, message, domain, recovery, where, hint } = error;
  return new MillraceError(code, message, {
    domain,
    recovery,
    ...(where === undefined ? {} : { where }),
    hint: `${hint === undefined ? '' : `${hint} `}It was thrown at ${place}.`,
    cause: error.cause,
  });
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function';
}
