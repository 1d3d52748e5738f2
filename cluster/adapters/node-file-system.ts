/**
 * The disk of this machine behind the FileSystem port.
 *
 * NF1  Every failure is a MillraceError with one of the port's codes and the path; the system's own error is its cause.
 * NF2  `append` and `read` are whole: a short write or read of the system is continued.
 */
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, rename, rm, stat, type FileHandle as NodeHandle } from 'node:fs/promises';
import { fileError, type FileErrorCode } from '../../core/file-errors.js';
import type { MillraceError } from '../../core/errors.js';
import type { FileHandle, FileStat, FileSystem } from '../../core/ports.js';

const codes: Readonly<Record<string, FileErrorCode>> = {
  ENOENT: 'FILE_NOT_FOUND',
  ENOTDIR: 'FILE_NOT_FOUND',
  EEXIST: 'FILE_EXISTS',
  ENOTEMPTY: 'FILE_EXISTS',
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EACCES: 'FILE_ACCESS',
  EPERM: 'FILE_ACCESS',
  EROFS: 'FILE_ACCESS',
};

/** Runs a system call and maps its failure (NF1). */
async function attempt<T>(path: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw systemFileError(path, error);
  }
}

/** What the system said about `path`, as one of the port's errors. */
export function systemFileError(path: string, error: unknown): MillraceError {
  return fileError(codes[systemCode(error)] ?? 'FILE_IO', path, error);
}

const systemCode = (error: unknown): string => String((error as { code?: unknown } | null)?.code);

export class NodeFileSystem implements FileSystem {
  async openRead(path: string): Promise<FileHandle> {
    return new NodeFileHandle(path, await attempt(path, open(path, constants.O_RDONLY)));
  }

  async openWrite(path: string, options: { readonly exclusive: boolean }): Promise<FileHandle> {
    const disposition = options.exclusive ? constants.O_EXCL : constants.O_TRUNC;
    return new NodeFileHandle(path, await attempt(path, open(path, constants.O_WRONLY | constants.O_CREAT | disposition, 0o644)));
  }

  async readFile(path: string): Promise<Uint8Array> {
    const bytes = await attempt(path, readFile(path));
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  async stat(path: string): Promise<FileStat | undefined> {
    const found = await orNothing(path, stat(path));
    if (found === undefined) return undefined;
    const kind = found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other';
    return { kind, sizeBytes: found.size, modifiedAtMs: found.mtimeMs };
  }

  async list(directory: string): Promise<readonly string[]> {
    return (await attempt(directory, readdir(directory))).sort();
  }

  async makeDirectory(path: string): Promise<void> {
    await attempt(path, mkdir(path, { recursive: true }));
  }

  async rename(from: string, to: string): Promise<void> {
    await attempt(from, rename(from, to));
  }

  async syncDirectory(path: string): Promise<void> {
    // Windows has no handle on a directory to flush.
    if (process.platform === 'win32') return;
    const handle = await attempt(path, open(path, constants.O_RDONLY));
    try {
      await attempt(path, handle.sync());
    } finally {
      await handle.close();
    }
  }

  async remove(path: string): Promise<boolean> {
    if ((await orNothing(path, lstat(path))) === undefined) return false;
    await attempt(path, rm(path, { recursive: true, force: true, maxRetries: 3 }));
    return true;
  }
}

async function orNothing<T>(path: string, call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    const code = codes[systemCode(error)] ?? 'FILE_IO';
    if (code === 'FILE_NOT_FOUND') return undefined;
    throw fileError(code, path, error);
  }
}

class NodeFileHandle implements FileHandle {
  private readonly path: string;
  private readonly handle: NodeHandle;
  private length = 0;

  constructor(path: string, handle: NodeHandle) {
    this.path = path;
    this.handle = handle;
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await attempt(this.path, this.handle.read(buffer, filled, buffer.length - filled, position + filled));
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  async append(bytes: Uint8Array): Promise<void> {
    let written = 0;
    while (written < bytes.length) {
      const { bytesWritten } = await attempt(this.path, this.handle.write(bytes, written, bytes.length - written, this.length));
      written += bytesWritten;
      this.length += bytesWritten;
    }
  }

  sync(): Promise<void> {
    return attempt(this.path, this.handle.sync());
  }

  close(): Promise<void> {
    return attempt(this.path, this.handle.close());
  }
}
