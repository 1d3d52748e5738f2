import type { FileHandle, FileSystem } from '../../core/ports.js';
import { deferred, type Deferred } from './within.js';

type Step = 'append' | 'sync' | 'list' | 'rename' | 'openWrite';

/** A file system of which single steps can be held: a process that is paused in the middle of what it does. */
export class GatedFileSystem {
  readonly files: FileSystem;
  private gate: { readonly step: Step; readonly reached: Deferred<void>; readonly open: Deferred<void> } | undefined;

  constructor(inner: FileSystem) {
    this.files = {
      openRead: (path) => inner.openRead(path),
      openWrite: async (path, options) => {
        await this.pass('openWrite');
        return this.wrap(await inner.openWrite(path, options));
      },
      readFile: (path) => inner.readFile(path),
      stat: (path) => inner.stat(path),
      list: async (path) => {
        await this.pass('list');
        return inner.list(path);
      },
      makeDirectory: (path) => inner.makeDirectory(path),
      rename: async (from, to) => {
        await this.pass('rename');
        return inner.rename(from, to);
      },
      syncDirectory: (path) => inner.syncDirectory(path),
      remove: (path) => inner.remove(path),
    };
  }

  /** Holds the next such step: `reached` resolves when it is there, `open()` lets it go on. */
  hold(step: Step): { readonly reached: Promise<void>; open(): void } {
    const gate = { step, reached: deferred(), open: deferred() };
    this.gate = gate;
    return { reached: gate.reached.promise, open: () => gate.open.resolve() };
  }

  private async pass(step: Step): Promise<void> {
    const gate = this.gate;
    if (gate?.step !== step) return;
    this.gate = undefined;
    gate.reached.resolve();
    await gate.open.promise;
  }

  private wrap(handle: FileHandle): FileHandle {
    return {
      read: (buffer, position) => handle.read(buffer, position),
      append: async (bytes) => {
        await this.pass('append');
        return handle.append(bytes);
      },
      sync: async () => {
        await this.pass('sync');
        return handle.sync();
      },
      close: () => handle.close(),
    };
  }
}
