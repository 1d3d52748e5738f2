/**
 * The life of an actor process: it starts, serves until it is asked to stop, and ends with an exit code that tells how.
 *
 * PL1  SIGTERM and SIGINT stop it in order, within `stopBoundMs`; a second signal ends it at once.
 * PL2  An error nobody caught is logged and ends the process: its supervisor starts a clean one.
 */
import { MillraceError, toErrorRecord } from '../core/errors.js';
import type { Logger } from '../core/ports.js';

export interface ActorProcess {
  /** Resolves when everything is closed. */
  stop(): Promise<void>;
}

const stopBoundMs = 15_000;

export interface LifetimeOptions {
  readonly name: string;
  readonly logger: Logger;
  /** `signal` is aborted when the process is to stop while it still starts. */
  readonly start: (signal: AbortSignal, fatal: (reason: string) => void) => Promise<ActorProcess>;
}

/** Runs an actor process to its end; calls `process.exit`. */
export function runProcess({ name, logger, start }: LifetimeOptions): void {
  const starting = new AbortController();
  let actor: ActorProcess | undefined;
  let isStopping = false;
  const leave = (code: number, why: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    logger.log(code === 0 ? 'info' : 'error', why, fields);
    process.exit(code);
  };
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) leave(130, `${name} ends at once`, { signal });
    isStopping = true;
    logger.log('info', `${name} stops`, { signal });
    starting.abort();
    setTimeout(() => leave(1, `${name} did not stop in time`), stopBoundMs).unref();
    if (actor !== undefined) void actor.stop().then(() => leave(0, `${name} stopped`));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('uncaughtException', (error) => leave(1, `${name} ends after an error nobody caught`, { error: toErrorRecord(error) }));
  process.on('unhandledRejection', (error) => leave(1, `${name} ends after a rejection nobody handled`, { error: toErrorRecord(error) }));
  start(starting.signal, (reason) => leave(1, `${name} cannot go on: ${reason}`)).then(
    (started) => {
      actor = started;
      if (isStopping) void started.stop().then(() => leave(0, `${name} stopped`));
    },
    (error: unknown) => {
      if (isStopping) leave(0, `${name} stopped before it had started`);
      leave(1, error instanceof MillraceError ? error.message : `${name} could not start`, { error: toErrorRecord(error) });
    },
  );
}
