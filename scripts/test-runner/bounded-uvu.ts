/**
 * uvu with the three things it lacks: a bound in time for each test and hook, failing hooks that count, and a notice
 * when a suite registered tests but was never run.
 *
 * `uvu-resolve.ts` puts this module in the place of `uvu` inside a test file's process. It wraps the functions that
 * tests register and leaves running them to uvu.
 *
 * - TR1 a test or hook that takes longer than its bound fails; its late outcome is ignored.
 * - TR2 a hook that throws fails the file (uvu's own runner drops an error thrown by `before` or `after`).
 * - TR3 tests of a suite whose `run()` was not called are counted as unrun.
 */
import * as uvu from 'uvu';
import { testBoundMsDefault, fileBoundMsDefault, type FileMessage, type TestBounds } from './messages.js';

/** What all suites of this file did so far. */
export const record = { registered: 0, ran: 0, hookFailures: 0 };

/** Bounds in force; a file widens them before it registers its tests. */
export const bounds: TestBounds = { testMs: testBoundMsDefault, fileMs: fileBoundMsDefault };

/** A callback that always returns a promise. */
type Timed<State> = (state: Parameters<uvu.Callback<State>>[0]) => Promise<void>;

const tell = (message: FileMessage): void => void process.send?.(message);

function bounded<State>(name: string, handler: uvu.Callback<State>): Timed<State> {
  return async (state) => {
    const ms = bounds.testMs;
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${name} took longer than ${ms} ms`)), ms);
    });
    try {
      await Promise.race([handler(state), timeUp]);
    } finally {
      clearTimeout(timer);
    }
  };
}

function test<State>(suiteName: string, name: string, handler: uvu.Callback<State>): uvu.Callback<State> {
  const run = bounded(`the test ${JSON.stringify(name)}`, handler);
  return async (state) => {
    tell({ kind: 'test-started', name: `${suiteName} › ${name}` });
    await run(state);
  };
}

function hook<State>(suiteName: string, kind: string, handler: uvu.Callback<State>): uvu.Callback<State> {
  const run = bounded(`the hook ${kind}`, handler);
  return async (state) => {
    tell({ kind: 'test-started', name: `${suiteName} › ${kind}` });
    try {
      await run(state);
    } catch (error) {
      record.hookFailures += 1;
      const report = error instanceof Error ? (error.stack ?? error.message) : String(error);
      tell({ kind: 'test-failed', name: `${suiteName} › ${kind}`, report });
      throw error;
    }
  };
}

/** As uvu's `suite`, with bounds and counts. */
export function suite<State = uvu.Context>(name = '', state?: State): uvu.Test<State> {
  const inner = uvu.suite<State>(name, state);
  let waiting = 0;
  const register = (into: (name: string, handler: uvu.Callback<State>) => void) => (title: string, handler: uvu.Callback<State>) => {
    record.registered += 1;
    waiting += 1;
    into(title, test(name, title, handler));
  };
  const hooks = (into: (handler: uvu.Callback<State>) => void, kind: string) => (handler: uvu.Callback<State>) =>
    into(hook(name, kind, handler));
  return Object.assign(register(inner), {
    only: register(inner.only),
    skip: inner.skip,
    before: Object.assign(hooks(inner.before, 'before'), { each: hooks(inner.before.each, 'before.each') }),
    after: Object.assign(hooks(inner.after, 'after'), { each: hooks(inner.after.each, 'after.each') }),
    run: () => {
      record.ran += waiting;
      waiting = 0;
      inner.run();
    },
  });
}

const unnamed = suite();

/** As uvu's `test`: the suite without a name. */
export { unnamed as test };
export const exec = uvu.exec;
