/**
 * The ports: everything impure that the runtime touches. The real adapters live in `cluster/adapters/`, the simulated
 * ones in `testing/simulator/`; no other file may reach for time, randomness, threads, processes or the disk.
 */
import type { AllocationId, JobId, SessionId, TaskManagerId } from './ids.js';

/** A timer that has not fired yet. `cancel` is idempotent and does nothing once the timer fired. */
export interface TimerHandle {
  cancel(): void;
}

/** Time. Timers never fire early, and timers of one clock with equal deadlines fire in the order they were set. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00Z; may jump. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonic(): number;
  setTimer(delayMs: number, callback: () => void): TimerHandle;
}

/** Randomness. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `bytes` random bytes as lower-case hex. */
  hex(bytes: number): string;
}

/** Gives the thread back between slices of work: `callback` runs in a later macrotask, after waiting messages. */
export interface Yield {
  schedule(callback: () => void): void;
  /** Set where work takes no time, as under a simulated clock: how many records make a slice. */
  readonly recordsPerSlice?: number;
}

/** Severity as in pino. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Structured logging. Fields never hold secrets. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** A logger whose lines all carry `fields` too. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

/** A message between the main thread of a TaskManager and one slot. Ordered, lossless while both ends live. */
export interface ThreadChannel<In, Out> {
  /** `transfer` lists buffers whose ownership moves to the receiver. */
  post(message: Out, transfer?: readonly ArrayBuffer[]): void;
  /** At most one listener; messages that arrived earlier are delivered to it first. */
  onMessage(listener: (message: In) => void): void;
  close(): void;
}

/** What a slot is started for: plain data, it crosses into the thread. */
export interface SlotStart {
  readonly taskManagerId: TaskManagerId;
  /** Session of the TaskManager process. */
  readonly sessionId: SessionId;
  readonly slot: number;
  readonly jobId: JobId;
  readonly allocationId: AllocationId;
  /** Largest payload of the TaskManager's bus in bytes. */
  readonly payloadBytesMax: number;
  /** Where the cluster's subjects start. */
  readonly subjectPrefix: string;
  readonly clusterId: string;
}

/**
 * A running slot. `onExit` is called once, whatever ended it: a thread that ended by itself or was terminated. Nothing
 * comes through the channel after that.
 */
export interface SlotThread<FromSlot, ToSlot> {
  readonly channel: ThreadChannel<FromSlot, ToSlot>;
  /** Ends the thread by force; resolves when it has ended. It may not resolve at all: the caller watches the time. */
  terminate(): Promise<void>;
  /** `error` says what the thread died of; undefined when it ended in order. At most one listener. */
  onExit(listener: (error: unknown) => void): void;
}

/** Starts slots: worker threads, or inline in the simulator. */
export interface SlotSpawner<FromSlot, ToSlot> {
  start(options: SlotStart): SlotThread<FromSlot, ToSlot>;
}

/** What kind of thing a path names. */
export interface FileStat {
  readonly kind: 'file' | 'directory' | 'other';
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
}

/** An open file. Reads and writes at explicit positions; `sync` returns once the bytes survive a power cut. */
export interface FileHandle {
  /** Fills `buffer` from `position`; resolves to the number of bytes read, 0 at the end of the file. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Appends all of `bytes` at the end of what was written through this handle. */
  append(bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The disk. Paths are absolute. Errors are MillraceErrors with code `FILE_NOT_FOUND`, `FILE_EXISTS`, `DISK_FULL`,
 * `FILE_ACCESS` or `FILE_IO`, naming the path. What was not synced may be lost when the process dies in the simulator.
 */
export interface FileSystem {
  openRead(path: string): Promise<FileHandle>;
  /** Opens for writing. `exclusive` fails with FILE_EXISTS when the file is there; else it is truncated. */
  openWrite(path: string, options: { readonly exclusive: boolean }): Promise<FileHandle>;
  readFile(path: string): Promise<Uint8Array>;
  /** Resolves to undefined when nothing is there. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Names (not paths) in a directory, sorted by code unit. */
  list(directory: string): Promise<readonly string[]>;
  makeDirectory(path: string): Promise<void>;
  /** Atomic replacement within one file system. */
  rename(from: string, to: string): Promise<void>;
  /** Makes renames and new names in the directory survive a power cut. */
  syncDirectory(path: string): Promise<void>;
  /** Removes a file, or a directory with all below it; resolves to whether anything was there. */
  remove(path: string): Promise<boolean>;
}

/** The ports every component gets. */
export interface CorePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Shows a line to people (the standard output of a process); without it, lines are logged. */
  readonly print?: (line: string) => void;
}
