/** By hand: the query that writes files. */
import { closeSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { MakeHandWritten } from './by-hand.js';

/** Lines are written when they are so long together. */
const chunkCharacters = 65_536;

/** A file that grows under a name of its own until it is whole. */
class MinuteFile {
  readonly #path: string;
  readonly #file: number;
  #lines = '';

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#path = join(folder, 'part-0.ndjson');
    this.#file = openSync(`${this.#path}.open`, 'w');
  }

  add(row: object): void {
    this.#lines += `${JSON.stringify(row)}\n`;
    if (this.#lines.length >= chunkCharacters) this.#write();
  }

  close(): void {
    this.#write();
    closeSync(this.#file);
    renameSync(`${this.#path}.open`, this.#path);
  }

  #write(): void {
    writeSync(this.#file, this.#lines);
    this.#lines = '';
  }
}

/** q10 with its files in `folder`: a bid's minute is looked up by its number, and written out as a path once. */
export const q10To =
  (folder: string): MakeHandWritten =>
  (rows) => {
    const files = new Map<number, MinuteFile>();
    return {
      take(event) {
        if (event.type !== 'bid') return;
        const { auction, bidder, price, dateTime, extra } = event;
        const minute = Math.floor(dateTime / 60_000);
        let file = files.get(minute);
        if (file === undefined) {
          const [day = '', time = ''] = new Date(dateTime).toISOString().split('T');
          file = new MinuteFile(join(folder, `dt=${day}`, `hm=${time.slice(0, 5).replace(':', '-')}`));
          files.set(minute, file);
        }
        const row = { auction, bidder, price, dateTime, extra };
        file.add(row);
        rows(row);
      },
      end() {
        for (const file of files.values()) file.close();
      },
    };
  };
