/**
 * A directory for the code of a page of docs, inside the checkout, so that `millrace` and the compiler's settings are found.
 * Whoever made it removes it.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from './repository-root.js';

export class BlockDirectory {
  readonly #path = mkdtempSync(join(repositoryRoot, 'dist', 'guide-'));

  pathOf(fileName: string): string {
    return join(this.#path, fileName);
  }

  write(fileName: string, code: string): string {
    const path = this.pathOf(fileName);
    writeFileSync(path, code);
    return path;
  }

  /** What the compiler says of all `.ts` files in it, in one run; empty when they are right. */
  async typeErrors(): Promise<string> {
    const settings = {
      extends: join(repositoryRoot, 'tsconfig.json'),
      // An output elsewhere: else the compiler takes our sources for what `millrace` is, and checks all of them.
      compilerOptions: {
        noEmit: true,
        incremental: false,
        tsBuildInfoFile: null,
        rootDir: repositoryRoot,
        outDir: this.pathOf('out'),
      },
      include: ['*.ts'],
      exclude: [],
    };
    this.write('tsconfig.json', JSON.stringify(settings));
    const compiler = join(repositoryRoot, 'node_modules', 'typescript', 'bin', 'tsc');
    const outcome = await promisify(execFile)(process.execPath, [compiler, '-p', this.#path]).catch((error: { stdout?: string }) => error);
    return outcome.stdout ?? '';
  }

  remove(): void {
    rmSync(this.#path, { recursive: true, force: true });
  }
}
