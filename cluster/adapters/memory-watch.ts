/**
 * A thread's own eye on its memory: what `resourceLimits` lets through (buffers, one large allocation after the other)
 * aborts the whole process, so a slot gives up before it comes to that.
 *
 * MW1  `onShort` is called once, when heap or buffers hold more than the share allowed even after a collection.
 */
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { resourceLimits } from 'node:worker_threads';

export interface MemoryWatchOptions {
  /** Between 0 and 1. */
  readonly share: number;
  readonly everyMs: number;
  /** What is being used, and of how much: `heap 3.3 GiB of 4 GiB`. */
  readonly onShort: (what: string) => void;
}

const mib = 1024 * 1024;

/** Watches until the returned function is called. */
export function watchMemory({ share, everyMs, onShort }: MemoryWatchOptions): () => void {
  const timer = setInterval(() => {
    if (shortage(share) === undefined) return;
    collectGarbage();
    const what = shortage(share);
    if (what === undefined) return;
    clearInterval(timer);
    onShort(what);
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** A thread's limit is that of its old generation; `heap_size_limit` counts the young one in and is never reached. */
function shortage(share: number): string | undefined {
  const { maxOldGenerationSizeMb } = resourceLimits;
  const limit = maxOldGenerationSizeMb === undefined ? getHeapStatistics().heap_size_limit : maxOldGenerationSizeMb * mib;
  const heap = getHeapSpaceStatistics().reduce(
    (sum, space) => (space.space_name.startsWith('new_') ? sum : sum + space.space_used_size),
    0,
  );
  if (heap > share * limit) return `${describe('heap', heap)} of ${Math.round(limit / mib)} MiB`;
  const { arrayBuffers } = process.memoryUsage();
  if (arrayBuffers > share * limit) return `${describe('buffers', arrayBuffers)} of ${Math.round(limit / mib)} MiB`;
  return undefined;
}

const describe = (what: string, bytes: number): string => `${what} ${Math.round(bytes / mib)} MiB`;

let collect: (() => void) | undefined;

/** Used size counts garbage: only what a collection leaves is really needed. */
function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
