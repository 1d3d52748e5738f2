/** The shared disk as one simulated process sees it: operations take time, and a dead process performs none. */
import type { FileHandle, FileSystem } from '../../core/ports.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimulatedProcess } from './simulation.js';

/** Longest time of one operation. */
const delayMs = 0.5;

export function processDisk(disk: FileSystem, process: SimulatedProcess, random: SeededRandom): FileSystem {
  const perform = <T>(label: string, operation: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => process.later(random.next() * delayMs, `disk.${label}`, () => void operation().then(resolve, reject)));
  const handleOf = (handle: FileHandle): FileHandle => ({
    read: (buffer, position) => perform('read', () => handle.read(buffer, position)),
    append: (bytes) => perform('append', () => handle.append(bytes)),
    sync: () => perform('sync', () => handle.sync()),
    close: () => perform('close', () => handle.close()),
  });
  return {
    openRead: async (path) => handleOf(await perform('openRead', () => disk.openRead(path))),
    openWrite: async (path, options) => handleOf(await perform('openWrite', () => disk.openWrite(path, options))),
    readFile: (path) => perform('readFile', () => disk.readFile(path)),
    stat: (path) => perform('stat', () => disk.stat(path)),
    list: (directory) => perform('list', () => disk.list(directory)),
    makeDirectory: (path) => perform('makeDirectory', () => disk.makeDirectory(path)),
    rename: (from, to) => perform('rename', () => disk.rename(from, to)),
    syncDirectory: (path) => perform('syncDirectory', () => disk.syncDirectory(path)),
    remove: (path) => perform('remove', () => disk.remove(path)),
  };
}
