/** The object of functions that a setup makes for a task, or that was written in its place. */
import { MillraceError } from '../../core/errors.js';

/**
 * What runs in the task, with all of `methods`: a setup is called in the slot only, so what it returns can be looked at no
 * sooner. Whoever catches the error names the operator.
 */
export function madeFunction<Run extends object, Runtime>(
  written: Run | ((runtime: Runtime) => Run),
  runtime: Runtime,
  methods: readonly (keyof Run & string)[],
): Run {
  const run: unknown = typeof written === 'function' ? (written as (runtime: Runtime) => unknown)(runtime) : written;
  const isObject = typeof run === 'object' && run !== null;
  const missing = methods.filter((method) => !isObject || typeof (run as Readonly<Record<string, unknown>>)[method] !== 'function');
  if (missing.length === 0) return run as Run;
  const got = isObject ? `an object without ${missing.join('() and ')}()` : run === null ? 'null' : typeof run;
  throw new MillraceError('FUNCTION_MISSING', `The setup function returned ${got}.`, {
    domain: 'user',
    recovery: 'fail-job',
    hint: `Return an object with ${methods.join(' and ')}.`,
  });
}
