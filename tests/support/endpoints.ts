/** Endpoints on an in-process bus, and envelopes as anybody may send them. */
import { BusError, type BusFailure } from '../../bus/contracts.js';
import { createEndpoint } from '../../bus/endpoint.js';
import type { Address, Endpoint, Envelope } from '../../bus/endpoint-contract.js';
import { createSubjects } from '../../bus/protocol/subjects.js';
import { InProcessHub } from '../../bus/transports/in-process/hub.js';
import { systemClock, systemRandom } from '../../cluster/adapters/system-clock.js';
import { MillraceError } from '../../core/errors.js';
import { jobId } from '../../core/ids.js';
import { silentLogger } from './silent-logger.js';

export const subjects = createSubjects({ clusterId: 'test' });
export const jobManager: Address = { kind: 'job-manager' };
/** A body of `job.describe`. */
export const describe = { jobId: jobId('a'.repeat(32)) };

/** A hub, a bare connection to it, and a maker of endpoints on it. */
export function world() {
  const hub = new InProcessHub({ clock: systemClock, logger: silentLogger, defer: setImmediate });
  const raw = hub.connect('raw');
  const endpoint = (name: string, logger = silentLogger): Endpoint =>
    createEndpoint({ name, bus: hub.connect(name), subjects, clock: systemClock, random: systemRandom, logger });
  return { hub, raw, endpoint };
}

/** A sound ask from outside, with changes. */
export const envelope = (changes: Partial<Record<keyof Envelope, unknown>> = {}): Record<string, unknown> => ({
  version: 1,
  id: `test-${systemRandom.hex(6)}`,
  type: 'job.describe',
  from: 'test',
  to: 'job-manager',
  leaderEpoch: 0,
  attempt: null,
  correlationId: null,
  causationId: null,
  sentAt: 0,
  body: describe,
  ...changes,
});

/** What a promise comes to, whether it resolves or rejects. */
export async function outcome(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    return error;
  }
}

export const failureOf = (error: unknown): BusFailure | undefined => (error instanceof BusError ? error.failure : undefined);
export const codeOf = (error: unknown): string | undefined => (error instanceof MillraceError ? error.code : undefined);
