/**
 * Values as CBOR bytes and back: one codec for envelopes, frames and stored state.
 *
 * C1  Every encoded value is self-contained, well-formed CBOR: no structures or strings shared between messages.
 * C2  What `encode` returns, `decode` accepts under the same limits; what it would not accept is refused while encoding.
 * C3  `decode` scans before it decodes (see scan.ts): hostile bytes give a MillraceError, quickly, and nothing else.
 * C4  Decoded values share no memory with the bytes they came from, and no key reaches a prototype: `__proto__` as a
 *     key arrives as `__proto_`.
 * C5  Survive a round trip: null, undefined, booleans, numbers (-0 becomes 0), bigints up to 1 KiB, well-formed strings,
 *     arrays, plain objects, Map, Set, Date, typed arrays, and name and message of errors. Instances of other classes
 *     arrive as plain objects; functions and symbols are refused.
 */
import { Decoder, Encoder } from 'cbor-x';
import { MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { scanCbor, type ScanLimits } from './scan.js';

/** For bytes we wrote ourselves and keep: state, checkpoint metadata, job records. Bounded only in shape. */
export const storedLimits: ScanLimits = {
  depthMax: limits.cborDepthMax,
  bignumBytesMax: limits.cborBignumBytesMax,
  workMax: Number.POSITIVE_INFINITY,
};

/** For bytes from the bus, which anybody may have sent: a few milliseconds of work at most. */
export const wireLimits: ScanLimits = { ...storedLimits, workMax: limits.cborWorkMax };

const common = { useRecords: false, mapsAsObjects: true, variableMapSize: true, tagUint8Array: false } as const;
const encoder = new Encoder(common);
const decoder = new Decoder({ ...common, copyBuffers: true });

/** `Encoder.encode`'s flag that makes it start over in its buffer; typed only in its source. */
const resetBufferMode = 1024;
const encodeInto: (this: Encoder, value: unknown, mode: number) => Uint8Array = encoder.encode;

/** The value as bytes in an ArrayBuffer of its own (it may be transferred). Throws `NOT_ENCODABLE`. */
export function encode(value: unknown, bounds: ScanLimits = storedLimits): Uint8Array<ArrayBuffer> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(encodeInto.call(encoder, value, resetBufferMode));
  } catch (error) {
    throw notEncodable(error instanceof RangeError ? 'it is nested too deeply or refers to itself' : reason(error));
  }
  const fault = scanCbor(bytes, bounds);
  if (fault !== undefined) throw notEncodable(fault);
  return bytes;
}

/** The value in the bytes. Throws `CBOR_REFUSED`. */
export function decode(bytes: Uint8Array, bounds: ScanLimits = storedLimits): unknown {
  const fault = scanCbor(bytes, bounds);
  if (fault !== undefined) throw refused(fault);
  try {
    // A view of our own: the decoder keeps a property on its source, and makes Buffers from Buffers.
    return decoder.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (error) {
    throw refused(reason(error));
  }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function notEncodable(why: string): MillraceError {
  return new MillraceError('NOT_ENCODABLE', `A value cannot be encoded as CBOR: ${why}.`, {
    domain: 'user',
    recovery: 'fail-job',
    hint: `Records and state are plain data: no functions or symbols, no cycles, nested at most ${limits.cborDepthMax} deep.`,
  });
}

function refused(why: string): MillraceError {
  return new MillraceError('CBOR_REFUSED', `Bytes were refused: ${why}.`, { domain: 'external' });
}
