/** What a sink took is counted, with code made for it and without. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { MillraceError } from '../../core/errors.js';
import { createRecordCount } from '../../dataflow/fusion/record-count.js';
import { countedSink } from '../../dataflow/task/counted-sink.js';

const test = suite('counted sink');

test('only what the sink took without an error counts, and what it throws names it (CK1)', () => {
  const taken: unknown[] = [];
  const written = createRecordCount();
  const take = countedSink(
    'ledger',
    (value, timestamp, keyHash) => {
      if (value === 'bad') throw new RangeError('no room');
      taken.push([value, timestamp, keyHash]);
    },
    written,
  );
  take('a', 1, 7);
  assert.throws(
    () => take('bad', 2),
    (error: MillraceError) => error.where === 'ledger',
  );
  take('b', 3);
  assert.equal(taken, [
    ['a', 1, 7],
    ['b', 3, undefined],
  ]);
  assert.is(written[0], 2);
});
test.run();
