/**
 * What takes a record into a sink: it counts what the sink took, and names the sink when it throws.
 *
 * CK1  Only what was taken without an error is counted: a record the sink refused was not written.
 */
import type { Emit } from '../contracts.js';
import { compile } from '../fusion/dynamic-code.js';
import type { RecordCount } from '../fusion/record-count.js';
import { failFunction } from '../operators/user-error.js';

/** See the head of this file. `written` counts at 0. */
export function countedSink(operatorName: string, input: Emit<unknown>, written: RecordCount): Emit<unknown> {
  const fail = (error: unknown): never => failFunction(operatorName, error);
  const code =
    'return function sink(value, timestamp, keyHash) { try { input(value, timestamp, keyHash); } catch (error) { fail(error); } written[0] += 1; };';
  return (
    compile<Emit<unknown>>('sink', { input, written, fail }, code) ??
    ((value, timestamp, keyHash) => {
      try {
        input(value, timestamp, keyHash);
      } catch (error) {
        fail(error);
      }
      written[0] = (written[0] as number) + 1;
    })
  );
}
