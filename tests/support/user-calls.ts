/** What waits for calls of user code, for parts of a task that are tested alone. */
import { UserCalls } from '../../dataflow/task/user-calls.js';
import { ManualClock } from '../../testing/manual-clock.js';
import { silentLogger } from './silent-logger.js';

/** Without a bound, and without a word. */
export const userCalls = (): UserCalls =>
  new UserCalls({ task: 'task (1/1)', clock: new ManualClock(), logger: silentLogger, timeoutMs: 0 });
