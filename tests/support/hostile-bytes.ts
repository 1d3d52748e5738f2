/** Bytes made to hurt whoever decodes them: bombs, lies about lengths, tags that make objects, plain damage. */
import { limits } from '../../core/limits.js';

const size = limits.controlMessageBytesMax;
const text = (value: string): number[] => [...Buffer.from(value, 'utf8')];
const hex = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value.replaceAll(' ', ''), 'hex'));

/** An array of as many copies of `item` as fit. */
function many(...item: number[]): Uint8Array {
  const count = Math.floor((size - 5) / item.length);
  const bytes = new Uint8Array(5 + count * item.length);
  bytes[0] = 0x9a;
  new DataView(bytes.buffer).setUint32(1, count);
  for (let index = 0; index < count; index += 1) bytes.set(item, 5 + index * item.length);
  return bytes;
}

/** A map of as many different keys as fit, behind `head`. */
function manyKeys(key: (index: number) => number[], ...head: number[]): Uint8Array {
  const entryBytes = key(0).length + 1;
  const count = Math.floor((size - 5 - head.length) / entryBytes);
  const bytes = new Uint8Array(head.length + 5 + count * entryBytes);
  bytes.set(head);
  bytes[head.length] = 0xba;
  new DataView(bytes.buffer).setUint32(head.length + 1, count);
  for (let index = 0; index < count; index += 1) bytes.set([...key(index), 0], head.length + 5 + index * entryBytes);
  return bytes;
}

function repeated(byte: number, count = size): Uint8Array {
  return new Uint8Array(count).fill(byte);
}

function bignum(length: number): Uint8Array {
  const bytes = repeated(0xff, length + 6);
  bytes.set([0xc2, 0x5a, length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff]);
  return bytes;
}

const uint32 = (value: number): number[] => [0x1a, (value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];

/** Payloads by name, and whether each must be refused; undefined: may be decoded, if that is quick. */
export const hostileBytes: Readonly<Record<string, readonly [Uint8Array, 'refused' | undefined]>> = {
  nothing: [new Uint8Array(0), 'refused'],
  'a bignum of 256 KiB': [bignum(256 * 1024), 'refused'],
  'a bignum just too long': [bignum(limits.cborBignumBytesMax + 1), 'refused'],
  'a negative bignum of 256 KiB': [((bytes) => (bytes.set([0xc3]), bytes))(bignum(256 * 1024)), 'refused'],
  'a thousand bignums of 1 KiB': [many(0xc2, 0x59, 4, 0, ...repeated(0xff, 1_024)), 'refused'],
  'nested arrays': [repeated(0x81), 'refused'],
  'arrays one deeper than allowed': [Uint8Array.from([...repeated(0x81, limits.cborDepthMax + 1), 0]), 'refused'],
  'nested open arrays': [repeated(0x9f), 'refused'],
  'nested maps': [repeated(0xa1), 'refused'],
  'nested tags': [repeated(0xc1), 'refused'],
  'an array of 2^32 items': [hex('9a ffffffff 00'), 'refused'],
  'an array of 2^64 items': [hex('9b ffffffffffffffff 00'), 'refused'],
  'a map of 2^32 entries': [hex('ba ffffffff 00 00'), 'refused'],
  'a string of 2^32 bytes': [hex('7a ffffffff 61'), 'refused'],
  'a byte string of 2^63 bytes': [hex('5b 8000000000000000 61'), 'refused'],
  'arrays that each claim what is left': [many(0x9a, 0, 0x0f, 0, 0), 'refused'],
  'open strings': [hex('7f 61 61 ff'), 'refused'],
  'a lone break': [hex('ff'), 'refused'],
  'a break inside a definite array': [hex('82 01 ff'), 'refused'],
  'a break between key and value': [hex('bf 01 ff'), 'refused'],
  'a truncated head': [hex('1a 00 00'), 'refused'],
  'a reserved head': [hex('1c'), 'refused'],
  'two items': [hex('01 02'), 'refused'],
  'a simple value nobody assigned': [hex('e0'), 'refused'],
  'a record of cbor-x': [hex('d9 dfff 83 19 e000 81 61 61 01'), 'refused'],
  'a reference of cbor-x': [hex('82 d8 1c 81 01 d8 1d 00'), 'refused'],
  'a packed table': [hex('d8 33 84 81 61 61 80 80 e0'), 'refused'],
  'bundled strings': [hex('d9 dff9 82 1a 00000000 00'), 'refused'],
  'a date of text': [hex('c0 61 61'), 'refused'],
  'a date of a large array': [Uint8Array.from([0xc1, ...many(0)]), 'refused'],
  'a decimal fraction': [hex('c4 82 01 01'), 'refused'],
  'a typed array of a broken length': [hex('d8 56 43 010203'), 'refused'],
  'a typed array of an array': [hex('d8 56 83 010203'), 'refused'],
  'a set of a map': [hex('d9 0102 a0'), 'refused'],
  'an object of a class with a name from Object.prototype': [Uint8Array.from([0xd8, 27, 0x82, 0x68, ...text('toString'), 0x60]), 'refused'],
  'an object of __proto__': [Uint8Array.from([0xd8, 27, 0x82, 0x69, ...text('__proto__'), 0x60]), 'refused'],
  'a map key that is an array': [hex('a1 80 00'), 'refused'],
  'a regular expression that is none': [Uint8Array.from([0xd8, 27, 0x83, 0x66, ...text('RegExp'), 0x61, ...text('('), 0x60]), 'refused'],
  'a tag without content': [hex('c1'), 'refused'],
  'errors, each with a stack': [many(0xd8, 27, 0x82, 0x61, 0x41, 0x60), 'refused'],
  'empty arrays': [many(0x80), 'refused'],
  'empty maps': [many(0xa0), 'refused'],
  'empty byte strings': [many(0x40), 'refused'],
  'empty sets': [many(0xd9, 1, 2, 0x80), 'refused'],
  'empty Maps': [many(0xd9, 1, 3, 0xa0), 'refused'],
  'empty typed arrays': [many(0xd8, 86, 0x40), 'refused'],
  dates: [many(0xc1, 1), 'refused'],
  'small bignums': [many(0xc2, 0x41, 1), 'refused'],
  'a million small numbers': [many(1), 'refused'],
  'a million nulls': [many(0xf6), 'refused'],
  'objects of one field': [many(0xa1, 0x61, 0x61, 1), 'refused'],
  'an object of many keys': [
    manyKeys((index) => [0x64, 65 + (index & 15), 65 + ((index >> 4) & 15), 65 + ((index >> 8) & 15), 65 + ((index >> 12) & 31)]),
    'refused',
  ],
  'an object of sparse numeric keys': [manyKeys((index) => uint32(index * 7_919)), 'refused'],
  'a Map of many keys': [manyKeys((index) => uint32(index), 0xd9, 1, 3), 'refused'],
  'short texts': [many(0x77, ...text('abcdefghijklmnopqrstuvw')), undefined],
  'texts that are not ASCII': [many(0x78, 64, ...text('ä'.repeat(32))), undefined],
  'texts that are not UTF-8': [many(0x78, 60, ...repeated(0xff, 60)), undefined],
  'one large text that is not UTF-8': [Uint8Array.from([0x7a, 0, 0x0f, 0, 0, ...repeated(0xff, 0x0f0000)]), undefined],
  doubles: [many(0xfb, 1, 2, 3, 4, 5, 6, 7, 8), undefined],
  'large integers': [many(0x1b, 255, 255, 255, 255, 255, 255, 255, 255), undefined],
};
