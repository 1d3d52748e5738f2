/**
 * Classes whose instances may travel between slots: each with a name and a way into plain data and back.
 *
 * RC1  A name belongs to one class; registering a class again (a job module that is loaded once more) replaces it.
 * RC2  Both ends of a channel load the same job, so what one registered the other knows.
 */
import { MillraceError } from '../../core/errors.js';

/** How instances of a class travel between slots and are kept in state. */
export interface RecordClass<T extends object = object> {
  /** Stands in frames; unique in a job. */
  readonly name: string;
  /** Instances are recognised by their prototype: a subclass needs a registration of its own. */
  readonly class: abstract new (...parameters: never[]) => T;
  /** The instance as plain data. */
  readonly toPlain: (instance: T) => unknown;
  readonly fromPlain: (plain: unknown) => T;
}

const byPrototype = new Map<object, RecordClass>();
const byName = new Map<string, RecordClass>();
const namePattern = /^[A-Za-z][\w.$-]{0,99}$/;

/** Lets instances of a class travel between slots. Call it when the job's module is loaded. */
export function registerRecordClass<T extends object>(registration: RecordClass<T>): void {
  const { name } = registration;
  if (!namePattern.test(name) || reservedNames.has(name)) {
    throw new MillraceError('RECORD_CLASS_NAME', `${JSON.stringify(name)} cannot name a class of records.`, {
      domain: 'user',
      recovery: 'fail-job',
      hint: 'Use letters, digits and . _ $ -, beginning with a letter; names of built-in classes are taken.',
    });
  }
  const former = byName.get(name);
  if (former !== undefined) byPrototype.delete(former.class.prototype as object);
  const entry = registration as unknown as RecordClass;
  byName.set(name, entry);
  byPrototype.set(registration.class.prototype as object, entry);
}

/** Undefined when instances of the class are not registered. */
export const recordClassOf = (instance: object): RecordClass | undefined => byPrototype.get(Object.getPrototypeOf(instance) as object);

export const recordClassNamed = (name: string): RecordClass | undefined => byName.get(name);

/** What a frame uses for texts and errors. */
const reservedNames: ReadonlySet<string> = new Set([
  'UTF-16',
  'Date',
  'Error',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
]);
