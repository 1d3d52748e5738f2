/**
 * Bytes being written: a buffer that grows, and CBOR heads.
 *
 * BS1  `position` is the end of what was written; setting it back forgets what came after.
 */

const sizeMin = 1_024;

export class ByteSink {
  /** A Buffer for its copying of texts; replaced when it grows. */
  bytes: Buffer;
  view: DataView;
  position = 0;

  constructor(size: number = sizeMin) {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `count` more bytes; call before `bytes` and `view` are written to directly. */
  reserve(count: number): void {
    if (this.position + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.position + count, 2 * this.bytes.length));
    larger.set(this.bytes.subarray(0, this.position));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.position++] = value;
  }

  append(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.position);
    this.position += source.length;
  }

  /** The head of a CBOR item; `argument` is a whole number up to 2⁵³ - 1. */
  head(major: number, argument: number): void {
    this.reserve(9);
    const initial = major << 5;
    const { bytes, view } = this;
    const at = this.position;
    if (argument < 24) {
      bytes[at] = initial | argument;
      this.position = at + 1;
    } else if (argument < 0x100) {
      bytes[at] = initial | 24;
      bytes[at + 1] = argument;
      this.position = at + 2;
    } else if (argument < 0x1_0000) {
      bytes[at] = initial | 25;
      view.setUint16(at + 1, argument);
      this.position = at + 3;
    } else if (argument < 0x1_0000_0000) {
      bytes[at] = initial | 26;
      view.setUint32(at + 1, argument);
      this.position = at + 5;
    } else {
      bytes[at] = initial | 27;
      view.setUint32(at + 1, Math.floor(argument / 0x1_0000_0000));
      view.setUint32(at + 5, argument >>> 0);
      this.position = at + 9;
    }
  }

  /** A number as CBOR: whole ones as integers, all others (and -0) as doubles. */
  number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      if (value >= 0) this.head(0, value);
      else this.head(1, -1 - value);
      return;
    }
    this.reserve(9);
    this.bytes[this.position] = 0xfb;
    this.view.setFloat64(this.position + 1, value);
    this.position += 9;
  }
}
