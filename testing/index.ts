/** `millrace/testing`: jobs under a clock that the test moves, a disk to test against, and a bench for one operator. */
export { ManualClock } from './manual-clock.js';
export { MemoryFileSystem, type MemoryFileSystemOptions } from './memory-file-system.js';
export { OperatorBench, type OperatorBenchOptions } from './operator-bench.js';
export { JobTest, type JobTestOptions, type TestCheckpoint } from './job-test/job-test.js';
export { TestInput } from './job-test/test-input.js';
export { TestOutput, type EmittedRecord, type TestOutputOptions } from './job-test/test-output.js';
