/**
 * A disk in memory that can lose power.
 *
 * MF1  What a file held at its last `sync`, and the names a directory held at its last `syncDirectory`, survive `crash`;
 *      of everything later nothing survives, or, with a source of randomness, any part of it: a prefix of a file's new
 *      bytes, any subset of new, removed and renamed names.
 * MF2  A full disk (`capacityBytes`) takes what fits and then fails with DISK_FULL, as a real one does.
 * MF3  Handles and mounts from before a crash fail after it: the processes that had them died with the machine.
 */
import { assert } from '../core/errors.js';
import { fileError } from '../core/file-errors.js';
import type { Clock, FileHandle, FileStat, FileSystem, Random } from '../core/ports.js';

export interface MemoryFileSystemOptions {
  /** Tells `modifiedAtMs`; 0 without it. */
  readonly clock?: Pick<Clock, 'now'>;
  readonly capacityBytes?: number;
  /** Called before each operation; what it throws is how the operation fails. */
  readonly before?: (operation: keyof FileSystem | keyof FileHandle, path: string) => void;
}

/** Bytes only ever grow at the end of `buffer`, so that an older length of it stays what it was. */
interface Content {
  readonly buffer: Uint8Array;
  readonly length: number;
}

interface FileNode {
  readonly kind: 'file';
  live: Content;
  durable: Content;
  modifiedAtMs: number;
}

interface DirectoryNode {
  readonly kind: 'directory';
  live: Map<string, FileNode | DirectoryNode>;
  durable: Map<string, FileNode | DirectoryNode>;
  modifiedAtMs: number;
}

const nothing: Content = { buffer: new Uint8Array(0), length: 0 };

export class MemoryFileSystem implements FileSystem {
  /** May be changed at any time: a disk that is given more room. */
  capacityBytes: number;
  private readonly options: MemoryFileSystemOptions;
  private readonly root: DirectoryNode = directoryNode(0);
  private life = 0;
  private usedBytes = 0;

  constructor(options: MemoryFileSystemOptions = {}) {
    this.options = options;
    this.capacityBytes = options.capacityBytes ?? Infinity;
  }

  /** The disk as the processes of now see it: fails after the next crash (MF3). */
  mount(): FileSystem {
    const { life } = this;
    const during = <Arguments extends [string, ...unknown[]], Result>(
      operation: (...args: Arguments) => Promise<Result>,
    ): ((...args: Arguments) => Promise<Result>) => {
      return async (...args) => {
        if (life !== this.life) throw fileError('FILE_IO', args[0], new Error('the machine lost power'));
        return operation.apply(this, args);
      };
    };
    return {
      openRead: during(this.openRead),
      openWrite: during(this.openWrite),
      readFile: during(this.readFile),
      stat: during(this.stat),
      list: during(this.list),
      makeDirectory: during(this.makeDirectory),
      rename: during(this.rename),
      syncDirectory: during(this.syncDirectory),
      remove: during(this.remove),
    };
  }

  /** Loses power and comes back (MF1). Give `random` to lose a part only. */
  crash(random?: Pick<Random, 'next'>): void {
    this.life += 1;
    crashDirectory(this.root, random);
    this.usedBytes = bytesBelow(this.root);
  }

  async openRead(path: string): Promise<FileHandle> {
    this.options.before?.('openRead', path);
    return this.handleOn(this.fileAt(path), path);
  }

  async openWrite(path: string, options: { readonly exclusive: boolean }): Promise<FileHandle> {
    this.options.before?.('openWrite', path);
    const { parent, name } = this.placeOf(path);
    const known = parent.live.get(name);
    if (known !== undefined && options.exclusive) throw fileError('FILE_EXISTS', path);
    if (known?.kind === 'directory') throw fileError('FILE_IO', path);
    const file: FileNode = known ?? { kind: 'file', live: nothing, durable: nothing, modifiedAtMs: this.now() };
    this.usedBytes -= file.live.length;
    file.live = nothing;
    parent.live.set(name, file);
    return this.handleOn(file, path);
  }

  async readFile(path: string): Promise<Uint8Array> {
    this.options.before?.('readFile', path);
    const { live } = this.fileAt(path);
    return live.buffer.slice(0, live.length);
  }

  async stat(path: string): Promise<FileStat | undefined> {
    this.options.before?.('stat', path);
    const node = this.find(path);
    if (node === undefined) return undefined;
    return { kind: node.kind, sizeBytes: node.kind === 'file' ? node.live.length : 0, modifiedAtMs: node.modifiedAtMs };
  }

  async list(directory: string): Promise<readonly string[]> {
    this.options.before?.('list', directory);
    return [...this.directoryAt(directory).live.keys()].sort();
  }

  async makeDirectory(path: string): Promise<void> {
    this.options.before?.('makeDirectory', path);
    let directory = this.root;
    for (const name of segmentsOf(path)) {
      let next = directory.live.get(name);
      if (next === undefined) {
        next = directoryNode(this.now());
        directory.live.set(name, next);
      }
      if (next.kind === 'file') throw fileError('FILE_EXISTS', path);
      directory = next;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    this.options.before?.('rename', from);
    const source = this.placeOf(from);
    const node = source.parent.live.get(source.name);
    if (node === undefined) throw fileError('FILE_NOT_FOUND', from);
    const target = this.placeOf(to);
    const replaced = target.parent.live.get(target.name);
    if (replaced !== undefined && replaced.kind !== node.kind) throw fileError('FILE_IO', to);
    if (replaced?.kind === 'directory' && replaced.live.size > 0) throw fileError('FILE_EXISTS', to);
    if (replaced?.kind === 'file' && replaced !== node) this.usedBytes -= replaced.live.length;
    source.parent.live.delete(source.name);
    target.parent.live.set(target.name, node);
  }

  async syncDirectory(path: string): Promise<void> {
    this.options.before?.('syncDirectory', path);
    const directory = this.directoryAt(path);
    directory.durable = new Map(directory.live);
  }

  async remove(path: string): Promise<boolean> {
    this.options.before?.('remove', path);
    const node = this.find(path);
    if (node === undefined) return false;
    const { parent, name } = this.placeOf(path);
    this.usedBytes -= bytesBelow(node);
    parent.live.delete(name);
    return true;
  }

  private handleOn(file: FileNode, path: string): FileHandle {
    const life = this.life;
    let isOpen = true;
    const use = (operation: keyof FileHandle): void => {
      this.options.before?.(operation, path);
      if (!isOpen || life !== this.life) throw fileError('FILE_IO', path, new Error('the handle is closed'));
    };
    return {
      read: async (buffer, position) => {
        use('read');
        const bytes = file.live.buffer.subarray(position, Math.min(file.live.length, position + buffer.length));
        buffer.set(bytes);
        return Math.max(0, bytes.length);
      },
      append: async (bytes) => {
        use('append');
        this.appendTo(file, path, bytes);
      },
      sync: async () => {
        use('sync');
        file.durable = file.live;
      },
      close: async () => {
        use('close');
        isOpen = false;
      },
    };
  }

  private appendTo(file: FileNode, path: string, bytes: Uint8Array): void {
    const room = this.capacityBytes - this.usedBytes;
    const taken = bytes.length <= room ? bytes : bytes.subarray(0, Math.max(0, room));
    const length = file.live.length + taken.length;
    let { buffer } = file.live;
    // A buffer longer than its content may hold bytes of a content that was lost in a crash; it is ours alone then.
    if (length > buffer.length) {
      buffer = new Uint8Array(Math.max(length, 2 * buffer.length));
      buffer.set(file.live.buffer.subarray(0, file.live.length));
    }
    buffer.set(taken, file.live.length);
    file.live = { buffer, length };
    file.modifiedAtMs = this.now();
    this.usedBytes += taken.length;
    if (taken.length < bytes.length) throw fileError('DISK_FULL', path);
  }

  private now(): number {
    return this.options.clock?.now() ?? 0;
  }

  private find(path: string): FileNode | DirectoryNode | undefined {
    let node: FileNode | DirectoryNode | undefined = this.root;
    for (const name of segmentsOf(path)) node = node?.kind === 'directory' ? node.live.get(name) : undefined;
    return node;
  }

  private fileAt(path: string): FileNode {
    const node = this.find(path);
    if (node === undefined) throw fileError('FILE_NOT_FOUND', path);
    if (node.kind === 'directory') throw fileError('FILE_IO', path, new Error('it is a directory'));
    return node;
  }

  private directoryAt(path: string): DirectoryNode {
    const node = this.find(path);
    if (node?.kind !== 'directory') throw fileError('FILE_NOT_FOUND', path);
    return node;
  }

  private placeOf(path: string): { readonly parent: DirectoryNode; readonly name: string } {
    const segments = segmentsOf(path);
    const name = segments.pop();
    if (name === undefined) throw fileError('FILE_IO', path);
    return { parent: this.directoryAt(`/${segments.join('/')}`), name };
  }
}

function directoryNode(modifiedAtMs: number): DirectoryNode {
  return { kind: 'directory', live: new Map(), durable: new Map(), modifiedAtMs };
}

function segmentsOf(path: string): string[] {
  assert(path.startsWith('/'), `${JSON.stringify(path)} is not an absolute path.`);
  return path.split('/').filter((segment) => segment !== '');
}

function bytesBelow(node: FileNode | DirectoryNode): number {
  if (node.kind === 'file') return node.live.length;
  let sum = 0;
  for (const child of node.live.values()) sum += bytesBelow(child);
  return sum;
}

function crashDirectory(directory: DirectoryNode, random: Pick<Random, 'next'> | undefined): void {
  const survives = (): boolean => random !== undefined && random.next() < 0.5;
  const names = new Map(directory.durable);
  for (const [name, node] of directory.live) if (names.get(name) !== node && survives()) names.set(name, node);
  for (const name of directory.durable.keys()) if (!directory.live.has(name) && survives()) names.delete(name);
  directory.live = names;
  directory.durable = new Map(names);
  for (const node of names.values()) {
    if (node.kind === 'directory') crashDirectory(node, random);
    else crashFile(node, random);
  }
}

function crashFile(file: FileNode, random: Pick<Random, 'next'> | undefined): void {
  const { live, durable } = file;
  const isGrown = live.length >= durable.length && (durable.length === 0 || startsWith(live, durable));
  const kept =
    random !== undefined && isGrown ? durable.length + Math.floor(random.next() * (live.length - durable.length + 1)) : undefined;
  const survivor = kept === undefined ? durable.buffer.slice(0, durable.length) : live.buffer.slice(0, kept);
  file.live = { buffer: survivor, length: survivor.length };
  file.durable = file.live;
}

function startsWith(content: Content, beginning: Content): boolean {
  for (let index = 0; index < beginning.length; index += 1) if (content.buffer[index] !== beginning.buffer[index]) return false;
  return true;
}
