/**
 * Parameters of a job, typed where they are read.
 *
 * P1  A missing or malformed parameter is an error that names it and says how to give it.
 * P2  A parameter that was given but that the builder never asked for is an error too: it is a mistyped one.
 * P3  A path is taken from the folder the job was submitted in, and is absolute from then on: slots build with the same one.
 */
import { resolve } from 'node:path';
import { nearest } from '../core/configuration/nearest.js';
import { parseDuration, parseFlag, parseSize } from '../core/quantities.js';
import { apiError } from './api-error.js';

/** Stands between the values of a parameter that was given several times: no argument of a program can hold it. */
const separator = '\0';

/** A parameter that is given several times (`--input a --input b`), as one value. */
export function repeated(values: readonly string[]): string {
  return values.join(separator);
}

/** What a job was given: `millrace run job.ts --input flights.json`. */
export class Parameters {
  #values: Readonly<Record<string, string>>;
  readonly #asked = new Set<string>();

  constructor(values: Readonly<Record<string, string>>) {
    this.#values = values;
  }

  /** As slots are to get them (P3). */
  get values(): Readonly<Record<string, string>> {
    return this.#values;
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  string(name: string, fallback?: string): string {
    return this.#read(name, fallback, 'a text', (text) => text);
  }

  integer(name: string, fallback?: number): number {
    return this.#read(name, fallback, 'a whole number', (text) =>
      /^\s*-?\d+\s*$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined,
    );
  }

  number(name: string, fallback?: number): number {
    return this.#read(name, fallback, 'a number', (text) =>
      text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined,
    );
  }

  boolean(name: string, fallback?: boolean): boolean {
    return this.#read(name, fallback, 'true or false', parseFlag);
  }

  /** In milliseconds. */
  duration(name: string, fallback?: number): number {
    return this.#read(name, fallback, 'a duration such as "10 s"', parseDuration);
  }

  /** In bytes. */
  size(name: string, fallback?: number): number {
    return this.#read(name, fallback, 'a size such as "64 kb"', parseSize);
  }

  /** The absolute path of a file or directory (P3), of the fallback too. A `file:` URL stays as it is. */
  path(name: string, fallback?: string): string {
    return this.#absolute(name, [this.string(name, fallback)])[0] as string;
  }

  /** Of a parameter that may be given several times, `--input a --input b`: all paths (P3); none when it was not given. */
  paths(name: string): readonly string[] {
    const text = this.#find(name);
    return text === undefined ? [] : this.#absolute(name, text.split(separator));
  }

  /** One of `values`. */
  choice<const V extends string>(name: string, values: readonly V[], fallback?: V): V {
    return this.#read(name, fallback, `one of ${values.join(', ')}`, (text) => values.find((value) => value === text));
  }

  /** P2; called when the builder is done. */
  assertAllAsked(): void {
    const unknown = Object.keys(this.#values).find((name) => !this.#asked.has(name));
    if (unknown === undefined) return;
    const asked = [...this.#asked];
    const near = nearest(unknown, asked);
    throw apiError('PARAMETER_UNKNOWN', `The job has no parameter "${unknown}".`, {
      where: unknown,
      hint: near === undefined ? `It reads ${asked.length === 0 ? 'none' : asked.join(', ')}.` : `Did you mean "${near}"?`,
    });
  }

  #absolute(name: string, paths: readonly string[]): readonly string[] {
    const absolute = paths.map((path) => (path.startsWith('file:') ? path : resolve(path)));
    this.#values = { ...this.#values, [name]: repeated(absolute) };
    return absolute;
  }

  #find(name: string): string | undefined {
    this.#asked.add(name);
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
  }

  #read<T>(name: string, fallback: T | undefined, expected: string, parse: (text: string) => T | undefined): T {
    const text = this.#find(name);
    if (text === undefined) {
      if (fallback !== undefined) return fallback;
      throw apiError('PARAMETER_MISSING', `The job needs the parameter "${name}".`, {
        where: name,
        hint: `Give it ${expected}, behind the module: --${name} <value>.`,
      });
    }
    if (text.includes(separator)) {
      throw apiError('PARAMETER_REPEATED', `The parameter "${name}" was given ${text.split(separator).length} times.`, {
        where: name,
        hint: `Give it once: ${expected}.`,
      });
    }
    const value = parse(text);
    if (value !== undefined) return value;
    throw apiError('PARAMETER_INVALID', `The parameter "${name}" cannot be ${JSON.stringify(text)}.`, {
      where: name,
      hint: `Give it ${expected}.`,
    });
  }
}
