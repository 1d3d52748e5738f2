/** What the threads of a process said about their memory (`sample-memory.ts`), by process. */
const prefix = '@memory ';

export interface MemorySample {
  readonly pid: number;
  readonly thread: number;
  readonly at: number;
  /** Heap and external memory of the thread after a garbage collection. */
  readonly bytes: number;
  /** Of the process; from its main thread only. */
  readonly residentBytes?: number;
}

export function memoryLine(sample: MemorySample): string {
  return `${prefix}${JSON.stringify(sample)}\n`;
}

export function memorySampleIn(line: string): MemorySample | undefined {
  return line.startsWith(prefix) ? (JSON.parse(line.slice(prefix.length)) as MemorySample) : undefined;
}

const mib = 1_024 * 1_024;

/** Means of the first and of the last third of a time, in MiB. */
export interface Thirds {
  readonly first: number;
  readonly last: number;
}

/** The memory of a process through a time: the threads that were there all along, together. */
export function thirdsOf(samples: readonly MemorySample[], from: number, to: number, what: 'bytes' | 'residentBytes'): Thirds {
  const third = (to - from) / 3;
  const within = (start: number, end: number): number => {
    const threads = new Map<number, number[]>();
    for (const { thread, at, [what]: bytes } of samples)
      if (bytes !== undefined && at >= start && at < end) threads.set(thread, [...(threads.get(thread) ?? []), bytes]);
    return [...threads.values()].reduce((sum, values) => sum + values.reduce((left, right) => left + right, 0) / values.length, 0) / mib;
  };
  return { first: within(from, from + third), last: within(to - third, to) };
}
