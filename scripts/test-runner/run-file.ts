/**
 * The process of one test file: `node run-file.js <compiled test file>`.
 *
 * It loads the file, runs the suites that the file queued, one after the other, and reports to the runner over IPC.
 * Without a runner it still prints uvu's own output. It ends when the runner goes away.
 */
import { register } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { FileMessage } from './messages.js';

/** Suites as uvu queues them: a name, then functions giving [errors or true, passed, skipped, total]. */
type QueuedSuite = () => Promise<[string | true, number, number, number]>;
interface UvuGlobals {
  UVU_DEFER?: number;
  UVU_INDEX?: number;
  UVU_QUEUE?: [string | null, ...QueuedSuite[]][];
}

/** What a finished file may keep open before its process is ended: enough to close sockets. */
const lingerMs = 2_000;

const file = process.argv[2];
if (file === undefined) throw new TypeError('name the compiled test file to run');

const tell = (message: FileMessage): Promise<void> =>
  new Promise((resolve) => (process.send === undefined ? resolve() : process.send(message, () => resolve())));
process.on('disconnect', () => process.exit(1));

const globals = globalThis as UvuGlobals;
globals.UVU_DEFER = 1;
globals.UVU_INDEX = 0;
globals.UVU_QUEUE = [[file]];
register('./uvu-resolve.js', import.meta.url);

const { bounds, record } = await import('./bounded-uvu.js');
const boundBefore = bounds.fileMs;
await import(pathToFileURL(file).href);
if (bounds.fileMs !== boundBefore) await tell({ kind: 'file-bound', ms: bounds.fileMs });

let passed = 0;
let failed = 0;
let skipped = 0;
for (const group of globals.UVU_QUEUE) {
  for (const suite of group.slice(1) as QueuedSuite[]) {
    const [errors, ran, skips, total] = await suite();
    passed += ran;
    failed += total - ran;
    skipped += skips;
    if (typeof errors === 'string') {
      process.stdout.write(`\n${errors}\n`);
    }
  }
}
failed = Math.max(failed, record.hookFailures);
const unrun = record.registered - record.ran;
process.exitCode = failed + unrun > 0 || passed + skipped === 0 ? 1 : 0;
await tell({ kind: 'file-done', counts: { passed, failed, skipped, unrun } });
process.channel?.unref();
setTimeout(() => {
  process.stderr.write(`still open ${lingerMs} ms after the last test: ${process.getActiveResourcesInfo().join(', ')}\n`);
  process.exit();
}, lingerMs).unref();
