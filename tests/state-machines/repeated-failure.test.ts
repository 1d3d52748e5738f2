/** A record that fails a job again and again ends it at a bound; a service that is away for a while does not. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MachineHost } from '../../actors/runtime/machine-host.js';
import type { ErrorRecord } from '../../core/errors.js';
import type { ExecutionVertexId } from '../../graph/execution-graph.js';
import type { RepeatedFailureBound } from '../../graph/types.js';
import { schedulerMachine } from '../../state-machines/scheduler/scheduler-machine.js';
import type { SchedulerEffect, SchedulerEvent } from '../../state-machines/scheduler/scheduler-model.js';

const test = suite('repeated failures');

const poison: ErrorRecord = {
  code: 'USER_FUNCTION_FAILED',
  domain: 'user',
  recovery: 'restart-job',
  where: 'parse',
  message: 'bad record',
};
const another: ErrorRecord = { ...poison, message: 'another record' };
const elsewhere: ErrorRecord = { ...poison, where: 'count' };
const lost: ErrorRecord = { code: 'TASK_MANAGER_LOST', domain: 'external', recovery: 'restart-job', message: 'gone' };
const neighbour: ErrorRecord = { code: 'CHANNEL_LOST', domain: 'internal', recovery: 'restart-job', message: 'the other end is gone' };

const subtask: ExecutionVertexId = 'a_0';
const bound: RepeatedFailureBound = { attempts: 3, timeMs: 1_000 };

/** A scheduler whose tasks run; a failure is one round of restarts. */
class Job {
  readonly #host: MachineHost<typeof schedulerMachine, SchedulerEffect>;
  restarts = 0;

  constructor(repeatedFailure: RepeatedFailureBound | undefined) {
    this.#host = new MachineHost<typeof schedulerMachine, SchedulerEffect>({
      machine: schedulerMachine,
      input: {
        regions: [[subtask]],
        failover: 'region',
        restartStrategy: {
          kind: 'exponential-delay',
          initialBackoffMs: 1,
          maxBackoffMs: 1,
          multiplier: 1,
          resetThresholdMs: 1_000,
          resetAfterCheckpoints: 1,
          jitter: 0,
        },
        slotRequestTimeoutMs: 1_000,
        repeatedFailure,
      },
      name: 'job',
      perform: () => undefined,
      onEffectFailed: (error) => assert.unreachable(String(error)),
    });
    this.#send({ type: 'START' });
    this.#deploy();
  }

  get state(): string {
    return this.#host.state;
  }

  get hint(): string {
    return this.#host.context.error?.hint ?? '';
  }

  /** A task fails with `first`; what was behind it turns up while the others are cancelled. */
  fail(at: number, first: ErrorRecord, cause?: ErrorRecord): void {
    this.#send({ type: 'SUBTASKS_FAILED', subtasks: [subtask], error: first, at, random: 0.5 });
    if (this.state !== 'restarting') return;
    if (cause !== undefined) this.#send({ type: 'CAUSE_LEARNED', error: cause });
    this.restarts += 1;
    this.#send({ type: 'BACKOFF_OVER', round: this.#host.context.round });
    this.#deploy();
  }

  checkpoint(): void {
    this.#send({ type: 'CHECKPOINT_COMPLETED' });
  }

  #deploy(): void {
    this.#send({ type: 'SLOTS_ASSIGNED', round: this.#host.context.round });
    this.#send({ type: 'RESTORE_POINT_FOUND', round: this.#host.context.round });
  }

  #send(event: SchedulerEvent): void {
    this.#host.send(event);
  }
}

type Step = readonly [at: number, error: ErrorRecord, cause?: ErrorRecord] | 'checkpoint';
const cases: readonly {
  readonly what: string;
  readonly steps: readonly Step[];
  readonly restarts: number;
  readonly bound?: RepeatedFailureBound | null;
}[] = [
  {
    what: 'the same failure, too often and for too long',
    steps: [
      [0, poison],
      [400, poison],
      [800, poison],
      [1_200, poison],
    ],
    restarts: 3,
  },
  {
    what: 'one fewer',
    steps: [
      [0, poison],
      [600, poison],
      [1_200, poison],
    ],
    restarts: 3,
  },
  {
    what: 'too often, but not for long',
    steps: [
      [0, poison],
      [1, poison],
      [2, poison],
      [3, poison],
      [999, poison],
    ],
    restarts: 5,
  },
  {
    what: 'exactly so long',
    steps: [
      [0, poison],
      [1, poison],
      [2, poison],
      [1_000, poison],
    ],
    restarts: 3,
  },
  { what: 'a checkpoint in between', steps: [[0, poison], [400, poison], [800, poison], 'checkpoint', [1_200, poison]], restarts: 4 },
  {
    what: 'another message in between',
    steps: [
      [0, poison],
      [400, poison],
      [800, another],
      [1_200, poison],
    ],
    restarts: 4,
  },
  {
    what: 'another operator in between',
    steps: [
      [0, poison],
      [400, poison],
      [800, elsewhere],
      [1_200, poison],
    ],
    restarts: 4,
  },
  {
    what: 'a lost TaskManager in between',
    steps: [
      [0, poison],
      [400, poison],
      [600, lost],
      [800, poison],
      [1_200, poison],
    ],
    restarts: 4,
  },
  {
    what: 'what is no failure of user code',
    steps: [
      [0, lost],
      [400, lost],
      [800, lost],
      [1_200, lost],
      [9_000, lost],
    ],
    restarts: 5,
  },
  {
    what: 'a cause that turns up after the loss of a neighbour',
    steps: [
      [0, neighbour, poison],
      [400, neighbour, poison],
      [800, neighbour, poison],
      [1_200, poison],
    ],
    restarts: 3,
  },
  {
    what: 'without a bound',
    steps: [
      [0, poison],
      [400, poison],
      [800, poison],
      [1_200, poison],
      [9_000, poison],
    ],
    restarts: 5,
    bound: null,
  },
  {
    what: 'with a bound of 0',
    steps: [
      [0, poison],
      [400, poison],
      [800, poison],
      [1_200, poison],
    ],
    restarts: 4,
    bound: { attempts: 0, timeMs: 0 },
  },
];

for (const { what, steps, restarts, bound: of = bound } of cases) {
  const failures = steps.filter((step) => step !== 'checkpoint').length;
  test(`${what}: ${restarts === failures ? 'the job goes on' : 'the job is given up'} (S6, RF1, RF2)`, () => {
    const job = new Job(of ?? undefined);
    for (const step of steps) {
      if (step === 'checkpoint') job.checkpoint();
      else job.fail(...step);
    }
    assert.is(job.restarts, restarts);
    const isGivenUp = restarts < failures;
    assert.is(job.state === 'executing', !isGivenUp, job.state);
    if (isGivenUp) assert.match(job.hint, /It was not restarted: it failed so 4 times in a row .* \.onError\(\{ deadLetter: tag \}\)/);
  });
}

test.run();
