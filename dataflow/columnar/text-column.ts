/**
 * The texts of a column as one block, in one of three forms:
 *
 *   text string          UTF-8; all of it ASCII when it has as many bytes as units
 *   uint8 array          a unit a byte: Latin-1
 *   uint16 array         UTF-16, little end first: lone surrogates, and what is shorter so
 *
 * TC1  Units and their order are kept, whatever they are.
 * TC2  Texts are cut from the block by reference (V8 does, from 13 units on): what is kept longer than the records is to
 *      be detached, which the state backend does.
 */
import { isAscii } from 'node:buffer';
import type { ByteSink } from './byte-sink.js';
import { CorruptItem, type ItemReader } from './item-reader.js';
import { numberTags } from './number-column.js';
import { isWellFormed } from './shape.js';

/** On a string of single bytes V8 knows the answer without looking at it. */
const beyondLatin1 = /[\u0100-\uffff]/;

/** Appends the block as one CBOR item. */
export function writeTextBlock(sink: ByteSink, block: string): void {
  if (beyondLatin1.test(block)) writeWide(sink, block);
  else writeBytes(sink, block);
}

/** Bytes are bytes: whether they are ASCII is seen faster once they are written. */
function writeBytes(sink: ByteSink, block: string): void {
  const start = sink.position;
  sink.head(3, block.length);
  const from = writeAs(sink, block, 'latin1', block.length);
  if (isAscii(sink.bytes.subarray(from, sink.position))) return;
  sink.position = start;
  sink.head(6, numberTags.uint8);
  sink.head(2, block.length);
  writeAs(sink, block, 'latin1', block.length);
}

function writeWide(sink: ByteSink, block: string): void {
  const units = block.length;
  const utf8Bytes = Buffer.byteLength(block, 'utf8');
  if (utf8Bytes <= 2 * units && isWellFormed(block)) {
    sink.head(3, utf8Bytes);
    writeAs(sink, block, 'utf8', utf8Bytes);
  } else {
    sink.head(6, numberTags.uint16);
    sink.head(2, 2 * units);
    writeAs(sink, block, 'utf16le', 2 * units);
  }
}

/** Returns where the bytes begin. */
function writeAs(sink: ByteSink, block: string, encoding: 'latin1' | 'utf8' | 'utf16le', bytes: number): number {
  sink.reserve(bytes);
  const from = sink.position;
  sink.position += sink.bytes.write(block, from, encoding);
  return from;
}

/** Reads a block of `units` UTF-16 units. */
export function readTextBlock(reader: ItemReader, units: number): string {
  const block = readBlock(reader, units);
  if (block.length !== units) throw new CorruptItem(`a block of ${block.length} units where its texts have ${units}`);
  return block;
}

function readBlock(reader: ItemReader, units: number): string {
  if (reader.peek() >> 5 === 3) {
    const length = reader.stringHead(3);
    const start = reader.skipBytes(length);
    // As many bytes as units: nothing in it takes more than a byte.
    return reader.bytes.toString(length === units ? 'latin1' : 'utf8', start, start + length);
  }
  const tag = reader.head(6);
  const length = reader.stringHead(2);
  const start = reader.skipBytes(length);
  if (tag === numberTags.uint8) return reader.bytes.toString('latin1', start, start + length);
  if (tag !== numberTags.uint16 || length % 2 !== 0) throw new CorruptItem(`tag ${tag} on a block of texts`);
  return reader.bytes.toString('utf16le', start, start + length);
}
