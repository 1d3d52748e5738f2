/**
 * Configuration: every key has a value of its type, from the last place that gave one.
 *
 * CF1  Order: defaults, then the file, then the environment, then flags; a later place wins. An alias counts as its key.
 * CF2  An unknown key or a bad value is an error that names the key, where it came from and what would be right, and
 *      suggests the nearest key. All mistakes are reported at once.
 * CF3  The value of a secret is never part of a message, a dump or JSON.
 */
import { MillraceError } from '../errors.js';
import { nearest } from './nearest.js';
import type { Option, RawValue } from './option.js';
import { optionGroups, options as declared } from './options.js';
import { environmentName, environmentPrefix, environmentValues, fileValues, flagValues, type FoundValue } from './sources.js';

const all: readonly Option<unknown>[] = optionGroups.flatMap((group) => group.options);
const byKey: ReadonlyMap<string, Option<unknown>> = new Map(
  all.flatMap((option) => [option.key, ...option.aliases].map((key) => [key, option] as const)),
);
const allKeys = [...byKey.keys()];
const mask = '******';

export interface ConfigurationSources {
  /** Text of a YAML or JSON file, and its name for messages. */
  readonly file?: { readonly name: string; readonly content: string };
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** `-D key=value`. */
  readonly flags?: Readonly<Record<string, RawValue>>;
}

/** A key with its value as people would write it; secrets masked. */
export interface ConfigurationEntry {
  readonly key: string;
  readonly value: string;
  readonly isMasked: boolean;
  readonly origin: string;
}

interface SetValue {
  readonly value: unknown;
  readonly origin: string;
}

/** All values of a process or job. Immutable. */
export class Configuration {
  private readonly values: ReadonlyMap<string, SetValue>;

  private constructor(values: ReadonlyMap<string, SetValue>) {
    this.values = values;
  }

  /** Nothing but defaults. */
  static readonly defaults: Configuration = new Configuration(new Map());

  /** Reads all places (CF1); fails with `CONFIGURATION_INVALID`, which lists every mistake (CF2). */
  static load(sources: ConfigurationSources): Configuration {
    return Configuration.defaults.with(sources);
  }

  /** This configuration, with what other places say on top. */
  with(sources: ConfigurationSources): Configuration {
    const mistakes: string[] = [];
    const file = sources.file === undefined ? { values: [] } : fileValues(sources.file.content, sources.file.name);
    if ('error' in file) mistakes.push(file.error);
    const found = [
      ...('values' in file ? file.values : []),
      ...environmentValues(sources.environment ?? {}, allKeys),
      ...flagValues(sources.flags ?? {}),
    ];
    const values = new Map(this.values);
    for (const item of found) {
      const result = interpret(item);
      if ('mistake' in result) mistakes.push(result.mistake);
      else values.set(result.key, { value: result.value, origin: item.origin });
    }
    const configuration = new Configuration(values);
    if (mistakes.length === 0) mistakes.push(...contradictions(configuration));
    if (mistakes.length > 0) throw invalid(mistakes);
    return configuration;
  }

  get<T>(option: Option<T>): T {
    const set = this.values.get(option.key);
    return set === undefined ? option.defaultValue : (set.value as T);
  }

  /** Where a value came from; undefined when it is the default. */
  originOf(option: Option<unknown>): string | undefined {
    return this.values.get(option.key)?.origin;
  }

  /** A value as people would write it (CF3). */
  shown<T>(option: Option<T>): string {
    return shown(option, this.get(option));
  }

  /** What was set, for logs and dumps (CF3). */
  entries(): readonly ConfigurationEntry[] {
    return all.flatMap((option) => {
      const set = this.values.get(option.key);
      if (set === undefined) return [];
      const value = shown(option, set.value);
      return [{ key: option.key, value, isMasked: value !== option.format(set.value), origin: set.origin }];
    });
  }

  /** What was set, as JSON (CF3). */
  toJSON(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.entries().map(({ key, value }) => [key, value]));
  }
}

/**
 * Environment variables that may hold a value that must not be seen in a list of processes, the one of its key first, then
 * those of its aliases; undefined when the value is no secret.
 */
export function secretVariables(key: string, text: string): readonly string[] | undefined {
  const option = byKey.get(key);
  const isSecret = option !== undefined && (option.isSecret || maskAddresses(text) !== text);
  return isSecret ? [option.key, ...option.aliases].map(environmentName) : undefined;
}

/** User and password of an address. */
const maskAddresses = (text: string): string => text.replace(/(\w+:\/\/)[^/@\s,]+@/g, `$1${mask}@`);

/** User and password of an address are masked too. */
function shown(option: Option<unknown>, value: unknown): string {
  return option.isSecret ? mask : maskAddresses(option.format(value));
}

function interpret({ key, raw, origin }: FoundValue): { readonly key: string; readonly value: unknown } | { readonly mistake: string } {
  const option = byKey.get(key);
  if (option === undefined) {
    const isVariable = key.startsWith(environmentPrefix);
    const near = nearest(key, isVariable ? allKeys.map(environmentName) : allKeys);
    const named = isVariable ? `There is no key for ${origin}` : `There is no key "${key}" (${origin})`;
    return { mistake: `${named}.${near === undefined ? '' : ` Did you mean ${isVariable ? near : `"${near}"`}?`}` };
  }
  if (typeof raw !== 'string' && typeof raw !== 'number' && typeof raw !== 'boolean') {
    return { mistake: `"${key}" has no value (${origin}): give it ${option.expected}.` };
  }
  const parsed = option.parse(raw);
  if (parsed.ok) return { key: option.key, value: parsed.value };
  const given = option.isSecret ? 'its value' : JSON.stringify(raw);
  return { mistake: `"${key}" cannot be ${given} (${origin}): give it ${parsed.expected}.` };
}

/** Values that are right each, but not together. */
function contradictions(configuration: Configuration): readonly string[] {
  const mistakes: string[] = [];
  const mustExceed = (larger: Option<number>, smaller: Option<number>): void => {
    const isHeld = configuration.get(larger) > configuration.get(smaller);
    if (!isHeld)
      mistakes.push(
        `"${larger.key}" (${larger.format(configuration.get(larger))}) must be more than "${smaller.key}" (${smaller.format(configuration.get(smaller))}).`,
      );
  };
  mustExceed(declared.heartbeatTimeout, declared.heartbeatInterval);
  const leaseMs = configuration.get(declared.leaseDuration);
  const renewMs = configuration.get(declared.leaseRenewInterval);
  // A renewal that fails must leave time for another one.
  if (renewMs * 2 > leaseMs)
    mistakes.push(
      `"${declared.leaseRenewInterval.key}" (${declared.leaseRenewInterval.format(renewMs)}) must be at most half of "${declared.leaseDuration.key}" (${declared.leaseDuration.format(leaseMs)}), so that a renewal that fails can be tried again.`,
    );
  const mustNotExceed = (smaller: Option<number>, larger: Option<number>): void => {
    if (configuration.get(smaller) > configuration.get(larger)) mistakes.push(`"${smaller.key}" must not be more than "${larger.key}".`);
  };
  mustNotExceed(declared.initialBackoff, declared.maxBackoff);
  mustNotExceed(declared.registrationInitialTimeout, declared.registrationMaxTimeout);
  if (
    configuration.get(declared.highAvailabilityType) === 'filesystem' &&
    configuration.get(declared.highAvailabilityStorageDir) === undefined
  ) {
    mistakes.push(
      `"${declared.highAvailabilityType.key}" is filesystem, so "${declared.highAvailabilityStorageDir.key}" must name a directory.`,
    );
  }
  if (configuration.get(declared.checkpointStorage) === 'filesystem' && configuration.get(declared.checkpointDirectory) === undefined) {
    mistakes.push(`"${declared.checkpointStorage.key}" is filesystem, so "${declared.checkpointDirectory.key}" must name a directory.`);
  }
  const needs = (option: Option<unknown>, other: Option<unknown>): void => {
    if (configuration.originOf(option) !== undefined && configuration.originOf(other) === undefined)
      mistakes.push(`"${option.key}" is set, so "${other.key}" must be too.`);
  };
  needs(declared.natsPassword, declared.natsUser);
  needs(declared.natsTlsKeyFile, declared.natsTlsCertFile);
  needs(declared.natsTlsCertFile, declared.natsTlsKeyFile);
  const ways = [declared.natsCredentialsFile, declared.natsNkeySeed, declared.natsToken, declared.natsUser].filter(
    (option) => configuration.originOf(option) !== undefined,
  );
  if (ways.length > 1) mistakes.push(`${ways.map(({ key }) => `"${key}"`).join(' and ')} are set: choose one way to sign in to NATS.`);
  return mistakes;
}

function invalid(mistakes: readonly string[]): MillraceError {
  const message =
    mistakes.length === 1
      ? (mistakes[0] as string)
      : `${mistakes.length} mistakes in the configuration:\n${mistakes.map((mistake) => `  - ${mistake}`).join('\n')}`;
  return new MillraceError('CONFIGURATION_INVALID', message, {
    domain: 'user',
    recovery: 'crash',
    hint: 'docs/configuration.md lists every key.',
  });
}
