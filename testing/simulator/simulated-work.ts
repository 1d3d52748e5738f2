/**
 * What a simulated cluster does: a job, what it reads, and the lines it has to commit.
 *
 * SW1  `expected` shares no code with the job.
 */
import type { NetworkBuffers } from '../../dataflow/channels/network-contracts.js';
import type { JobDefinition } from '../../index.js';
import type { MemoryFileSystem } from '../memory-file-system.js';

export interface SimulatedWork {
  readonly parameters?: Readonly<Record<string, string>>;
  /** What a slot has for frames that arrive; default: as in a real cluster. */
  readonly buffers?: NetworkBuffers;
  /** Records that sources emit in all; undefined: not looked at. */
  readonly records?: number;
  /** A new definition each time, so that no state of one slot's functions is another's. */
  makeJob(): JobDefinition;
  /** Writes what the job reads. */
  prepare?(disk: MemoryFileSystem): Promise<void>;
  /** The lines every run must commit. */
  expected(): readonly string[];
  /** The lines that are on the disk at the end. */
  committed(disk: MemoryFileSystem): Promise<readonly string[]>;
}

/** The lines of all committed files in a directory and those below it, each with the path of its file. */
export async function committedLines(
  disk: MemoryFileSystem,
  directory: string,
): Promise<{ readonly path: string; readonly line: string }[]> {
  const lines: { path: string; line: string }[] = [];
  for (const name of await disk.list(directory)) {
    if (name.startsWith('.')) continue;
    const path = `${directory}/${name}`;
    if ((await disk.stat(path))?.kind === 'directory') {
      lines.push(...(await committedLines(disk, path)));
      continue;
    }
    const text = new TextDecoder().decode(await disk.readFile(path));
    for (const line of text.split('\n')) if (line !== '') lines.push({ path, line });
  }
  return lines;
}
