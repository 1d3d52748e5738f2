/**
 * User functions that are given some fields of a record: exactly these, whatever else the record has. What every record goes
 * through has code of its own for each use (DC2): shared by all uses of a thread, its calls would soon have many targets.
 */
import type { Collector, Results } from '../functions.js';
import { compile } from '../fusion/dynamic-code.js';
import { fieldPicker } from '../records/pick-fields.js';

/** The same function of whole records. */
export function onFields<Picked, Out>(fields: readonly string[], call: (picked: Picked) => Out): (record: unknown) => Out {
  const pick = fieldPicker(fields) as (record: unknown) => Picked;
  return (
    compile<(record: unknown) => Out>('on fields', { pick, call }, 'return function onFields(record) { return call(pick(record)); };') ??
    ((record) => call(pick(record)))
  );
}

/** The same for a function that takes something else beside the record. */
export function withOnFields<Picked, Second, Out>(
  fields: readonly string[],
  call: (picked: Picked, second: Second) => Out,
): (record: unknown, second: Second) => Out {
  const pick = fieldPicker(fields) as (record: unknown) => Picked;
  return (
    compile<(record: unknown, second: Second) => Out>(
      'on fields',
      { pick, call },
      'return function onFields(record, second) { return call(pick(record), second); };',
    ) ?? ((record, second) => call(pick(record), second))
  );
}

/** What process functions and keyed ones have. */
interface Processing<In, Context, Runtime, Timer, Out> {
  open?(runtime: Runtime): void | Promise<void>;
  processElement(value: In, context: Context, out: Collector<Out>): Results<Out>;
  onTimer?(time: number, context: Timer, out: Collector<Out>): Results<Out>;
  finish?(out: Collector<Out>): Results<Out>;
  close?(): void | Promise<void>;
}

/** The same for a process function, keyed or not, or what makes one for a task. */
export function processOnFields<In, Context, Runtime, Timer, Out>(
  fields: readonly string[],
  setup: Processing<In, Context, Runtime, Timer, Out> | ((runtime: Runtime) => Processing<In, Context, Runtime, Timer, Out>),
): (runtime: Runtime) => Processing<unknown, Context, Runtime, Timer, Out> {
  return (runtime) => {
    const run = typeof setup === 'function' ? setup(runtime) : setup;
    const pick = fieldPicker(fields) as (record: unknown) => In;
    return {
      open: (context) => run.open?.(context),
      processElement:
        compile<Processing<unknown, Context, Runtime, Timer, Out>['processElement']>(
          'on fields',
          { pick, run },
          'return function processElement(record, context, out) { return run.processElement(pick(record), context, out); };',
        ) ?? ((record, context, out) => run.processElement(pick(record), context, out)),
      onTimer: (time, context, out) => run.onTimer?.(time, context, out),
      finish: (out) => run.finish?.(out),
      close: () => run.close?.(),
    };
  };
}
