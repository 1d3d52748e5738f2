/** State and timers that are asked for, or used, where there is no key. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../core/errors.js';
import type { KeyedProcessContext, KeyedRuntimeContext } from '../../dataflow/functions.js';
import { processContextOf } from '../../dataflow/operators/process-context.js';
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

test('timers asked for by a program that got past the compiler are refused, naming operator and method', () => {
  const { context } = new OperatorBench({ files: new MemoryFileSystem() });
  const { time } = processContextOf({ now: 1 }, context) as KeyedProcessContext<string>;
  for (const [method, call] of Object.entries({
    registerEventTimeTimer: () => time.registerEventTimeTimer(5),
    deleteEventTimeTimer: () => time.deleteEventTimeTimer(5),
    registerProcessingTimeTimer: () => time.registerProcessingTimeTimer(5),
    deleteProcessingTimeTimer: () => time.deleteProcessingTimeTimer(5),
  })) {
    assert.throws(call, (error: unknown) => {
      const { code, where, message, hint } = error as MillraceError;
      assert.equal([code, where], ['STATE_WITHOUT_KEY', 'operator under test']);
      return message.includes(method) && hint !== undefined;
    });
  }
  assert.type(time.currentProcessingTime(), 'number');
});

test.run();
