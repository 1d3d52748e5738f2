/** The codec of frames with a column per field. */
import { decodeControl, decodeEvent, encodeControl, encodeEvent } from '../channels/frame-events.js';
import type { FrameCodec } from '../channels/frame-codec.js';
import { readFrameHeader } from '../channels/frame-header.js';
import { ColumnarWriter, type ColumnarWriterOptions } from './columnar-writer.js';
import { readFrame } from './frame-layout.js';
import { ShapeDecoders } from './shape-decoders.js';

export type ColumnarCodecOptions = Pick<ColumnarWriterOptions, 'isCodeGenerationOff' | 'samplesMin'>;

/** A codec with decoders of its own: what one network met says nothing to another. */
export function createColumnarCodec(options: ColumnarCodecOptions = {}): FrameCodec {
  const decoders = new ShapeDecoders(options);
  return {
    createWriter: (writer) => new ColumnarWriter({ ...writer, ...options }),
    encodeEvent,
    encodeControl,
    readHeader: readFrameHeader,
    decodeEvent,
    decodeControl,
    decodeBatch: (payload, bodyOffset) => readFrame(payload, bodyOffset, decoders),
  };
}
