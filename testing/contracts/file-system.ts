/** The contract of {@link FileSystem}. */
import assert from 'node:assert/strict';
import { MillraceError } from '../../core/errors.js';
import type { FileSystem } from '../../core/ports.js';
import { rejectsWith, type Contract } from './contract.js';

export interface FileSystemFixture {
  readonly files: FileSystem;
  /** An existing, empty directory. */
  readonly root: string;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function write(files: FileSystem, path: string, text: string): Promise<void> {
  const handle = await files.openWrite(path, { exclusive: false });
  await handle.append(bytesOf(text));
  await handle.close();
}

async function refused(code: string, path: string, promise: Promise<unknown>): Promise<void> {
  const error = await rejectsWith(code, promise);
  assert.ok(error instanceof MillraceError);
  assert.ok(error.message.includes(path), `${error.message} names ${path}`);
}

export const fileSystemContract: Contract<FileSystemFixture> = [
  {
    name: 'what is appended is read back, whole and from any position',
    async run({ files, root }) {
      const handle = await files.openWrite(`${root}/a`, { exclusive: true });
      await handle.append(bytesOf('hello '));
      await handle.append(bytesOf(''));
      await handle.append(bytesOf('world'));
      await handle.sync();
      await handle.close();
      assert.equal(textOf(await files.readFile(`${root}/a`)), 'hello world');
      const reader = await files.openRead(`${root}/a`);
      const buffer = new Uint8Array(5);
      assert.equal(await reader.read(buffer, 6), 5);
      assert.equal(textOf(buffer), 'world');
      assert.equal(await reader.read(buffer, 9), 2);
      assert.equal(await reader.read(buffer, 11), 0);
      assert.equal(await reader.read(buffer, 100), 0);
      await reader.close();
    },
  },
  {
    name: 'a reader sees what is appended after it opened the file',
    async run({ files, root }) {
      const writer = await files.openWrite(`${root}/log`, { exclusive: true });
      const reader = await files.openRead(`${root}/log`);
      await writer.append(bytesOf('line'));
      const buffer = new Uint8Array(10);
      assert.equal(await reader.read(buffer, 0), 4);
      await writer.close();
      await reader.close();
    },
  },
  {
    name: 'an exclusive open fails with FILE_EXISTS when the file is there, for all but one of several',
    async run({ files, root }) {
      const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => files.openWrite(`${root}/lock`, { exclusive: true })));
      const opened = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      assert.equal(opened.length, 1);
      for (const handle of opened) await handle.close();
      await refused('FILE_EXISTS', `${root}/lock`, files.openWrite(`${root}/lock`, { exclusive: true }));
    },
  },
  {
    name: 'a plain open for writing truncates',
    async run({ files, root }) {
      await write(files, `${root}/a`, 'a long first content');
      await write(files, `${root}/a`, 'short');
      assert.equal(textOf(await files.readFile(`${root}/a`)), 'short');
    },
  },
  {
    name: 'what is not there is FILE_NOT_FOUND with its path, and stat says undefined',
    async run({ files, root }) {
      const path = `${root}/missing`;
      await refused('FILE_NOT_FOUND', path, files.readFile(path));
      await refused('FILE_NOT_FOUND', path, files.openRead(path));
      await refused('FILE_NOT_FOUND', path, files.list(path));
      await refused('FILE_NOT_FOUND', path, files.syncDirectory(path));
      await refused('FILE_NOT_FOUND', path, files.rename(path, `${root}/b`));
      await rejectsWith('FILE_NOT_FOUND', files.openWrite(`${path}/inside`, { exclusive: false }));
      assert.equal(await files.stat(path), undefined);
      await write(files, `${root}/file`, 'x');
      assert.equal(await files.stat(`${root}/file/below`), undefined);
    },
  },
  {
    name: 'stat tells files from directories, and sizes',
    async run({ files, root }) {
      await write(files, `${root}/file`, '12345');
      await files.makeDirectory(`${root}/folder`);
      const file = await files.stat(`${root}/file`);
      assert.equal(file?.kind, 'file');
      assert.equal(file?.sizeBytes, 5);
      assert.equal((await files.stat(`${root}/folder`))?.kind, 'directory');
    },
  },
  {
    name: 'names are listed sorted by code unit, one level deep',
    async run({ files, root }) {
      for (const name of ['b', 'a', 'B', '10', '9', 'ä', '.hidden']) await write(files, `${root}/${name}`, name);
      await files.makeDirectory(`${root}/folder/deeper`);
      assert.deepEqual(await files.list(root), ['.hidden', '10', '9', 'B', 'a', 'b', 'folder', 'ä']);
      assert.deepEqual(await files.list(`${root}/folder/deeper`), []);
    },
  },
  {
    name: 'directories are made with their parents, again without error, but not over a file',
    async run({ files, root }) {
      await files.makeDirectory(`${root}/a/b/c`);
      await files.makeDirectory(`${root}/a/b/c`);
      await files.syncDirectory(`${root}/a/b`);
      await write(files, `${root}/a/b/c/file`, 'x');
      await rejectsWith('FILE_EXISTS', files.makeDirectory(`${root}/a/b/c/file`));
    },
  },
  {
    name: 'rename replaces what is there, and moves between directories',
    async run({ files, root }) {
      await files.makeDirectory(`${root}/other`);
      await write(files, `${root}/from`, 'new');
      await write(files, `${root}/other/to`, 'old');
      await files.rename(`${root}/from`, `${root}/other/to`);
      assert.equal(textOf(await files.readFile(`${root}/other/to`)), 'new');
      assert.equal(await files.stat(`${root}/from`), undefined);
    },
  },
  {
    name: 'remove takes a file, or a directory with all below it, and says whether anything was there',
    async run({ files, root }) {
      await files.makeDirectory(`${root}/a/b`);
      await write(files, `${root}/a/b/file`, 'x');
      await write(files, `${root}/single`, 'x');
      assert.equal(await files.remove(`${root}/single`), true);
      assert.equal(await files.remove(`${root}/single`), false);
      assert.equal(await files.remove(`${root}/a`), true);
      assert.equal(await files.stat(`${root}/a/b/file`), undefined);
      assert.deepEqual(await files.list(root), []);
    },
  },
  {
    name: 'a directory cannot be read or written as a file',
    async run({ files, root }) {
      await files.makeDirectory(`${root}/folder`);
      await rejectsWith('FILE_IO', files.readFile(`${root}/folder`));
      await rejectsWith('FILE_IO', files.openWrite(`${root}/folder`, { exclusive: false }));
    },
  },
  {
    name: 'a file of 3 MiB survives, appended in pieces',
    async run({ files, root }) {
      const piece = new Uint8Array(1024 * 1024).fill(5);
      const handle = await files.openWrite(`${root}/big`, { exclusive: true });
      for (let round = 0; round < 3; round += 1) await handle.append(piece);
      await handle.close();
      const bytes = await files.readFile(`${root}/big`);
      assert.equal(bytes.length, 3 * piece.length);
      assert.ok(bytes.every((byte) => byte === 5));
    },
  },
  {
    name: 'a closed handle cannot be used',
    async run({ files, root }) {
      const handle = await files.openWrite(`${root}/a`, { exclusive: true });
      await handle.close();
      await rejectsWith('FILE_IO', handle.append(bytesOf('late')));
    },
  },
];
