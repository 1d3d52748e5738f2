import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { initialTransition, transition, type AnyMachineSnapshot, type AnyStateMachine } from 'xstate';
import { pureTransitionOf } from '../../state-machines/kit/pure-transition.js';
import { heartbeatMonitorMachine } from '../../state-machines/heartbeat-monitor/heartbeat-monitor-machine.js';
import { taskMachine } from '../../state-machines/task/task-machine.js';
import { taskSlotMachine } from '../../state-machines/task-slot/task-slot-machine.js';

const test = suite('pure transition');
const error = { code: 'X', domain: 'user', recovery: 'restart-job', message: 'x' };

const cases: readonly {
  readonly machine: AnyStateMachine;
  readonly input: unknown;
  readonly events: readonly { readonly type: string }[];
}[] = [
  {
    machine: taskMachine,
    input: undefined,
    events: [
      ...['START', 'DEPLOYED', 'RESTORED', 'TASK_FINISHED', 'CANCEL', 'CLOSED', 'FINAL_STATE_REPORTED', 'END_OF_DATA'].map((type) => ({
        type,
      })),
      ...['TASK_FAILED', 'REPORT_REFUSED'].map((type) => ({ type, error })),
      { type: 'TRIGGER_CHECKPOINT', checkpointId: 1, triggeredAt: 1 } as { type: string },
    ],
  },
  {
    machine: taskSlotMachine,
    input: { slot: 0, slotTimeoutMs: 10, offerRetryMs: 5 },
    events: [
      { type: 'ALLOCATE', jobId: 'j', allocationId: 'a' },
      ...['OFFER_ACCEPTED', 'OFFER_FAILED', 'OFFER_DUE'].flatMap((type) => [1, 2].map((offerId) => ({ type, offerId }))),
      { type: 'JOB_LOST', reason: 'r' },
      { type: 'FREE', allocationId: 'a', reason: 'r' },
      { type: 'THREAD_ENDED', allocationId: 'a', error },
    ] as { type: string }[],
  },
  {
    machine: heartbeatMonitorMachine,
    input: { intervalMs: 5, timeoutMs: 50, graceMs: 30 },
    events: [
      { type: 'BEAT', timer: 0 },
      { type: 'HEARTBEAT_RECEIVED' },
      { type: 'NO_RESPONDERS', at: 5 },
      { type: 'TIMED_OUT', timer: 1 },
      { type: 'CONNECTION_CHANGED', at: 1 },
    ] as { type: string }[],
  },
];

const plain = ([snapshot, actions]: readonly [AnyMachineSnapshot, readonly { readonly type: string; readonly params: unknown }[]]) => ({
  value: snapshot.value,
  context: snapshot.context,
  status: snapshot.status,
  actions: actions.map(({ type, params }) => ({ type, params })),
});

for (const { machine, input, events } of cases) {
  test(`${machine.id}: what it decides is what xstate's own transition decides, over random walks`, () => {
    let seed = 23;
    const next = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const pure = pureTransitionOf(machine);
    for (let walk = 0; walk < 50; walk++) {
      const start = initialTransition(machine, input as never);
      assert.equal(plain(pure.initial(input)), plain(start as never));
      let snapshot = start[0] as AnyMachineSnapshot;
      for (let step = 0; step < 30 && snapshot.status === 'active'; step++) {
        const event = events[Math.floor(next() * events.length)] as { type: string };
        const expected = transition(machine, snapshot as never, event as never);
        assert.equal(plain(pure.next(snapshot, event)), plain(expected as never));
        snapshot = expected[0] as AnyMachineSnapshot;
      }
    }
  });
}

test('two instances of a machine do not mix their decisions', () => {
  const pure = pureTransitionOf(taskSlotMachine);
  const input = { slot: 0, slotTimeoutMs: 10, offerRetryMs: 5 };
  const [first] = pure.initial(input);
  const [second] = pure.initial({ ...input, slot: 1 });
  const [, ofFirst] = pure.next(first, { type: 'ALLOCATE', jobId: 'j1', allocationId: 'a1' } as { type: string });
  const [, ofSecond] = pure.next(second, { type: 'ALLOCATE', jobId: 'j2', allocationId: 'a2' } as { type: string });
  assert.equal(ofFirst[0]?.params, { jobId: 'j1', allocationId: 'a1' });
  assert.equal(ofSecond[0]?.params, { jobId: 'j2', allocationId: 'a2' });
});

test.run();
