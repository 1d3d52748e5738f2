/**
 * Reads CBOR items that anybody may have sent.
 *
 * IR1  Reads nothing past the end, nests no deeper than `limits.cborDepthMax`, and makes nothing larger than the bytes
 *      it is made of allow: every element of an array or map needs a byte of its own.
 * IR2  No field reaches a prototype: `__proto__` becomes a field of that name.
 * IR3  What is read shares no memory with the bytes.
 * IR4  Every fault is a {@link CorruptItem}; nothing else is thrown.
 */
import { limits } from '../../core/limits.js';
import { recordClassNamed } from '../records/record-classes.js';
import { farDateName, itemTags, rawTextName, typedArrayTags, type TypedArrayType } from './item-writer.js';

/** What is wrong with bytes; becomes FRAME_CORRUPT. Thrown inside this folder only. */
export class CorruptItem extends Error {}

const typeOfTag = new Map<number, TypedArrayType>(typedArrayTags);
const shortTextMax = 24;
const secondsMax = 8.64e12;

/** A cursor over the bytes of a frame. */
export class ItemReader {
  readonly bytes: Buffer;
  readonly view: DataView;
  position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.position = position;
  }

  /** The next byte without moving on. */
  peek(): number {
    const byte = this.bytes[this.position];
    if (byte === undefined) throw new CorruptItem('it ends too early');
    return byte;
  }

  /** The argument of a head of this major type. */
  head(major: number): number {
    const initial = this.peek();
    if (initial >> 5 !== major) throw new CorruptItem(`major type ${initial >> 5} instead of ${major} at ${this.position}`);
    return this.#argument(initial & 0x1f);
  }

  /** A string head of this major type; the position after its content is checked. */
  stringHead(major: number): number {
    const length = this.head(major);
    if (length > this.bytes.length - this.position) throw new CorruptItem('a string reaches past the end');
    return length;
  }

  /** The head of an array or map whose elements take at least a byte each. */
  containerHead(major: number): number {
    const count = this.head(major);
    if (count * (major === 5 ? 2 : 1) > this.bytes.length - this.position) throw new CorruptItem('an array reaches past the end');
    return count;
  }

  text(): string {
    const length = this.stringHead(3);
    const start = this.position;
    this.position = start + length;
    if (length < shortTextMax) {
      const short = this.#shortText(start, length);
      if (short !== undefined) return short;
    }
    return this.bytes.toString('utf8', start, start + length);
  }

  number(): number {
    const initial = this.peek();
    switch (initial >> 5) {
      case 0:
        return this.#argument(initial & 0x1f);
      case 1:
        return -1 - this.#argument(initial & 0x1f);
      default:
        return this.#float(initial);
    }
  }

  item(depth = 0): unknown {
    const initial = this.peek();
    switch (initial >> 5) {
      case 0:
      case 1:
        return this.number();
      case 2:
        return this.#copiedBytes();
      case 3:
        return this.text();
      case 4:
        return this.#array(depth);
      case 5:
        return this.#object(depth);
      case 6:
        return this.#tagged(depth);
      default:
        return this.#simple(initial);
    }
  }

  /** Skips to where the next item begins, checking nothing but lengths. */
  skipBytes(count: number): number {
    const start = this.position;
    if (count > this.bytes.length - start) throw new CorruptItem('it ends too early');
    this.position = start + count;
    return start;
  }

  #argument(info: number): number {
    const at = this.position + 1;
    if (info < 24) {
      this.position = at;
      return info;
    }
    if (info > 27) throw new CorruptItem(`a length of unknown form at ${at - 1}`);
    const end = at + (1 << (info - 24));
    if (end > this.bytes.length) throw new CorruptItem('it ends too early');
    this.position = end;
    switch (info) {
      case 24:
        return this.view.getUint8(at);
      case 25:
        return this.view.getUint16(at);
      case 26:
        return this.view.getUint32(at);
      default: {
        const value = this.view.getUint32(at) * 0x1_0000_0000 + this.view.getUint32(at + 4);
        if (!Number.isSafeInteger(value)) throw new CorruptItem('a number that is too large');
        return value;
      }
    }
  }

  #float(initial: number): number {
    if (initial !== 0xfb) throw new CorruptItem(`no number at ${this.position}`);
    return this.view.getFloat64(this.skipBytes(9) + 1);
  }

  #shortText(start: number, length: number): string | undefined {
    const { bytes } = this;
    for (let index = start; index < start + length; index += 1) if ((bytes[index] as number) > 0x7f) return undefined;
    return bytes.toString('latin1', start, start + length);
  }

  #copiedBytes(): Uint8Array {
    const length = this.stringHead(2);
    const start = this.skipBytes(length);
    return new Uint8Array(this.bytes.subarray(start, start + length));
  }

  #array(depth: number): unknown[] {
    checkDepth(depth);
    const count = this.containerHead(4);
    const items: unknown[] = [];
    for (let index = 0; index < count; index += 1) items.push(this.item(depth + 1));
    return items;
  }

  #object(depth: number): Record<string, unknown> {
    checkDepth(depth);
    const count = this.containerHead(5);
    const object: Record<string, unknown> = {};
    for (let index = 0; index < count; index += 1) {
      const name = this.#fieldName(depth);
      const value = this.item(depth + 1);
      if (name === '__proto__') Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
      else object[name] = value;
    }
    return object;
  }

  /** A text, or one that UTF-8 cannot hold. */
  #fieldName(depth: number): string {
    if (this.peek() >> 5 === 3) return this.text();
    const name = this.item(depth + 1);
    if (typeof name !== 'string') throw new CorruptItem('a field whose name is no text');
    return name;
  }

  #tagged(depth: number): unknown {
    const tag = this.head(6);
    switch (tag) {
      case itemTags.epochSeconds: {
        const seconds = this.number();
        if (Math.abs(seconds) > secondsMax) throw new CorruptItem('a date out of range');
        return new Date(Math.round(seconds * 1_000));
      }
      case itemTags.bignum:
        return this.#bignum();
      case itemTags.negativeBignum:
        return -1n - this.#bignum();
      case itemTags.set:
        return this.#set(depth);
      case itemTags.map:
        return this.#map(depth);
      case itemTags.object:
        return this.#instance(depth);
      default:
        return this.#typedArray(tag);
    }
  }

  #bignum(): bigint {
    const length = this.stringHead(2);
    if (length > limits.cborBignumBytesMax) throw new CorruptItem(`a bignum of ${length} bytes`);
    const start = this.skipBytes(length);
    return length === 0 ? 0n : BigInt(`0x${this.bytes.toString('hex', start, start + length)}`);
  }

  #set(depth: number): Set<unknown> {
    checkDepth(depth);
    const set = new Set<unknown>();
    for (let left = this.containerHead(4); left > 0; left -= 1) set.add(this.item(depth + 1));
    return set;
  }

  #map(depth: number): Map<unknown, unknown> {
    checkDepth(depth);
    const map = new Map<unknown, unknown>();
    for (let left = this.containerHead(5); left > 0; left -= 1) {
      const key = this.item(depth + 1);
      map.set(key, this.item(depth + 1));
    }
    return map;
  }

  #typedArray(tag: number): NodeJS.TypedArray {
    const type = typeOfTag.get(tag);
    if (type === undefined) throw new CorruptItem(`tag ${tag}`);
    const bytes = this.#copiedBytes();
    if (bytes.length % type.BYTES_PER_ELEMENT !== 0) throw new CorruptItem('a typed array of a broken length');
    return new type(bytes.buffer as ArrayBuffer);
  }

  #instance(depth: number): unknown {
    checkDepth(depth);
    if (this.containerHead(4) !== 2) throw new CorruptItem('an object that is not a name and its content');
    const name = this.text();
    const content = this.item(depth + 1);
    if (name === rawTextName) {
      if (!(content instanceof Uint16Array)) throw new CorruptItem('a text without units');
      return Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('utf16le');
    }
    if (name === farDateName) {
      if (typeof content !== 'number') throw new CorruptItem('a date without milliseconds');
      return new Date(content);
    }
    if (name === 'Error') return errorFrom(content);
    const registered = recordClassNamed(name);
    if (registered === undefined)
      throw new CorruptItem(`an instance of ${JSON.stringify(name.slice(0, 100))}, which is not registered here`);
    try {
      return registered.fromPlain(content);
    } catch (error) {
      throw new CorruptItem(`${registered.name} could not be made: ${String(error)}`);
    }
  }

  #simple(initial: number): unknown {
    switch (initial) {
      case 0xf4:
        this.position += 1;
        return false;
      case 0xf5:
        this.position += 1;
        return true;
      case 0xf6:
        this.position += 1;
        return null;
      case 0xf7:
        this.position += 1;
        return undefined;
      default:
        return this.#float(initial);
    }
  }
}

const errorClasses: readonly ErrorConstructor[] = [Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError] as never;

function errorFrom(content: unknown): Error {
  const { name, message, cause } = (typeof content === 'object' && content !== null ? content : {}) as Record<string, unknown>;
  if (typeof name !== 'string' || typeof message !== 'string') throw new CorruptItem('an error without name and message');
  const type = errorClasses.find((candidate) => candidate.prototype.name === name) ?? Error;
  const error = cause === undefined ? new type(message) : new type(message, { cause });
  if (error.name !== name) error.name = name;
  return error;
}

function checkDepth(depth: number): void {
  if (depth >= limits.cborDepthMax) throw new CorruptItem(`nested more than ${limits.cborDepthMax} deep`);
}
