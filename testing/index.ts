/** `millrace/testing`: a clock and a disk to test against, and a bench for one operator. */
export { ManualClock } from './manual-clock.js';
export { MemoryFileSystem, type MemoryFileSystemOptions } from './memory-file-system.js';
export { OperatorBench, type OperatorBenchOptions } from './operator-bench.js';
