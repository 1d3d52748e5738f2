import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  heartbeatMonitorCatalogueEntry,
  heartbeatMonitorMachine,
  type HeartbeatMonitorEffect,
  type HeartbeatMonitorEvent,
} from '../../state-machines/heartbeat-monitor/heartbeat-monitor-machine.js';
import { exploreShortestPaths, walkRandomly, type Step } from '../../state-machines/kit/exploration.js';
import { assertTotal } from '../../state-machines/kit/totality.js';
import { MachineHost } from '../../actors/runtime/machine-host.js';

const test = suite('heartbeat monitor machine');
const input = { intervalMs: 500, timeoutMs: 5_000, graceMs: 3_000 };

/** Timers count up without end, so samples follow the snapshot: the current timer and the one before. */
const samples = (snapshot: { readonly context: unknown }): readonly HeartbeatMonitorEvent[] => {
  const { beatTimer, timeoutTimer } = snapshot.context as { beatTimer: number; timeoutTimer: number };
  return [
    { type: 'BEAT', timer: beatTimer },
    { type: 'BEAT', timer: beatTimer - 1 },
    { type: 'HEARTBEAT_RECEIVED' },
    { type: 'NO_RESPONDERS', at: 100 },
    { type: 'NO_RESPONDERS', at: 9_000 },
    { type: 'TIMED_OUT', timer: timeoutTimer },
    { type: 'TIMED_OUT', timer: timeoutTimer - 1 },
    { type: 'CONNECTION_CHANGED', at: 50 },
    { type: 'STOP' },
  ];
};

/** The counters of timers make no difference to behaviour. */
const identify = (snapshot: { readonly value: unknown; readonly context: unknown }): string => {
  const { noRespondersInARow, graceUntil } = snapshot.context as { noRespondersInARow: number; graceUntil: number };
  return JSON.stringify([snapshot.value, noRespondersInARow, graceUntil]);
};

function start(): { host: MachineHost<typeof heartbeatMonitorMachine, HeartbeatMonitorEffect>; effects: () => readonly string[] } {
  const performed: HeartbeatMonitorEffect[] = [];
  const host = new MachineHost<typeof heartbeatMonitorMachine, HeartbeatMonitorEffect>({
    machine: heartbeatMonitorMachine,
    input,
    name: 'peer',
    perform: (effect) => performed.push(effect),
    onEffectFailed: (error) => {
      throw error;
    },
  });
  return { host, effects: () => performed.splice(0).map(({ type, params }) => `${type} ${JSON.stringify(params)}`) };
}

test('every leaf says what every event does', () => assertTotal(heartbeatMonitorMachine, heartbeatMonitorCatalogueEntry.events));

test('by shortest paths exactly the monitor states of Flink are reached, each end from RUNNING', () => {
  const { states, transitions } = exploreShortestPaths(heartbeatMonitorMachine, { input, events: samples, identify });
  assert.equal(states, ['CANCELED', 'RUNNING', 'TIMEOUT', 'UNREACHABLE']);
  assert.equal(transitions, ['RUNNING --NO_RESPONDERS--> UNREACHABLE', 'RUNNING --STOP--> CANCELED', 'RUNNING --TIMED_OUT--> TIMEOUT']);
});

test('over random walks a loss is announced only on entering its state, and UNREACHABLE only on the second suspicion (HM1, HM3)', () => {
  let seed = 3;
  const next = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  let losses = 0;
  const invariant = ({ from, to, effects, event }: Step): void => {
    const announced = effects.filter(({ type }) => type === 'announceLoss').length;
    const isLost = to.value === 'TIMEOUT' || to.value === 'UNREACHABLE';
    assert.is(announced, isLost ? 1 : 0);
    losses += announced;
    if (to.value === 'UNREACHABLE') {
      const before = from.context as { noRespondersInARow: number; graceUntil: number };
      assert.is(before.noRespondersInARow, 1);
      assert.ok((event as unknown as { at: number }).at >= before.graceUntil, 'HM4');
    }
  };
  walkRandomly(heartbeatMonitorMachine, { input, events: samples, walks: 300, steps: 50, next, invariant });
  assert.ok(losses > 100);
});

test('a beat is sent and the next one scheduled, whether or not the last was answered (HM5)', () => {
  const { host, effects } = start();
  assert.equal(effects(), ['watchTimeout {"timer":0,"delayMs":5000}']);
  host.send({ type: 'BEAT', timer: 0 });
  assert.equal(effects(), ['scheduleBeat {"timer":1,"delayMs":500}', 'sendHeartbeat {}']);
  host.send({ type: 'BEAT', timer: 1 });
  assert.equal(effects(), ['scheduleBeat {"timer":2,"delayMs":500}', 'sendHeartbeat {}']);
  host.send({ type: 'BEAT', timer: 1 });
  assert.equal(effects(), []);
  assert.is(host.ignored.get('RUNNING BEAT stale'), 1);
});

test('an answer between two no-responders clears the suspicion (HM2, HM3)', () => {
  const { host } = start();
  host.send({ type: 'NO_RESPONDERS', at: 10 });
  host.send({ type: 'HEARTBEAT_RECEIVED' });
  host.send({ type: 'NO_RESPONDERS', at: 20 });
  assert.is(host.state, 'RUNNING');
  host.send({ type: 'NO_RESPONDERS', at: 30 });
  assert.is(host.state, 'UNREACHABLE');
});

test('for 3 s after an own reconnect no-responders are not believed, but the timeout is (HM4)', () => {
  const { host, effects } = start();
  host.send({ type: 'CONNECTION_CHANGED', at: 1_000 });
  for (const at of [1_100, 2_000, 3_999]) host.send({ type: 'NO_RESPONDERS', at });
  assert.is(host.state, 'RUNNING');
  assert.is(host.ignored.get('RUNNING NO_RESPONDERS moot'), 3);
  effects();
  host.send({ type: 'TIMED_OUT', timer: 0 });
  assert.is(host.state, 'TIMEOUT');
  assert.equal(effects(), ['cancelTimers {}', 'announceLoss {"reason":"timeout"}']);
});

test('a timeout that was set before something was heard is stale (HM2)', () => {
  const { host } = start();
  host.send({ type: 'HEARTBEAT_RECEIVED' });
  host.send({ type: 'TIMED_OUT', timer: 0 });
  assert.is(host.state, 'RUNNING');
  assert.is(host.ignored.get('RUNNING TIMED_OUT stale'), 1);
});

test('what comes after the end is counted as late', () => {
  const { host, effects } = start();
  host.send({ type: 'STOP' });
  effects();
  host.send({ type: 'NO_RESPONDERS', at: 5 });
  host.send({ type: 'TIMED_OUT', timer: 0 });
  assert.equal(effects(), []);
  assert.is(host.ignored.get('CANCELED TIMED_OUT late'), 1);
});

test.run();
