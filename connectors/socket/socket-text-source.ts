/**
 * A source of the lines that a TCP server sends: at most once, for trying out (`nc -lk 9999`).
 *
 * ST1  At most once: lines that were read before a failure and are in no checkpoint do not come again. It is said in the log
 *      when reading begins.
 * ST2  One reader connects. A server that is faster than the job is held back by TCP.
 * ST3  When the server closes the connection the source ends, unless it may try again; a last line without its end counts.
 */
import { isUtf8 } from 'node:buffer';
import { assert, MillraceError } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import type { Duration } from '../../core/quantities.js';
import {
  noTimestamp,
  type OperatorContext,
  type PollStatus,
  type Source,
  type SourceOutput,
  type SourceReader,
} from '../../dataflow/contracts.js';
import { LineCutter } from './line-cutter.js';
import { openSocket, type Socket } from './open-socket.js';
import { ConnectorOptions } from '../connector-options.js';

export interface SocketTextOptions {
  /** What ends a line; default a line feed, whose carriage return is no part of the line. */
  readonly delimiter?: string;
  /** Tries to connect again, in a row, when there is no connection or it ended; default 0. */
  readonly retriesMax?: number;
  /** Default 500 ms. */
  readonly retryDelay?: Duration;
  /** A longer line is an error; default 8 MiB. */
  readonly lineBytesMax?: number;
  /** Shown in plans; default: host and port. */
  readonly name?: string;
}

/** Lines of text from a TCP server, **at most once**. */
export function socketTextSource(host: string, port: number, options: SocketTextOptions = {}): Source<string> {
  const { delimiter = '\n', retriesMax = 0, retryDelay = '500 ms', lineBytesMax = limits.sourceRecordBytesMax } = options;
  const given = new ConnectorOptions('socketTextSource');
  if (host === '' || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw given.invalid(`${host}:${port} is not the address of a server.`, 'Give a host and a port from 1 to 65535.');
  if (delimiter === '') throw given.invalid('delimiter is empty.', 'Lines must end with something: give the text between two of them.');
  given.wholeNumber('retriesMax', retriesMax, 0);
  given.wholeNumber('lineBytesMax', lineBytesMax);
  const retryDelayMs = given.duration('retryDelay', retryDelay);
  const name = options.name ?? `socket ${host}:${port}`;
  return {
    name,
    boundedness: 'unbounded',
    data: { host, port, delimiter },
    enumerate: () => Promise.resolve([{ id: 'connection', data: null }]),
    createReader: (context) => new SocketReader({ context, host, port, delimiter, retriesMax, retryDelayMs, lineBytesMax, name }),
  };
}

interface SocketReaderOptions {
  readonly context: OperatorContext;
  readonly host: string;
  readonly port: number;
  readonly delimiter: string;
  readonly retriesMax: number;
  readonly retryDelayMs: number;
  readonly lineBytesMax: number;
  readonly name: string;
}

class SocketReader implements SourceReader<string> {
  readonly #options: SocketReaderOptions;
  readonly #lines: LineCutter;
  #socket: Socket | undefined;
  /** Tries since there was a connection. */
  #tries = 0;
  #isStarted = false;
  #hasEnded = false;
  #isClosed = false;
  #failure: { readonly error: unknown } | undefined;
  #waiting: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;

  constructor(options: SocketReaderOptions) {
    this.#options = options;
    this.#lines = new LineCutter(options.delimiter);
  }

  start(): void {
    const { context, name } = this.#options;
    this.#isStarted = true;
    context.logger.log('warn', 'Lines of a socket come at most once: those that are in no checkpoint are lost with a failure', {
      source: name,
    });
    this.#connect();
  }

  poll(output: SourceOutput<string>, recordsMax: number): PollStatus {
    assert(this.#isStarted, 'poll without a split');
    for (let count = 0; count < recordsMax && output.isAvailable(); count++) {
      const line = this.#failure === undefined ? this.#lines.shift() : undefined;
      if (line === undefined) return this.#hasEnded && this.#failure === undefined ? 'split-finished' : 'pending';
      const text = line.toString('utf8');
      if (text.includes('\ufffd') && !isUtf8(line)) {
        this.#fail('SOURCE_MALFORMED', `${this.#options.name} sent a line that is not UTF-8`, 'user');
        return 'pending';
      }
      output.emit(text, noTimestamp);
      // ST2.
      if (this.#lines.bytes < limits.messageBytesAheadMax / 2) this.#socket?.resume();
    }
    return 'more';
  }

  whenAvailable(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    if (this.#lines.hasLine || this.#hasEnded) return Promise.resolve();
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  /** There is nothing to go back to (ST1). */
  position(): null {
    return null;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.destroy();
  }

  #connect(): void {
    const { host, port } = this.#options;
    const socket = openSocket(host, port);
    this.#socket = socket;
    let reason = 'the server ended it';
    socket.on('connect', () => (this.#tries = 0));
    socket.on('data', (bytes: Buffer) => this.#received(socket, bytes));
    socket.on('error', (error) => (reason = error.message));
    socket.on('close', (isFailed) => this.#ended(reason, isFailed));
  }

  #received(socket: Socket, bytes: Buffer): void {
    this.#lines.push(bytes);
    if (this.#lines.bytes >= limits.messageBytesAheadMax) socket.pause();
    const { lineBytesMax, name } = this.#options;
    if (this.#lines.unfinishedBytes > lineBytesMax)
      this.#fail('SOURCE_MALFORMED', `${name} sent a line longer than ${lineBytesMax} bytes`, 'user');
    else if (this.#lines.hasLine) this.#wake();
  }

  /** ST3. */
  #ended(reason: string, isFailed: boolean): void {
    if (this.#isClosed || this.#failure !== undefined) return;
    const { retriesMax, retryDelayMs, context, name } = this.#options;
    this.#lines.end();
    this.#wake();
    if (this.#tries < retriesMax) {
      this.#tries++;
      context.logger.log('info', `The connection is gone: ${reason}; trying again`, { source: name, attempt: this.#tries });
      context.clock.setTimer(retryDelayMs, () => {
        if (!this.#isClosed) this.#connect();
      });
    } else if (isFailed) this.#fail('SOCKET_UNREACHABLE', `${name} cannot be read: ${reason}`, 'external');
    else {
      this.#hasEnded = true;
      this.#wake();
    }
  }

  #fail(code: string, message: string, domain: 'user' | 'external'): void {
    const recovery = domain === 'user' ? 'fail-job' : 'restart-job';
    const hint =
      domain === 'user'
        ? 'Correct what the server sends.'
        : 'Check that it listens there, or let the source try again: retriesMax, retryDelay.';
    this.#failure ??= { error: new MillraceError(code, message, { domain, recovery, where: this.#options.name, hint }) };
    this.#socket?.destroy();
    this.#waiting?.reject(this.#failure.error);
    this.#waiting = undefined;
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
