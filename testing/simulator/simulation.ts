/**
 * A world of processes in one thread under virtual time, from one seed.
 *
 * S1  Time passes only between events; everything an event leads to, promises included, happens at its time.
 * S2  Of two events at the same time the one scheduled first comes first; the order is part of the trace.
 * S3  Nothing of a killed process runs any more: its timers, deliveries and answers are dropped.
 * S4  Nothing of a paused process runs before it goes on; then everything comes in its old order, late.
 * S5  The same seed gives the same trace, alone or inside a campaign.
 */
import { createHash, type Hash } from 'node:crypto';
import { MillraceError } from '../../core/errors.js';
import type { Clock, Logger, LogLevel, Random, TimerHandle, Yield } from '../../core/ports.js';
import { EventQueue, type ScheduledEvent } from './event-queue.js';
import { SeededRandom } from './seeded-random.js';

export interface SimulationOptions {
  readonly seed: number;
  /** Called with each line of the trace and of the logs. */
  readonly onTrace?: (line: string) => void;
  /** A run that needs more has a livelock. */
  readonly eventsMax?: number;
}

const eventsMaxDefault = 200_000;
/** Wall-clock time at the start of every run. */
const epochMs = Date.UTC(2026, 0, 1);

export class Simulation {
  readonly random: SeededRandom;
  readonly #queue = new EventQueue();
  readonly #hash: Hash = createHash('sha256');
  readonly #options: SimulationOptions;
  #nowMs = 0;
  #events = 0;
  #failure: unknown;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.random = new SeededRandom(options.seed);
  }

  /** Virtual milliseconds since the start. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Nothing is scheduled. */
  get isQuiet(): boolean {
    return this.#queue.isEmpty;
  }

  get events(): number {
    return this.#events;
  }

  /** Schedules `run` for the world itself (`process` undefined) or for a process. */
  schedule(delayMs: number, label: string, run: () => void, process?: SimulatedProcess): ScheduledEvent {
    return this.#queue.push({ at: this.#nowMs + Math.max(0, delayMs), label, run, process });
  }

  cancel(event: ScheduledEvent): void {
    this.#queue.remove(event);
  }

  process(name: string): SimulatedProcess {
    return new SimulatedProcess(this, name);
  }

  /** Adds a line to the trace: what is observed must be equal in two runs of a seed. */
  trace(line: string): void {
    const text = `${this.#nowMs.toFixed(3)} ${line}\n`;
    this.#hash.update(text);
    this.#options.onTrace?.(text.trimEnd());
  }

  log(line: string): void {
    this.#options.onTrace?.(`${this.#nowMs.toFixed(3)} ${line}`);
  }

  /** Ends the run with a failure that nothing in the world could handle. */
  fail(error: unknown): void {
    this.#failure ??= error;
  }

  /** 16 hex digits over everything traced so far. */
  traceHash(): string {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }

  /** Runs until `isDone` holds; throws when `limitMs` of virtual time or the events allowed are over before, or on `fail`. */
  async runUntil(isDone: () => boolean, limitMs: number): Promise<void> {
    const eventsMax = this.#options.eventsMax ?? eventsMaxDefault;
    await settle();
    while (!isDone()) {
      if (this.#failure !== undefined) throw this.#failure;
      const event = this.#queue.pop();
      if (event === undefined)
        throw new MillraceError('SIMULATION_STUCK', `nothing is left to happen at ${this.#nowMs} ms`, { domain: 'internal' });
      if (event.at > limitMs) {
        throw new MillraceError('SIMULATION_TIMEOUT', `not done after ${limitMs} ms of virtual time`, { domain: 'internal' });
      }
      if (++this.#events > eventsMax) {
        throw new MillraceError('SIMULATION_LIVELOCK', `not done after ${eventsMax} events, at ${this.#nowMs} ms`, { domain: 'internal' });
      }
      this.#nowMs = Math.max(this.#nowMs, event.at);
      await this.#happen(event);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #happen(event: ScheduledEvent): Promise<void> {
    const process = event.process;
    if (process !== undefined && !process.admit(event)) return;
    this.trace(`${process?.name ?? 'world'} ${event.label}`);
    event.run();
    await settle();
  }
}

/** Small, so that a run has many moments at which something else can happen. */
const recordsPerSlice = 2_048;

/** One operating-system process of the simulated world: the ports it is given end with it. */
export class SimulatedProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly yield: Yield;
  readonly logger: Logger;
  readonly #world: Simulation;
  readonly #held: ScheduledEvent[] = [];
  readonly #onKilled: (() => void)[] = [];
  #state: 'alive' | 'paused' | 'dead' = 'alive';

  constructor(world: Simulation, name: string) {
    this.#world = world;
    this.name = name;
    const random = world.random.fork();
    this.random = random;
    this.clock = {
      now: () => epochMs + world.nowMs,
      monotonic: () => world.nowMs,
      setTimer: (delayMs, callback) => this.#timer(delayMs, callback),
    };
    // A slice of work takes a little time, so that what happens elsewhere can come in between.
    this.yield = { recordsPerSlice, schedule: (callback) => void world.schedule(random.next() * 0.2, 'yield', callback, this) };
    this.logger = createLogger(world, name, {});
  }

  get isAlive(): boolean {
    return this.#state !== 'dead';
  }

  /** Runs `answer` of something asked outside, like storage, after `delayMs`; never if the process is dead by then. */
  later(delayMs: number, label: string, answer: () => void): void {
    this.#world.schedule(delayMs, label, answer, this);
  }

  /** kill -9. */
  kill(): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#held.length = 0;
    this.#world.trace(`${this.name} killed`);
    for (const listener of this.#onKilled.splice(0)) listener();
  }

  onKilled(listener: () => void): void {
    this.#onKilled.push(listener);
  }

  /** SIGSTOP, and SIGCONT after `durationMs`. */
  pause(durationMs: number): void {
    if (this.#state !== 'alive') return;
    this.#state = 'paused';
    this.#world.schedule(durationMs, `${this.name} goes on`, () => {
      if (this.#state !== 'paused') return;
      this.#state = 'alive';
      for (const event of this.#held.splice(0)) this.#world.schedule(0, event.label, event.run, this);
    });
  }

  /** Whether the event may happen now; holds it back while the process is paused. */
  admit(event: ScheduledEvent): boolean {
    if (this.#state === 'paused') this.#held.push(event);
    return this.#state === 'alive';
  }

  #timer(delayMs: number, callback: () => void): TimerHandle {
    let isOpen = true;
    const event = this.#world.schedule(
      delayMs,
      'timer',
      () => {
        if (!isOpen) return;
        isOpen = false;
        callback();
      },
      this,
    );
    return {
      cancel: () => {
        if (isOpen) this.#world.cancel(event);
        isOpen = false;
      },
    };
  }
}

/** Lets every promise that can go on do so: a macrotask comes after all of them. */
function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function createLogger(world: Simulation, name: string, fields: Readonly<Record<string, unknown>>): Logger {
  return {
    log: (level: LogLevel, message, more) => world.log(`${name} [${level}] ${message} ${describe({ ...fields, ...more })}`),
    child: (more) => createLogger(world, name, { ...fields, ...more }),
  };
}

function describe(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(fields, (key, value: unknown) => (key === 'stack' ? undefined : typeof value === 'bigint' ? `${value}n` : value));
}
