/** More time for a test file that starts processes. */
import { bounds } from '../../scripts/test-runner/bounded-uvu.js';

/** Widens (or narrows) the bounds of this file. Call it at the top, before tests are registered. */
export function boundTests(options: { readonly testMs?: number; readonly fileMs?: number }): void {
  bounds.testMs = options.testMs ?? bounds.testMs;
  bounds.fileMs = options.fileMs ?? bounds.fileMs;
}
