/** Copies of records for operators that share a slot. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MillraceError } from '../../core/errors.js';
import { copyContent, copyRecord } from '../../dataflow/records/copy-record.js';

const test = suite('copies of records');

test('plain data is copied deeply, and what only its class could copy is handed on', () => {
  class Money {}
  const money = new Money();
  const record = {
    list: [{ n: 1 }],
    map: new Map([['a', { n: 2 }]]),
    set: new Set([3]),
    at: new Date(4),
    bytes: new Uint8Array([5]),
    money,
  };
  const copy = copyRecord(record) as typeof record;
  assert.equal(copy, record);
  assert.is(copy.money, money);
  assert.is.not(copy.list[0], record.list[0]);
  assert.is.not(copy.map.get('a'), record.map.get('a'));
  assert.is.not(copy.bytes, record.bytes);
});

test('an object that a record holds twice is no cycle', () => {
  const shared = { n: 1 };
  assert.equal(copyRecord({ left: shared, right: shared }), { left: { n: 1 }, right: { n: 1 } });
});

const inObject: Record<string, unknown> = {};
inObject['self'] = inObject;
const inArray: unknown[] = [];
inArray.push([inArray]);
const inMap = new Map<string, unknown>();
inMap.set('self', { inMap });
for (const [name, record] of Object.entries({ 'an object': inObject, 'an array': inArray, 'a map': inMap })) {
  test(`${name} that holds itself is refused with what records may be`, () => {
    for (const copy of [() => copyRecord(record), () => copyContent({ record })]) {
      assert.throws(copy, (error: unknown) => {
        assert.instance(error, MillraceError);
        const { code, domain, hint } = error as MillraceError;
        return code === 'RECORD_NOT_COPYABLE' && domain === 'user' && /without cycles/.test(hint ?? '');
      });
    }
  });
}

test.run();
