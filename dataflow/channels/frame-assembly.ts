/**
 * Puts a frame together again whose fragments arrive one by one.
 *
 * FA1  Nothing comes between the fragments of a frame, and they come in order: what does not fit is `FRAME_CORRUPT`.
 * FA2  It holds at most twice the bytes that really came, and never more than `frameBytesMax`, whatever a fragment claims.
 * FA3  What was put together is a frame of records of this channel, numbered like its first fragment.
 */
import { MillraceError } from '../../core/errors.js';
import type { ChannelId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { EncodedBatch, FrameFragment } from './elements.js';
import { frameKinds } from './frame-codec.js';
import { readFrameHeader } from './frame-header.js';

/** The frame of one channel that is under way; see the head of this file. */
export class FrameAssembly {
  readonly #channelId: ChannelId;
  #bytes = new Uint8Array(0);
  #frameBytes = 0;
  #received = 0;
  #firstSeq = 0;

  constructor(channelId: ChannelId) {
    this.#channelId = channelId;
  }

  /** Whether some fragments of a frame came, and not all. */
  get isUnderWay(): boolean {
    return this.#received > 0;
  }

  /** The frame, once its last fragment came. Throws `FRAME_CORRUPT`; the next fragment then begins a frame. */
  add(seq: number, { frameBytes, offset, bytes }: FrameFragment): EncodedBatch | undefined {
    const isFirst = this.#received === 0;
    if (isFirst) {
      this.#frameBytes = frameBytes;
      this.#firstSeq = seq;
    }
    if (frameBytes > limits.frameBytesMax) throw this.#fault(`one of ${frameBytes} bytes, above ${limits.frameBytesMax}`);
    if (frameBytes !== this.#frameBytes || offset !== this.#received || offset + bytes.length > frameBytes) {
      throw this.#fault(`bytes from ${offset} of ${frameBytes}, after ${this.#received} of ${this.#frameBytes}`);
    }
    this.#append(bytes);
    return this.#received === frameBytes ? this.#finish() : undefined;
  }

  /** Forgets what came of a frame. */
  reset(): void {
    this.#bytes = new Uint8Array(0);
    this.#received = 0;
  }

  /** What it is when something else comes before the last fragment. */
  interrupted(): MillraceError {
    return this.#fault(`something came between them, after ${this.#received} bytes of ${this.#frameBytes}`);
  }

  #append(bytes: Uint8Array): void {
    const end = this.#received + bytes.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(this.#frameBytes, Math.max(end, 2 * this.#bytes.length)));
      larger.set(this.#bytes.subarray(0, this.#received));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#received);
    this.#received = end;
  }

  #finish(): EncodedBatch {
    const payload = this.#bytes;
    const header = readFrameHeader(payload);
    if (header?.kind !== frameKinds.data || header.channelId !== this.#channelId || header.seq !== this.#firstSeq) {
      throw this.#fault('what they hold is no frame of records of this channel');
    }
    this.reset();
    return { kind: 'encoded', payload, bodyOffset: header.bodyOffset };
  }

  #fault(what: string): MillraceError {
    this.reset();
    return new MillraceError('FRAME_CORRUPT', `Fragments of a frame of channel ${this.#channelId} do not fit: ${what} (FA1).`, {
      domain: 'internal',
      recovery: 'restart-job',
    });
  }
}
