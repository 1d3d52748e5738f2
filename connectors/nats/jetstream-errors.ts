/**
 * What went wrong with a stream, told by the name of the source and with what to do.
 *
 * What passes by itself is told apart from what does not: a stream that is not there fails the job at once.
 */
import { natsCodeOf } from '../../bus/transports/nats/nats-codes.js';
import { MillraceError } from '../../core/errors.js';

/** Codes of the JetStream API. */
const streamNotFound = 10_059;
const consumerNotFound = 10_014;

/** Whether the consumer is gone: it was not used for a while, or the server restarted. */
export const isConsumerGone = (error: unknown): boolean => apiCode(error) === consumerNotFound;

/** Whether there is no such stream. */
export const isStreamGone = (error: unknown): boolean => apiCode(error) === streamNotFound;

/** Whether asking again may help. */
export function isPassing(error: unknown): boolean {
  const code = natsCodeOf(error);
  return code === '503' || code === 'TIMEOUT' || code === 'DISCONNECT' || code === 'CONNECTION_DRAINING';
}

/** What went wrong with a stream, by the name of the source. */
export function streamError(where: string, stream: string, error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  if (isStreamGone(error)) {
    return new MillraceError('NATS_STREAM_NOT_FOUND', `There is no JetStream stream ${stream}`, {
      domain: 'user',
      recovery: 'fail-job',
      where,
      hint: `Create it (nats stream add ${stream}), or correct its name.`,
    });
  }
  if (natsCodeOf(error) === '503') {
    return new MillraceError('NATS_NO_JETSTREAM', `JetStream does not answer for the stream ${stream}`, {
      domain: 'external',
      recovery: 'restart-job',
      where,
      hint: 'Start nats-server with -js, and look whether this account may use JetStream.',
    });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new MillraceError('NATS_STREAM_FAILED', `The stream ${stream} does not do what it was asked: ${reason}`, {
    domain: 'external',
    recovery: 'restart-job',
    where,
    hint: 'Look into the log of nats-server; the job tries again from its latest checkpoint.',
    cause: error,
  });
}

/** The account may not do what it takes. */
export function refused(where: string): MillraceError {
  return new MillraceError('NATS_REFUSED', 'NATS does not permit what this source needs', {
    domain: 'user',
    recovery: 'fail-job',
    where,
    hint: 'Permit the subjects of the source; for a stream also $JS.API.> and an inbox.',
  });
}

function apiCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('api_error' in error)) return undefined;
  return (error.api_error as { err_code?: number } | undefined)?.err_code;
}

/** A position in such a stream means nothing. */
export function notReplayable(where: string, stream: string, retention: string): MillraceError {
  return new MillraceError(
    'NATS_STREAM_NOT_REPLAYABLE',
    `The stream ${stream} has the retention ${retention}: it removes messages that were acknowledged`,
    {
      domain: 'user',
      recovery: 'fail-job',
      where,
      hint: 'Read a stream with the retention "limits", or a mirror of this one.',
    },
  );
}

/** The stream is shorter than what was read of it. */
export function replaced(where: string, stream: string, { position, last }: { position: number; last: number }): MillraceError {
  return new MillraceError(
    'NATS_STREAM_REPLACED',
    `The stream ${stream} ends at sequence ${last}, but was read up to ${position}: it is another one, or lost its end`,
    {
      domain: 'external',
      recovery: 'fail-job',
      where,
      hint: 'Start the job without its checkpoint to read the stream as it is now.',
    },
  );
}

/** Messages are gone that were not read. */
export function trimmedError(where: string, stream: string, { from, to }: { from: number; to: number }): MillraceError {
  return new MillraceError('NATS_STREAM_TRIMMED', `The stream ${stream} has removed messages ${from} to ${to} before they were read`, {
    domain: 'external',
    recovery: 'fail-job',
    where,
    hint: "Widen the limits of the stream, or read on with { trimmed: 'skip' }.",
  });
}
