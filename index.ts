/** Millrace, as users import it. */
export * from './api/index.js';
export * from './connectors/index.js';
export { explainError, MillraceError, toErrorRecord, type ErrorDomain, type ErrorRecord, type ErrorRecovery } from './core/errors.js';
