/**
 * SIGINT and SIGTERM as people mean them: the first one stops in order, a second one at once.
 *
 * SS1  A terminal, npm and npx may all hand on the same Ctrl-C: signals within a moment of the first are the first.
 */

const sameMomentMs = 700;
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

export interface StopSignals {
  /** `exitCode` is what a shell expects of a process that the signal ended. */
  readonly first: (exitCode: number, signal: NodeJS.Signals) => void;
  readonly again: (exitCode: number, signal: NodeJS.Signals) => void;
  /** Default: SIGINT and SIGTERM. */
  readonly signals?: readonly (keyof typeof exitCodes)[];
}

/** Listens until the function it returns is called. */
export function onStopSignals({ first, again, signals = ['SIGINT', 'SIGTERM'] }: StopSignals): () => void {
  let firstAt: number | undefined;
  const listeners = signals.map((signal) => {
    const listener = (): void => {
      const now = performance.now();
      if (firstAt === undefined) {
        firstAt = now;
        first(exitCodes[signal], signal);
      } else if (now - firstAt > sameMomentMs) again(exitCodes[signal], signal);
    };
    process.on(signal, listener);
    return [signal, listener] as const;
  });
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}
