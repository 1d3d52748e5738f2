/** Millrace, as users import it. */
export * from './api/index.js';
export * from './connectors/index.js';
export { explainError, MillraceError, toErrorRecord, type ErrorDomain, type ErrorRecord, type ErrorRecovery } from './core/errors.js';
export { registerRecordClass, type RecordClass } from './dataflow/records/record-classes.js';
export { run, runIfMain } from './cluster/embedded/run-lazily.js';
export type { RunOptions } from './cluster/embedded/run.js';
export type { JobSummary } from './bus/protocol/messages/jobs.js';
