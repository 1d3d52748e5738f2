/**
 * One direction of one codec: a form, `encode` or `decode`, a kind of records, how many to measure.
 *
 *   columns   what the runtime does
 *   rows      cbor-x, an item a record, encoded when the record comes and copied into a frame, as a sender must: the
 *             record may change afterwards. This is what the runtime did before it had columns.
 *   arrays    cbor-x with its own extension for records of one structure, whole arrays of records at a time: faster than a
 *             sender can be, and read by cbor-x only
 */
import { Decoder, Encoder } from 'cbor-x';
import type { ChannelId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import { createColumnarCodec } from '../../dataflow/columnar/columnar-codec.js';
import { noTimestamp } from '../../dataflow/contracts.js';
import { mark } from '../harness/forms.js';
import { recordKinds, recordsMade } from '../jobs/codec-records.js';

const [form = '', direction = '', kind = '', count = ''] = process.argv.slice(2);
const make = recordKinds[kind];
if (make === undefined) throw new Error(`no records of kind ${kind}`);
const records = Array.from({ length: recordsMade }, (_, n) => make(n));

/** Returns how many records it was. */
type Work = () => number;

/** A frame leaves in a segment that is used again, as over NATS; the writers put their frames together elsewhere. */
const leaving = new Uint8Array(2 * limits.segmentBytes);
const leave = (frame: Uint8Array): void => leaving.set(frame);

/** Over the records, so that frames are full. */
const passes = 8;

function columns(): { readonly encode: Work; readonly decode: Work } {
  const codec = createColumnarCodec();
  const writer = codec.createWriter({ channelId: 'e~a_0_1_0~b_1_1_0' as ChannelId, frameBytesMax: 1_000_000, operatorName: 'bench' });
  const frames: Uint8Array[] = [];
  let seq = 0;
  const encode = (onFrame: (frame: Uint8Array) => void): void => {
    for (const record of records) {
      if (!writer.add(record, noTimestamp)) {
        onFrame(writer.take(seq++));
        writer.add(record, noTimestamp);
      }
      if (writer.isFull) onFrame(writer.take(seq++));
    }
  };
  // The first frames teach it.
  for (let pass = 0; pass < 2 * passes; pass += 1) encode((frame) => void (pass < passes ? undefined : frames.push(frame.slice())));
  const offset = codec.readHeader(frames[0] as Uint8Array)?.bodyOffset ?? 0;
  return {
    encode: () => {
      encode(leave);
      return records.length;
    },
    decode: () => frames.reduce((sum, frame) => sum + codec.decodeBatch(frame, offset).values.length, 0),
  };
}

function rows(): { readonly encode: Work; readonly decode: Work } {
  const options = { useRecords: false, mapsAsObjects: true, variableMapSize: true, tagUint8Array: false } as const;
  const encoder = new Encoder(options);
  const decoder = new Decoder({ ...options, copyBuffers: true });
  const segment = new Uint8Array(2 * limits.frameBytesTarget);
  // Keeps the result in the encoder's buffer, between `start` and `end`.
  const reuseAndReset = 512 + 1_024;
  const encodeInPlace: (this: Encoder, value: unknown, mode: number) => Uint8Array & { start: number; end: number } =
    encoder.encode as never;
  let position = 3;
  let count = 0;
  const encode = (onFrame: (frame: Uint8Array) => void): void => {
    const take = (): void => {
      segment.set([0x99, count >> 8, count & 0xff]);
      onFrame(segment.subarray(0, position));
      position = 3;
      count = 0;
    };
    for (const record of records) {
      const source = encodeInPlace.call(encoder, record, reuseAndReset);
      for (let index = source.start; index < source.end; index += 1) segment[position++] = source[index] as number;
      count += 1;
      if (position >= limits.frameBytesTarget) take();
    }
  };
  const frames: Uint8Array[] = [];
  for (let pass = 0; pass < passes; pass += 1) encode((frame) => void frames.push(frame.slice()));
  return {
    encode: () => {
      encode(leave);
      return records.length;
    },
    decode: () => frames.reduce((sum, frame) => sum + (decoder.decode(frame) as unknown[]).length, 0),
  };
}

function arrays(): { readonly encode: Work; readonly decode: Work } {
  const encoder = new Encoder();
  const recordBytes = encoder.encode(records).length / records.length;
  const perFrame = Math.max(1, Math.floor(limits.frameBytesTarget / recordBytes));
  const batches: unknown[][] = [];
  const many = Array.from({ length: passes }, () => records).flat();
  for (let from = 0; from < many.length; from += perFrame) batches.push(many.slice(from, from + perFrame));
  const frames = batches.map((batch) => new Uint8Array(encoder.encode(batch)));
  return {
    encode: () => {
      for (const batch of batches) encoder.encode(batch);
      return many.length;
    },
    decode: () => frames.reduce((sum, frame) => sum + (encoder.decode(frame) as unknown[]).length, 0),
  };
}

const forms = { columns, rows, arrays };
const work = forms[form as keyof typeof forms]()[direction as 'encode' | 'decode'];
const repeat = (least: number): number => {
  let done = 0;
  while (done < least) done += work();
  return done;
};
// As long as what is measured: compilers work beside the first million records.
repeat(Number(count));
mark('begin');
mark('end', repeat(Number(count)));
