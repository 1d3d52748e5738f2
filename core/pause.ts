import type { Clock } from './ports.js';

/** Resolves after `delayMs`, or when the signal says to stop: look at it then. Leaves no timer behind. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', stop);
      resolve();
    };
    const timer = clock.setTimer(delayMs, stop);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
