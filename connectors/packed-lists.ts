/**
 * Lists of byte strings in one block of bytes: the content of a transaction, as it travels in a checkpoint.
 *
 * PL1  What was added comes back in order and bit for bit; text as UTF-8.
 */
import { MillraceError } from '../core/errors.js';

const lengthBytes = 4;
const initialBytes = 4_096;

/** Collects lists; see the head of this file. */
export class PackedLists {
  #buffer = Buffer.allocUnsafeSlow(initialBytes);
  #used = 0;
  #count = 0;

  /** Lists added so far. */
  get count(): number {
    return this.#count;
  }

  /** Bytes they take. */
  get bytes(): number {
    return this.#used;
  }

  add(parts: readonly (string | Uint8Array)[]): void {
    let bytes = lengthBytes;
    for (const part of parts) bytes += lengthBytes + (typeof part === 'string' ? Buffer.byteLength(part) : part.length);
    this.#reserve(bytes);
    this.#used = this.#buffer.writeUInt32LE(parts.length, this.#used);
    for (const part of parts) this.#add(part);
    this.#count += 1;
  }

  /** All of it; nothing is added after this. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#used);
  }

  #add(part: string | Uint8Array): void {
    const start = this.#used + lengthBytes;
    const length = typeof part === 'string' ? this.#buffer.write(part, start) : part.length;
    if (typeof part !== 'string') this.#buffer.set(part, start);
    this.#buffer.writeUInt32LE(length, this.#used);
    this.#used = start + length;
  }

  #reserve(bytes: number): void {
    const needed = this.#used + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
    larger.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = larger;
  }
}

/** The lists in a block, one by one; the parts share its memory. Throws `SINK_STATE_DAMAGED` on bytes that are no such block. */
export function* unpackLists(block: Uint8Array): Generator<readonly Uint8Array[]> {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  for (let position = 0; position < block.length;) {
    const parts: Uint8Array[] = [];
    const count = lengthAt(view, position);
    position += lengthBytes;
    for (let index = 0; index < count; index += 1) {
      const length = lengthAt(view, position);
      const start = position + lengthBytes;
      if (start + length > block.length) throw damaged();
      parts.push(block.subarray(start, start + length));
      position = start + length;
    }
    yield parts;
  }
}

function lengthAt(view: DataView, position: number): number {
  if (position + lengthBytes > view.byteLength) throw damaged();
  return view.getUint32(position, true);
}

function damaged(): MillraceError {
  return new MillraceError('SINK_STATE_DAMAGED', 'The content of a transaction in the checkpoint cannot be read', {
    domain: 'internal',
    recovery: 'fail-job',
  });
}
