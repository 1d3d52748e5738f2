/** What is read of a file besides its records. */
import { limits } from '../../core/limits.js';
import type { FileHandle } from '../../core/ports.js';
import { countLineFeeds } from '../formats/line-feeds.js';

/** Bytes of a UTF-8 byte order mark at the beginning: 3 or 0. */
export async function readMark(handle: FileHandle): Promise<0 | 3> {
  const head = Buffer.alloc(3);
  const count = await handle.read(head, 0);
  return count === 3 && head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
}

/** Line feeds before `offset`: one pass over the file, only when an error has to name its line. */
export async function countLinesBefore(handle: FileHandle, offset: number): Promise<number> {
  const block = Buffer.allocUnsafe(limits.sourceBlockBytes);
  let lines = 0;
  for (let position = 0; position < offset;) {
    const count = await handle.read(block.subarray(0, Math.min(block.length, offset - position)), position);
    if (count === 0) break;
    lines += countLineFeeds(block.subarray(0, count));
    position += count;
  }
  return lines;
}
