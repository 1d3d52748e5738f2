/**
 * The call of a function that hands on any number of results, in code of its own (DC2): key, function, results.
 *
 * PC1  While results of earlier records wait, a record waits behind them (RP1 of the result pump).
 * PC2  What the key selector or the function throws names the operator.
 */
import { keyHashOf } from '../../core/keys.js';
import type { KeyedStateBackend } from '../../storage/state/contracts.js';
import type { Emit, KeySelector, OperatorContext } from '../contracts.js';
import type { Collector, Results } from '../functions.js';
import { ResultPump } from '../operators/result-pump.js';
import { synchronous } from '../operators/synchronous.js';
import { failFunction } from '../operators/user-error.js';
import { compile } from './dynamic-code.js';

/** What changes between two calls, or is known only once the operator is open. */
export interface ProcessCell<Run = unknown> {
  /** Timestamp of the record or timer being processed. */
  now: number;
  keyed?: KeyedStateBackend;
  run?: Run;
}

export interface ProcessCallOptions<In, Out> {
  readonly cell: ProcessCell;
  readonly out: Emit<Out>;
  readonly context: OperatorContext;
  /** Of keyed input. */
  readonly keyOf?: KeySelector<In>;
  /** The function of one record, with what it hands results to. */
  readonly process: (value: In) => Results<Out>;
  /** The same as an expression over `value` and the names of `uses`. */
  readonly code: string;
  readonly uses: Readonly<Record<string, unknown>>;
}

export interface ProcessCall<In, Out> {
  /** Takes records; see the head of this file. */
  readonly accept: Emit<In>;
  /** Hands results on, and keeps what has to wait. */
  readonly pump: ResultPump<In, Out>;
}

export function createProcessCall<In, Out>(options: ProcessCallOptions<In, Out>): ProcessCall<In, Out> {
  const { cell, out, context } = options;
  const pump: ResultPump<In, Out> = new ResultPump<In, Out>({
    out,
    context,
    process: (...record) => accept(...record),
    onResume: (timestamp) => void (cell.now = timestamp),
  });
  const accept = createAccept(options, pump);
  return { accept, pump };
}

function createAccept<In, Out>(options: ProcessCallOptions<In, Out>, pump: ResultPump<In, Out>): Emit<In> {
  const { cell, context, keyOf, process, code, uses } = options;
  const fail = (error: unknown): never => failFunction(context.operatorName, error);
  const setKey = `const key = keyOf(value);
    cell.keyed.setCurrentKey(key, keyHash === undefined ? keyHashOf(key) : keyHash);`;
  const compiled = compile<Emit<In>>(
    'process',
    { ...uses, keyOf, cell, pump, fail, keyHashOf },
    `return function process(value, timestamp, keyHash) {
  if (pump.waitingCount > 0) {
    pump.defer(value, timestamp, keyHash);
    return;
  }
  let results;
  try {
    ${keyOf === undefined ? '' : setKey}
    cell.now = timestamp;
    results = ${code};
  } catch (error) {
    fail(error);
  }
  if (results !== undefined) pump.take(results, timestamp);
};`,
  );
  return (
    compiled ??
    ((value, timestamp, keyHash) => {
      if (pump.waitingCount > 0) {
        pump.defer(value, timestamp, keyHash);
        return;
      }
      let results: Results<Out>;
      try {
        if (keyOf !== undefined) {
          const key = keyOf(value);
          cell.keyed?.setCurrentKey(key, keyHash ?? keyHashOf(key));
        }
        cell.now = timestamp;
        results = process(value);
      } catch (error) {
        fail(error);
        return;
      }
      if (results !== undefined) pump.take(results, timestamp);
    })
  );
}

/** Hands results on with the timestamp of the record being processed. */
export function createCollector<Out>(out: Emit<Out>, cell: ProcessCell): Collector<Out> {
  const compiled = compile<Collector<Out>>(
    'collector',
    { out, cell, synchronous },
    `let isFirst = true;
return {
  collect(value) {
    if (isFirst) {
      synchronous(value);
      isFirst = false;
    }
    out(value, cell.now);
  },
};`,
  );
  let isFirst = true;
  return (
    compiled ?? {
      collect: (value) => {
        if (isFirst) {
          synchronous(value);
          isFirst = false;
        }
        out(value, cell.now);
      },
    }
  );
}
