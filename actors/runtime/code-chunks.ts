/** In which pieces job code crosses the bus. */
import { limits } from '../../core/limits.js';

/** Bytes of a chunk, but for the last: half a message where messages are small, because names and hashes travel with it. */
export const chunkBytesOf = (payloadBytesMax: number): number => Math.min(limits.blobChunkBytes, payloadBytesMax >> 1);

/** More are refused: as many as the largest code has where messages are as small as they may be. */
export const chunksMax: number = limits.blobBytesMax / chunkBytesOf(limits.payloadBytesMin);
