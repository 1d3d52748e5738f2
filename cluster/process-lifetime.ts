/**
 * The life of an actor process: it starts, serves until it is asked to stop, and ends with an exit code that tells how.
 *
 * PL1  SIGTERM and SIGINT stop it in order, within `stopBoundMs`, while it still starts within `startingStopBoundMs`; a
 *      second signal ends it at once.
 * PL2  An error nobody caught is logged and ends the process: its supervisor starts a clean one.
 */
import { explainError, MillraceError, toErrorRecord } from '../core/errors.js';
import type { Logger } from '../core/ports.js';
import { onStopSignals } from './adapters/stop-signals.js';

/** Exit code of a process that will not start until somebody changes its settings. */
export const badSettingsExitCode = 2;

export interface ActorProcess {
  /** Resolves when everything is closed. */
  stop(): Promise<void>;
}

const stopBoundMs = 15_000;
/** A server that is not there is not waited for once the process is to stop: nothing depends on it yet. */
const startingStopBoundMs = 1_000;

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
  const stop = (_exitCode: number, signal: NodeJS.Signals): void => {
    isStopping = true;
    logger.log('info', `${name} stops`, { signal });
    starting.abort();
    setTimeout(() => leave(1, `${name} did not stop in time`), stopBoundMs).unref();
    if (actor !== undefined) void actor.stop().then(() => leave(0, `${name} stopped`));
    else {
      setTimeout(() => {
        if (actor === undefined) leave(0, `${name} stopped before it had started`);
      }, startingStopBoundMs);
    }
  };
  onStopSignals({ first: stop, again: (exitCode, signal) => leave(exitCode, `${name} ends at once`, { signal }) });
  process.on('uncaughtException', (error) => leave(1, `${name} ends after an error nobody caught`, { error: toErrorRecord(error) }));
  process.on('unhandledRejection', (error) => leave(1, `${name} ends after a rejection nobody handled`, { error: toErrorRecord(error) }));
  start(starting.signal, (reason) => leave(1, `${name} cannot go on: ${reason}`)).then(
    (started) => {
      actor = started;
      if (isStopping) void started.stop().then(() => leave(0, `${name} stopped`));
    },
    (error: unknown) => {
      if (isStopping) leave(0, `${name} stopped before it had started`);
      if (!(error instanceof MillraceError)) leave(1, `${name} could not start`, { error: toErrorRecord(error) });
      const record = toErrorRecord(error);
      // What the user can mend needs no stack of ours; a mistake of the configuration stays one however often it is tried.
      leave(record.domain === 'user' ? badSettingsExitCode : 1, explainError(record), { code: record.code });
    },
  );
}
