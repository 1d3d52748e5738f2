/**
 * A million keys in state, or in a Map: a form, what it does, how many keys.
 *
 *   state   the heap backend, each value put as it was decoded from a frame
 *   map     a Map of the same objects, their texts cut loose from the frames: what a program would keep at best
 *   kept    a Map of the very objects that were decoded: what a program would keep if it knew no better
 *
 *   memory   values of all keys; says how many bytes a key takes
 *   timers   a timer a key (state only): at times of their own, or all at one of a hundred
 */
import type { ChannelId } from '../../core/ids.js';
import { keyHashOf } from '../../core/keys.js';
import { createColumnarCodec } from '../../dataflow/columnar/columnar-codec.js';
import { noTimestamp } from '../../dataflow/contracts.js';
import { HeapKeyedStateBackend } from '../../storage/state/heap/heap-keyed-state-backend.js';
import { copyValue } from '../../storage/state/heap/value-copier.js';
import { mark } from '../harness/forms.js';
import { recordKinds } from '../jobs/codec-records.js';

const [form = '', work = '', keysText = ''] = process.argv.slice(2);
const keys = Number(keysText);
const bid = recordKinds['bid'];
if (bid === undefined) throw new Error('there are no bids');

type Bid = Record<string, unknown> & { readonly bidder: string };

const state = () =>
  new HeapKeyedStateBackend({ keyGroups: { start: 0, end: 127 }, maxParallelism: 128, operatorName: 'bench', clock: Date });

/** Every record once through a frame, as from another task. */
function forEachDecoded(count: number, take: (record: Bid) => void): void {
  const codec = createColumnarCodec();
  const writer = codec.createWriter({ channelId: 'e~a_0_1_0~b_1_1_0' as ChannelId, frameBytesMax: 1_000_000, operatorName: 'bench' });
  let seq = 0;
  const leave = (): void => {
    const frame = writer.take(seq++).slice();
    const offset = codec.readHeader(frame)?.bodyOffset ?? 0;
    for (const record of codec.decodeBatch(frame, offset).values) take(record as Bid);
  };
  for (let n = 0; n < count; n += 1) {
    const record = { ...bid?.(n % 100_000), bidder: `bidder-${n}` };
    if (!writer.add(record, noTimestamp)) {
      leave();
      writer.add(record, noTimestamp);
    }
    if (writer.isFull) leave();
  }
  leave();
}

function heldBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function keep(): { readonly put: (record: Bid) => void; readonly size: () => number } {
  if (form === 'state') {
    const backend = state();
    const value = backend.valueState<Bid>('last bid');
    return {
      put: (record) => {
        backend.setCurrentKey(record.bidder, keyHashOf(record.bidder));
        value.update(record);
      },
      size: () => backend.size(),
    };
  }
  const map = new Map<string, Bid>();
  const put =
    form === 'map'
      ? (record: Bid) => {
          const own = copyValue(record, 'a map');
          map.set(own.bidder, own);
        }
      : (record: Bid) => void map.set(record.bidder, record);
  return { put, size: () => map.size };
}

function memory(): void {
  forEachDecoded(20_000, () => {});
  const before = heldBytes();
  const { put, size } = keep();
  mark('begin');
  forEachDecoded(keys, put);
  mark('end', keys);
  mark('bytes a key', (heldBytes() - before) / size());
}

function timers(): void {
  const startAt = 1_700_000_000_000;
  const distinct = form === 'own times' ? keys : 100;
  const names = Array.from({ length: keys }, (_, n) => `key-${n}`);
  const hashes = names.map(keyHashOf);
  for (const isWarmUp of [true, false]) {
    const backend = state();
    const count = isWarmUp ? keys / 5 : keys;
    if (!isWarmUp) mark('begin registering');
    for (let n = 0; n < count; n += 1) {
      backend.setCurrentKey(names[n] as string, hashes[n] as number);
      backend.registerTimer('event', startAt + ((n * 7_919) % distinct));
    }
    if (!isWarmUp) mark('begin firing');
    let fired = 0;
    while (backend.pollTimer('event', startAt + keys) !== undefined) fired += 1;
    if (!isWarmUp) mark('end', fired);
  }
}

if (work === 'memory') memory();
else timers();
