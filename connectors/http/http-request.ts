/**
 * One request over HTTP, tried until it succeeds, is refused, or patience ends.
 *
 * HR1  Tried again: network errors, no answer in time, 408, 425, 429 and 5xx; after a growing, random pause, and not before
 *      `Retry-After`. A redirect is not followed: a POST would become a GET.
 * HR2  What is told of a URL is its host: paths, queries and credentials may be secret.
 */
import { MillraceError, toErrorRecord } from '../../core/errors.js';
import { limits } from '../../core/limits.js';
import { pause } from '../../core/pause.js';
import type { Clock, Random } from '../../core/ports.js';

export interface HttpRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
}

export interface HttpAttemptOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Name of the operator. */
  readonly where: string;
  readonly timeoutMs: number;
  readonly patienceMs: number;
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly why: string; readonly afterMs: number }
  | { readonly kind: 'refused'; readonly why: string };

const passing: ReadonlySet<number> = new Set([408, 425, 429]);

/** `https://host`; undefined for what is no URL of HTTP (HR2). */
export function shownUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url.origin : undefined;
}

/** Resolves when the server has it. Throws `SINK_HTTP_REFUSED` and, when patience ended, `SINK_HTTP_FAILED`. */
export async function deliver(request: HttpRequest, options: HttpAttemptOptions): Promise<void> {
  const { clock, random, where, patienceMs, signal } = options;
  const startedAt = clock.monotonic();
  const shown = `${request.method} ${request.url.origin}`;
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await tryOnce(request, options);
    if (outcome.kind === 'done') return;
    if (outcome.kind === 'refused') {
      throw new MillraceError('SINK_HTTP_REFUSED', `${shown} was refused: ${outcome.why}`, {
        domain: 'user',
        recovery: 'fail-job',
        where,
        hint: 'Correct the address, the headers or what encode makes of the record: trying again would not help.',
      });
    }
    const backoff =
      Math.min(limits.sinkHttpPauseMinMs * 2 ** Math.min(attempt - 1, 10), limits.sinkHttpPauseMaxMs) * (0.5 + random.next() / 2);
    const delayMs = Math.max(backoff, outcome.afterMs);
    if (signal.aborted || clock.monotonic() - startedAt + delayMs > patienceMs) {
      const tries = `${attempt} ${attempt === 1 ? 'try' : 'tries'}`;
      throw new MillraceError('SINK_HTTP_FAILED', `${shown} did not succeed in ${tries}: ${outcome.why}`, {
        domain: 'external',
        recovery: 'restart-job',
        where,
        hint: 'Check that the server runs and can be reached; raise patience when it may be away for longer.',
      });
    }
    await pause(clock, delayMs, signal);
  }
}

async function tryOnce(request: HttpRequest, { clock, timeoutMs, signal }: HttpAttemptOptions): Promise<Outcome> {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  let isLate = false;
  const timer = clock.setTimer(timeoutMs, () => {
    isLate = true;
    stop();
  });
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const { url, method, headers, body } = request;
  try {
    // oxlint-disable-next-line no-restricted-globals -- this is the edge: the library of this connector is Node's own
    const response = await fetch(url, { method, headers, body, redirect: 'manual', signal: controller.signal });
    return outcomeOf(response, await beginningOf(response), clock);
  } catch (error) {
    return { kind: 'again', why: isLate ? `no answer within ${timeoutMs} ms` : reasonOf(error), afterMs: 0 };
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', stop);
  }
}

function outcomeOf(response: Response, text: string, clock: Clock): Outcome {
  if (response.ok) return { kind: 'done' };
  const { status } = response;
  const why = `the answer was ${status}${text === '' ? '' : `: ${text}`}`;
  if (passing.has(status) || status >= 500)
    return { kind: 'again', why, afterMs: retryAfterMs(response.headers.get('Retry-After'), clock) };
  if (status >= 300 && status < 400) return { kind: 'refused', why: `it redirects (${status}): give the address it redirects to` };
  return { kind: 'refused', why };
}

/** Seconds, or a date; 0 for what is neither. */
export function retryAfterMs(text: string | null, clock: Pick<Clock, 'now'>): number {
  if (text === null) return 0;
  if (/^\s*\d+\s*$/.test(text)) return Number(text) * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? 0 : Math.max(0, at - clock.now());
}

/** Reads the answer, so that its connection can be used again; its beginning as text. */
async function beginningOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = response.body?.getReader();
  while (reader !== undefined && bytes <= limits.sinkResponseBytesMax) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    bytes += value.length;
  }
  if (bytes > limits.sinkResponseBytesMax) await reader?.cancel();
  return Buffer.concat(chunks).toString('utf8').slice(0, limits.sinkResponseTextMax).trim();
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = (cause as { code?: unknown } | null)?.code;
  return toErrorRecord(cause).message.replace(/^\w*Error: /, '') || String(code);
}
