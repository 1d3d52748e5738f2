/**
 * Errors that say what was wrong, where, and what to do.
 *
 * A {@link MillraceError} has a stable `code` (SCREAMING_SNAKE_CASE, never reused for another meaning), the domain it
 * comes from and the recovery that fits it. It crosses process boundaries as {@link ErrorRecord}: plain data, no stack
 * frames of another machine mixed into ours.
 */

/** Who has to act: the author of the job, Millrace itself, or something it depends on. */
export type ErrorDomain = 'user' | 'internal' | 'external';

/** What the runtime does about it: try the call again, restart the job, fail the job for good, or end the process. */
export type ErrorRecovery = 'retry' | 'restart-job' | 'fail-job' | 'crash';

export interface MillraceErrorOptions {
  readonly domain?: ErrorDomain;
  readonly recovery?: ErrorRecovery;
  /** The next step for the reader, as a sentence. */
  readonly hint?: string;
  /** Where it happened: the name (never only the id) of an operator, file, subject or key. */
  readonly where?: string;
  readonly cause?: unknown;
}

/** An error as plain data, as it crosses the bus and stands in job results. */
export interface ErrorRecord {
  readonly code: string;
  readonly domain: ErrorDomain;
  readonly recovery: ErrorRecovery;
  readonly message: string;
  readonly hint?: string;
  readonly where?: string;
  readonly stack?: string;
  readonly cause?: ErrorRecord;
}

/** An error with a stable code, a domain and a recovery. */
export class MillraceError extends Error {
  readonly code: string;
  readonly domain: ErrorDomain;
  readonly recovery: ErrorRecovery;
  readonly hint: string | undefined;
  readonly where: string | undefined;

  constructor(code: string, message: string, options: MillraceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MillraceError';
    this.code = code;
    this.domain = options.domain ?? 'internal';
    this.recovery = options.recovery ?? 'restart-job';
    this.hint = options.hint;
    this.where = options.where;
  }
}

const causeDepthMax = 5;
/** The code of what was thrown and is not a MillraceError. */
const uncaught = 'UNCAUGHT';

/** Any thrown value as plain data. Keeps at most five causes; never throws. */
export function toErrorRecord(error: unknown, depth = 0): ErrorRecord {
  if (error instanceof MillraceError) {
    return {
      code: error.code,
      domain: error.domain,
      recovery: error.recovery,
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(error.where === undefined ? {} : { where: error.where }),
      ...(error.stack === undefined ? {} : { stack: error.stack }),
      ...causeRecord(error.cause, depth),
    };
  }
  if (error instanceof Error) {
    return {
      code: uncaught,
      domain: 'user',
      recovery: 'restart-job',
      message: `${error.name}: ${error.message}`,
      ...(error.stack === undefined ? {} : { stack: error.stack }),
      ...causeRecord(error.cause, depth),
    };
  }
  return { code: uncaught, domain: 'user', recovery: 'restart-job', message: `thrown value: ${describe(error)}` };
}

/** An error made from plain data that came over the bus; its `stack` is the sender's. */
export function fromErrorRecord(record: ErrorRecord): MillraceError {
  const error = new MillraceError(record.code, record.message, {
    domain: record.domain,
    recovery: record.recovery,
    ...(record.hint === undefined ? {} : { hint: record.hint }),
    ...(record.where === undefined ? {} : { where: record.where }),
    ...(record.cause === undefined ? {} : { cause: fromErrorRecord(record.cause) }),
  });
  if (record.stack !== undefined) error.stack = record.stack;
  return error;
}

/**
 * One readable paragraph: where, what, why, what to do. Without stacks; of an error that is not ours, the line of the
 * user's code that threw it. Nothing is said twice.
 */
export function explainError(record: ErrorRecord): string {
  const where = record.where === undefined || isNamedIn(record.message, record.where) ? '' : `${record.where}: `;
  const hint = record.hint === undefined ? '' : ` ${record.hint}`;
  const cause = record.cause === undefined ? '' : explainCause(record.cause, record.message);
  return `${where}${record.message}${codeOrPlace(record)}${hint}${cause}`;
}

/** As a word: that a letter of the message is the name of an operator says nothing. */
function isNamedIn(message: string, name: string): boolean {
  for (let at = message.indexOf(name); at >= 0; at = message.indexOf(name, at + 1)) {
    if (!/\w\w/.test(message.slice(at - 1, at + 1)) && !/\w\w/.test(message.slice(at + name.length - 1, at + name.length + 1))) return true;
  }
  return false;
}

function codeOrPlace(record: ErrorRecord): string {
  if (record.code !== uncaught) return ` [${record.code}]`;
  const place = placeInUserCode(record.stack);
  return place === undefined ? '' : ` (at ${place})`;
}

function explainCause(cause: ErrorRecord, said: string): string {
  const isSaid = said.includes(cause.message.replace(/^\w*Error: /, ''));
  if (!isSaid) return ` Caused by: ${explainError(cause)}`;
  const place = cause.code === uncaught ? placeInUserCode(cause.stack) : undefined;
  return place === undefined ? '' : ` It was thrown at ${place}.`;
}

const packageRoot = new URL('../../', import.meta.url).pathname;

/** The first frame that is neither of Node, nor of a package, nor of Millrace. */
export function placeInUserCode(stack: string | undefined): string | undefined {
  const places = (stack ?? '').matchAll(/^ {4}at (?:async )?(?:[^()]*\()?(?:file:\/\/)?(\/[^()]+:\d+:\d+)\)?$/gm);
  for (const [, place] of places) {
    if (place !== undefined && !place.includes('/node_modules/') && !isOwn(place)) return place;
  }
  return undefined;
}

/** Examples and tests are users of Millrace, in its own folder. */
function isOwn(place: string): boolean {
  if (!place.startsWith(packageRoot)) return false;
  return !/^(?:dist\/)?(?:examples|tests)\//.test(place.slice(packageRoot.length));
}

/** Fails a programmer's mistake loudly; stays on in production. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new MillraceError('ASSERTION', message, { domain: 'internal', recovery: 'crash' });
}

function causeRecord(cause: unknown, depth: number): { cause?: ErrorRecord } {
  return cause === undefined || depth >= causeDepthMax ? {} : { cause: toErrorRecord(cause, depth + 1) };
}

function describe(value: unknown): string {
  try {
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  } catch {
    return Object.prototype.toString.call(value);
  }
}
