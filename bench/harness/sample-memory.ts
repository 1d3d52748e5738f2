/**
 * Loaded with `--import` into processes under test: every thread of them collects its garbage every two seconds and says what
 * is left. Heap and external memory are a thread's own; resident memory is the process', and is told by its main thread.
 */
import { writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, threadId } from 'node:worker_threads';
import { memoryLine } from './memory-samples.js';

const everyMs = 2_000;

// Not a flag of NODE_OPTIONS; the function is made for whoever is compiled after the flag was set.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

setInterval(() => {
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  const sample = { pid: process.pid, thread: isMainThread ? 0 : threadId, at: Date.now(), bytes: heapUsed + external };
  writeSync(1, memoryLine(isMainThread ? { ...sample, residentBytes: rss } : sample));
}, everyMs).unref();
