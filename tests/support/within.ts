/** Waiting with a bound: tests never sleep, they wait for something and say what for. */

/** The value of `promise`; rejects, naming `what` was awaited, when that takes longer than `ms`. */
export function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Resolves to the first value of `probe` that is not undefined or false; asks every `everyMs` for at most `ms`. */
export async function eventually<T>(
  ms: number,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  what: string,
  everyMs = 10,
): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** A promise with its levers. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export function deferred<T = void>(): Deferred<T> {
  let levers: Pick<Deferred<T>, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    levers = { resolve, reject };
  });
  return { promise, ...(levers as Pick<Deferred<T>, 'resolve' | 'reject'>) };
}
