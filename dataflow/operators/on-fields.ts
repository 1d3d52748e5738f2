/**
 * User functions that are given some fields of a record: exactly these, whatever else the record has. What every record goes
 * through has code of its own for each use (DC2): shared by all uses of a thread, its calls would soon have many targets.
 */
import type {
  CheckpointedFunction,
  Collector,
  FilterFunction,
  FlatMapFunction,
  MapFunction,
  Results,
  RichFilterFunction,
  RichFlatMapFunction,
  RichFunction,
  RichMapFunction,
} from '../functions.js';
import { compile } from '../fusion/dynamic-code.js';
import { fieldPicker } from '../records/pick-fields.js';
import { madeFunction } from './made-function.js';

/** The same function of whole records. */
export function onFields<Picked, Out>(fields: readonly string[], call: (picked: Picked) => Out): (record: unknown) => Out {
  const pick = fieldPicker(fields) as (record: unknown) => Picked;
  return (
    compile<(record: unknown) => Out>('on fields', { pick, call }, 'return function onFields(record) { return call(pick(record)); };') ??
    ((record) => call(pick(record)))
  );
}

/** What opens and closes a rich function, and what checkpoints tell it, without what it is called with. */
const life = (rich: RichFunction & CheckpointedFunction): RichFunction & CheckpointedFunction => ({
  open: (context) => rich.open?.(context),
  close: () => rich.close?.(),
  ...checkpointed(rich),
});

const checkpointed = (run: CheckpointedFunction): CheckpointedFunction => ({
  snapshotState: (id) => run.snapshotState?.(id),
  notifyCheckpointComplete: (id) => run.notifyCheckpointComplete?.(id),
  notifyCheckpointAborted: (id) => run.notifyCheckpointAborted?.(id),
});

export function mapOnFields<Picked, Out>(
  fields: readonly string[],
  map: MapFunction<Picked, Out> | RichMapFunction<Picked, Out>,
): MapFunction<unknown, Out> | RichMapFunction<unknown, Out> {
  if (typeof map === 'function') return onFields(fields, map);
  return { ...life(map), map: onFields(fields, (picked: Picked) => map.map(picked)) };
}

export function filterOnFields<Picked>(
  fields: readonly string[],
  isWanted: FilterFunction<Picked> | RichFilterFunction<Picked>,
): FilterFunction<unknown> | RichFilterFunction<unknown> {
  if (typeof isWanted === 'function') return onFields(fields, isWanted);
  return { ...life(isWanted), filter: onFields(fields, (picked: Picked) => isWanted.filter(picked)) };
}

export function flatMapOnFields<Picked, Out>(
  fields: readonly string[],
  flatMap: FlatMapFunction<Picked, Out> | RichFlatMapFunction<Picked, Out>,
): FlatMapFunction<unknown, Out> | RichFlatMapFunction<unknown, Out> {
  if (typeof flatMap === 'function') return withOnFields(fields, flatMap);
  return { ...life(flatMap), flatMap: withOnFields(fields, (picked: Picked, out: Collector<Out>) => flatMap.flatMap(picked, out)) };
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
interface Processing<In, Context, Runtime, Timer, Out> extends CheckpointedFunction {
  open?(runtime: Runtime): void | Promise<void>;
  processElement(value: In, context: Context, out: Collector<Out>): Results<Out>;
  onTimer?(time: number, context: Timer, out: Collector<Out>): Results<Out>;
  endInput?(out: Collector<Out>): Results<Out>;
  finish?(out: Collector<Out>): Results<Out>;
  close?(): void | Promise<void>;
}

/** The same for a process function, keyed or not, or what makes one for a task. */
export function processOnFields<In, Context, Runtime, Timer, Out>(
  fields: readonly string[],
  setup: Processing<In, Context, Runtime, Timer, Out> | ((runtime: Runtime) => Processing<In, Context, Runtime, Timer, Out>),
): (runtime: Runtime) => Processing<unknown, Context, Runtime, Timer, Out> {
  return (runtime) => {
    const run = madeFunction(setup, runtime, ['processElement']);
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
      endInput: (out) => run.endInput?.(out),
      finish: (out) => run.finish?.(out),
      ...checkpointed(run),
      close: () => run.close?.(),
    };
  };
}
