/** What a test file's process tells the runner over its IPC channel. */
export type FileMessage =
  /** A test began; when the process dies, it is the one to blame. */
  | { readonly kind: 'test-started'; readonly name: string }
  /** A test, or a hook around it, did not hold. `report` is what a person needs to read. */
  | { readonly kind: 'test-failed'; readonly name: string; readonly report: string }
  /** The file asks for more time than the default, for itself. */
  | { readonly kind: 'file-bound'; readonly ms: number }
  /** The last message: all suites of the file have run. */
  | { readonly kind: 'file-done'; readonly counts: FileCounts };

/** How the tests of one file went. `unrun` counts tests whose suite was never run. */
export interface FileCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly unrun: number;
}

/** Bounds of the running file; `tests/support/bounds.ts` widens them. */
export interface TestBounds {
  testMs: number;
  fileMs: number;
}

/** Time one test (or one hook) may take unless its file says otherwise. */
export const testBoundMsDefault = 20_000;
/** Time one file may take unless it says otherwise. */
export const fileBoundMsDefault = 120_000;
/** No file may ask for more. */
export const fileBoundMsMax = 900_000;
