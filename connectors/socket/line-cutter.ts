/** Cuts lines out of bytes that come in pieces. */

export class LineCutter {
  readonly #delimiter: Buffer;
  readonly #isLineFeed: boolean;
  #lines: Buffer[] = [];
  #head = 0;
  #rest: Buffer = Buffer.alloc(0);
  #bytes = 0;

  constructor(delimiter: string) {
    this.#delimiter = Buffer.from(delimiter);
    this.#isLineFeed = delimiter === '\n';
  }

  /** Of lines that were not taken. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of the line whose end has not come. */
  get unfinishedBytes(): number {
    return this.#rest.length;
  }

  get hasLine(): boolean {
    return this.#head < this.#lines.length;
  }

  push(piece: Buffer): void {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    // A delimiter of several bytes may begin in the rest.
    let from = Math.max(0, this.#rest.length - this.#delimiter.length + 1);
    let start = 0;
    for (let at = bytes.indexOf(this.#delimiter, from); at !== -1; at = bytes.indexOf(this.#delimiter, from)) {
      this.#add(bytes.subarray(start, at));
      start = at + this.#delimiter.length;
      from = start;
    }
    this.#rest = bytes.subarray(start);
  }

  /** No more will come of this connection: what is left is a line. */
  end(): void {
    if (this.#rest.length > 0) this.#add(this.#rest);
    this.#rest = Buffer.alloc(0);
  }

  shift(): Buffer | undefined {
    const line = this.#lines[this.#head];
    if (line === undefined) return undefined;
    this.#head++;
    this.#bytes -= line.length;
    if (this.#head === this.#lines.length) {
      this.#lines = [];
      this.#head = 0;
    }
    return line;
  }

  #add(line: Buffer): void {
    const hasReturn = this.#isLineFeed && line.at(-1) === 0x0d;
    const kept = hasReturn ? line.subarray(0, -1) : line;
    this.#lines.push(kept);
    this.#bytes += kept.length;
  }
}
