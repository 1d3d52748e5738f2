/** Run by columnar-faults.test.ts in a process that forbids code from strings. */
import { deepStrictEqual } from 'node:assert';
import type { ChannelId } from '../../core/ids.js';
import { createColumnarCodec } from '../../dataflow/columnar/columnar-codec.js';
import { noTimestamp } from '../../dataflow/contracts.js';
import { onFields, processOnFields, withOnFields } from '../../dataflow/operators/on-fields.js';
import { fieldPicker, fieldSelector, keyOfFields } from '../../dataflow/records/pick-fields.js';

let isForbidden = false;
try {
  // oxlint-disable-next-line typescript/no-implied-eval -- it must throw
  new Function('return 1');
} catch {
  isForbidden = true;
}
if (!isForbidden) throw new Error('code from strings is allowed here: run with --disallow-code-generation-from-strings');

const codec = createColumnarCodec();
const writer = codec.createWriter({ channelId: 'e~a_0_1_0~b_1_1_0' as ChannelId, frameBytesMax: 1_000_000, operatorName: 'words' });
const records = Array.from({ length: 1_000 }, (_, n) => ({
  word: `w${n}`,
  count: n % 7 === 0 ? null : n,
  list: [n, -0],
  pair: ['x', { deep: n % 2 === 0 }],
  ...(n % 5 === 0 ? {} : { at: new Date(n) }),
}));
const received: unknown[] = [];
for (const [seq, record] of records.entries()) {
  if (!writer.add(record, noTimestamp)) throw new Error('no room');
  if (!writer.isFull && seq < records.length - 1) continue;
  const frame = writer.take(seq);
  received.push(...codec.decodeBatch(frame, codec.readHeader(frame)?.bodyOffset ?? 0).values);
}
deepStrictEqual(received, records);

const record = { a: 1, b: undefined, c: 3 };
deepStrictEqual(fieldPicker(['c', 'b', 'd'])(record), { c: 3, b: undefined });
deepStrictEqual(fieldPicker(['a'])([record]), [record]);
deepStrictEqual(fieldSelector(['b', 'a'])(record), { b: undefined, a: 1 });
deepStrictEqual([keyOfFields(['c'])(record), keyOfFields(['c', 'a'])(record)], [3, [3, 1]]);
deepStrictEqual(onFields(['a'], (picked) => picked)(record), { a: 1 });
deepStrictEqual(withOnFields(['a'], (picked, second) => [picked, second])(record, 2), [{ a: 1 }, 2]);
const declared = processOnFields(['a'], { processElement: (picked, context, out) => [picked, context, out] as never });
deepStrictEqual(declared(undefined).processElement(record, 2, 3 as never), [{ a: 1 }, 2, 3]);
console.log(`${received.length} records came back`);
