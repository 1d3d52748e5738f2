import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NodeFileSystem } from '../../cluster/adapters/node-file-system.js';
import type { FileSystem } from '../../core/ports.js';
import { rejectsWith } from '../../testing/contracts/contract.js';
import { fileSystemContract } from '../../testing/contracts/file-system.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { runContract } from '../support/run-contract.js';
import { temporaryDirectory } from '../support/temp-directory.js';

const directory = temporaryDirectory('file-system');

runContract('file system of this machine', fileSystemContract, async () => ({
  fixture: { files: new NodeFileSystem(), root: mkdtempSync(`${directory}/case-`) },
}));

runContract('file system in memory', fileSystemContract, async () => {
  const files = new MemoryFileSystem();
  await files.makeDirectory('/root/of/case');
  return { fixture: { files, root: '/root/of/case' } };
});

const real = suite('errors of the real disk');

real('a path that may not be written is FILE_ACCESS with its path (NF1)', async () => {
  const folder = mkdtempSync(`${directory}/locked-`);
  chmodSync(folder, 0o500);
  const isRoot = process.getuid?.() === 0;
  // Root may write anywhere: be somebody else meanwhile.
  if (isRoot) process.seteuid?.(65_534);
  try {
    await rejectsWith('FILE_ACCESS', new NodeFileSystem().openWrite(`${folder}/file`, { exclusive: true }));
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});

real('a full disk is DISK_FULL with its path (NF1)', async () => {
  if (spawnSync('test', ['-c', '/dev/full']).status !== 0) return;
  const handle = await new NodeFileSystem().openWrite('/dev/full', { exclusive: false });
  await rejectsWith('DISK_FULL', handle.append(new Uint8Array(10)));
  await handle.close();
});

real.run();

const memory = suite('loss of power on the disk in memory');

async function write(files: FileSystem, path: string, text: string, isSynced: boolean): Promise<void> {
  const handle = await files.openWrite(path, { exclusive: false });
  await handle.append(new TextEncoder().encode(text));
  if (isSynced) await handle.sync();
  await handle.close();
}
const read = async (files: FileSystem, path: string) => new TextDecoder().decode(await files.readFile(path));

memory('bytes that were not synced and names whose directory was not synced are lost (MF1)', async () => {
  const files = new MemoryFileSystem();
  await files.makeDirectory('/d');
  await files.syncDirectory('/');
  await write(files, '/d/kept', 'synced', true);
  await write(files, '/d/empty', 'not synced', false);
  await files.syncDirectory('/d');
  await write(files, '/d/nameless', 'synced, but its name is not', true);
  files.crash();
  assert.equal(await files.list('/d'), ['empty', 'kept']);
  assert.is(await read(files, '/d/kept'), 'synced');
  assert.is(await read(files, '/d/empty'), '');
});

memory('a rename, a removal and a truncation are undone when they were not synced (MF1)', async () => {
  const files = new MemoryFileSystem();
  await write(files, '/a', 'first', true);
  await write(files, '/b', 'second', true);
  await files.syncDirectory('/');
  await files.rename('/a', '/b');
  files.crash();
  assert.is(await read(files, '/b'), 'second');
  assert.is(await read(files, '/a'), 'first');
  await files.remove('/a');
  await write(files, '/b', 'x', false);
  files.crash();
  assert.is(await read(files, '/a'), 'first');
  assert.is(await read(files, '/b'), 'second');
  await files.rename('/a', '/b');
  await files.syncDirectory('/');
  files.crash();
  assert.is(await read(files, '/b'), 'first');
  assert.equal(await files.list('/'), ['b']);
});

memory('with randomness any prefix of what was not synced may survive (MF1)', async () => {
  const survivors = new Set<string>();
  for (let seed = 0; seed < 20; seed += 1) {
    const files = new MemoryFileSystem();
    await write(files, '/log', 'ab', true);
    await files.syncDirectory('/');
    const handle = await files.openWrite('/other', { exclusive: true });
    await handle.append(new TextEncoder().encode('xyz'));
    let calls = 0;
    files.crash({ next: () => (calls++ === 0 ? (seed % 2) * 0.6 : seed / 20) });
    survivors.add((await files.stat('/other')) === undefined ? 'no name' : await read(files, '/other'));
    assert.is(await read(files, '/log'), 'ab');
    await rejectsWith('FILE_IO', handle.append(new Uint8Array(1)));
  }
  assert.equal([...survivors].sort(), ['', 'no name', 'x', 'xy', 'xyz'].sort());
});

memory('a process from before a loss of power can do nothing any more (MF3)', async () => {
  const files = new MemoryFileSystem();
  const before = files.mount();
  await write(before, '/a', 'x', true);
  files.crash();
  await rejectsWith('FILE_IO', before.remove('/a'));
  await rejectsWith('FILE_IO', before.list('/'));
  assert.equal(await files.mount().list('/'), []);
});

memory('a full disk takes what fits, then fails, and has room again after a removal (MF2)', async () => {
  const files = new MemoryFileSystem({ capacityBytes: 10 });
  await write(files, '/a', '1234567', true);
  await rejectsWith('DISK_FULL', write(files, '/b', '12345', true));
  assert.is(await read(files, '/b'), '123');
  await files.remove('/a');
  await write(files, '/b', '1234567890', true);
  assert.is(await read(files, '/b'), '1234567890');
});

memory.run();
