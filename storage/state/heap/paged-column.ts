/**
 * Columns of the heap backend: one value for each entry, by the index of the entry.
 *
 * PC1  A column grows page by page: however many entries there are, growing copies no more than one page.
 * PC2  What was never set is undefined, or 0.
 */
export const pageBits = 12;
export const pageLength = 2 ** pageBits;
const pageMask = pageLength - 1;
/** The first page starts small: most operators of a test, and many of a job, know a few keys only. */
const firstPageLength = 16;

/** The length of a page that has to hold `offset`, and holds `length` so far. */
function lengthFor(page: number, offset: number, length: number): number {
  if (page > 0) return pageLength;
  let wanted = Math.max(length, firstPageLength);
  while (wanted <= offset) wanted *= 2;
  return wanted;
}

/** Anything. `reach` comes before `get` and `set`. */
export class ValueColumn {
  private readonly pages: unknown[][] = [];

  get(index: number): unknown {
    return (this.pages[index >>> pageBits] as unknown[])[index & pageMask];
  }

  set(index: number, value: unknown): void {
    (this.pages[index >>> pageBits] as unknown[])[index & pageMask] = value;
  }

  /** Makes room for an entry, and for those before it. */
  reach(index: number): void {
    const { pages } = this;
    const last = index >>> pageBits;
    for (let page = Math.max(0, pages.length - 1); page <= last; page += 1) {
      const known = pages[page] ?? [];
      const offset = page < last ? pageMask : index & pageMask;
      if (offset < known.length) continue;
      // Made at its length and filled at once, so that all pages have one and the same kind of elements.
      const grown = new Array<unknown>(lengthFor(page, offset, known.length)).fill(undefined);
      for (let at = 0; at < known.length; at += 1) grown[at] = known[at];
      pages[page] = grown;
    }
  }

  clear(): void {
    this.pages.length = 0;
  }
}

/** Makes room for an entry, and for those before it, in pages of numbers. */
function reachIn<Page extends Int32Array | Float64Array>(pages: Page[], index: number, make: (length: number) => Page): void {
  const last = index >>> pageBits;
  for (let page = Math.max(0, pages.length - 1); page <= last; page += 1) {
    const known = pages[page];
    const length = known?.length ?? 0;
    const offset = page < last ? pageMask : index & pageMask;
    if (offset < length) continue;
    const grown = make(lengthFor(page, offset, length));
    if (known !== undefined) grown.set(known);
    pages[page] = grown;
  }
}

/** Integers of 32 bits. `reach` comes before `get` and `set`. */
export class IntegerColumn {
  private readonly pages: Int32Array[] = [];

  get(index: number): number {
    return (this.pages[index >>> pageBits] as Int32Array)[index & pageMask] as number;
  }

  set(index: number, value: number): void {
    (this.pages[index >>> pageBits] as Int32Array)[index & pageMask] = value;
  }

  reach(index: number): void {
    reachIn(this.pages, index, (length) => new Int32Array(length));
  }

  clear(): void {
    this.pages.length = 0;
  }
}

/** Any numbers. `reach` comes before `get` and `set`. */
export class NumberColumn {
  private readonly pages: Float64Array[] = [];

  get(index: number): number {
    return (this.pages[index >>> pageBits] as Float64Array)[index & pageMask] as number;
  }

  set(index: number, value: number): void {
    (this.pages[index >>> pageBits] as Float64Array)[index & pageMask] = value;
  }

  reach(index: number): void {
    reachIn(this.pages, index, (length) => new Float64Array(length));
  }

  clear(): void {
    this.pages.length = 0;
  }
}
