import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../../core/errors.js';
import { HeapKeyedStateBackend } from '../../../storage/state/heap/heap-keyed-state-backend.js';
import { detachString } from '../../../storage/state/heap/value-copier.js';
import { keyedStateContract } from '../../../testing/contracts/keyed-state.js';
import { ChunkShelf } from '../../support/chunk-shelf.js';
import { runContract } from '../../support/run-contract.js';

for (const isStrict of [false, true]) {
  runContract(`keyed state on the heap${isStrict ? ', strict' : ''}`, keyedStateContract, async () => ({
    fixture: {
      make: (keyGroups, options = {}) =>
        // Values that count how often they are read cannot be strict: stamping them reads them.
        new HeapKeyedStateBackend({
          keyGroups,
          operatorName: 'operator',
          isStrict: isStrict && options.isObjectReuse !== true,
          ...options,
        }),
    },
  }));
}

const test = suite('strict mode');
const backend = () => new HeapKeyedStateBackend({ keyGroups: { start: 0, end: 0 }, operatorName: 'sum per airport', isStrict: true });

function failsNaming(what: readonly string[], call: () => unknown): void {
  assert.throws(call, (error: unknown) => {
    const { code, where, message } = error as MillraceError;
    assert.is(code, 'STATE_CHANGED_WITHOUT_PUT');
    for (const each of what) assert.ok(`${where} ${message}`.includes(each), `${where} ${message} names ${each}`);
    return true;
  });
}

test('a value changed in its callback and not put fails at the end of the callback, naming operator, state and key (SG1)', () => {
  const state = backend();
  const value = state.valueState<{ n: number[] }>('accumulator');
  state.setCurrentKey('ORD', 0);
  value.update({ n: [1] });
  state.setCurrentKey('ORD', 0);
  value.value()?.n.push(2);
  failsNaming(['sum per airport', 'accumulator', 'ORD'], () => state.setCurrentKey('LAX', 0));
});

test('a value changed and put in the same callback is fine, read as often as one likes (SG1)', () => {
  const state = backend();
  const value = state.valueState<{ n: number }>('accumulator');
  for (let round = 0; round < 3; round += 1) {
    state.setCurrentKey('a', 0);
    const read = value.value() ?? { n: 0 };
    read.n += 1;
    assert.is(value.value()?.n, round === 0 ? undefined : read.n);
    value.update(read);
    read.n = -1;
  }
  state.setCurrentKey('a', 0);
  assert.is(value.value()?.n, 3);
});

test('a change that is not put fails when a snapshot is cut, too (SG1)', () => {
  const state = backend();
  const map = state.mapState<string, { n: number }>('per day');
  state.setCurrentKey('a', 0);
  map.put('monday', { n: 1 });
  state.setCurrentKey('a', 0);
  for (const cell of map.values()) cell.n = 2;
  failsNaming(['sum per airport', 'per day'], () => state.snapshot(new ChunkShelf().write));
});

test('a value kept from an earlier callback and changed later fails when it is serialised or read (SG2)', () => {
  for (const look of ['snapshot', 'read'] as const) {
    const state = backend();
    const list = state.listState<{ n: number }>('events');
    state.setCurrentKey('a', 0);
    list.add({ n: 1 });
    state.setCurrentKey('a', 0);
    const kept = list.get()[0];
    state.setCurrentKey('b', 0);
    assert.ok(kept);
    kept.n = 2;
    failsNaming(['sum per airport', 'events'], () => {
      if (look === 'snapshot') state.snapshot(new ChunkShelf().write).advance(10);
      state.setCurrentKey('a', 0);
      list.get();
    });
  }
});

test('an array handed out and pushed to by a cast is caught (SG1)', () => {
  const state = backend();
  const list = state.listState<number>('numbers');
  state.setCurrentKey('a', 0);
  list.add(1);
  state.setCurrentKey('a', 0);
  (list.get() as number[]).push(2);
  failsNaming(['numbers'], () => state.setCurrentKey('a', 0));
});

test.run();

const reuse = suite('objects reused');

reuse('with object reuse values are stored as they are, and the snapshot holds what they were when it looked', () => {
  const state = new HeapKeyedStateBackend({ keyGroups: { start: 0, end: 0 }, operatorName: 'op', isObjectReuse: true });
  const value = state.valueState<{ n: number }>('value');
  const put = { n: 1 };
  state.setCurrentKey('a', 0);
  value.update(put);
  assert.is(value.value(), put);
});

reuse('a value that cannot be encoded fails the snapshot, naming operator and state', () => {
  const state = new HeapKeyedStateBackend({ keyGroups: { start: 0, end: 0 }, operatorName: 'op', isObjectReuse: true });
  state.setCurrentKey('a', 0);
  state.valueState<unknown>('fine').update(1);
  state.valueState<unknown>('handler').update({ call: () => 1 });
  assert.throws(
    () => state.snapshot(new ChunkShelf().write).advance(10),
    (error: unknown) => {
      const { code, where } = error as MillraceError;
      return code === 'STATE_VALUE_UNSUPPORTED' && where === 'op, state "handler"';
    },
  );
});

reuse.run();

const strings = suite('strings kept in state');

strings('a string cut out of a large text does not keep the text alive (VC2)', () => {
  const kept: string[] = [];
  const state = new HeapKeyedStateBackend({ keyGroups: { start: 0, end: 0 }, operatorName: 'op' });
  const value = state.valueState<{ field: string }>('value');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 300; index += 1) {
    const text = Buffer.alloc(200_000, 97 + (index % 26)).toString('latin1');
    const cut = `${text.slice(50, 80)}`;
    state.setCurrentKey(text.slice(index, index + 20) + index, 0);
    value.update({ field: cut });
    kept.push(detachString(text.slice(100, 130)));
  }
  collect();
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 5_000_000, `${grown} bytes kept for 300 fields cut out of 60 MB`);
  assert.is(kept.length, 300);
});

strings.run();
