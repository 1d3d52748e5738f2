/** State that is asked for, or used, where there is no key. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../core/errors.js';
import type { KeyedRuntimeContext } from '../../dataflow/functions.js';
import { runtimeContextOf } from '../../dataflow/operators/runtime-context.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { OperatorBench } from '../../testing/operator-bench.js';

const test = suite('runtime context without a key');

test('keyed state asked for by a program that got past the compiler is refused, naming operator and state', () => {
  const { context } = new OperatorBench({ files: new MemoryFileSystem() });
  const runtime = runtimeContextOf(context) as KeyedRuntimeContext;
  for (const ask of [
    () => runtime.valueState('sum'),
    () => runtime.listState('sum'),
    () => runtime.mapState('sum'),
    () => runtime.reducingState('sum', (left) => left),
    () => runtime.aggregatingState('sum', {} as never),
  ]) {
    assert.throws(ask, (error: unknown) => {
      const { code, where, message, hint } = error as MillraceError;
      assert.is(code, 'STATE_WITHOUT_KEY');
      assert.is(where, 'operator under test');
      return message.includes('sum') && hint !== undefined;
    });
  }
  assert.equal(runtime.operatorListState('buffer').get(), []);
});

test.run();
