import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HeartbeatMonitor, type HeartbeatLoss } from '../../actors/runtime/heartbeat-monitor.js';
import type { BusStatus } from '../../bus/contracts.js';
import { ManualClock } from '../../testing/manual-clock.js';

const test = suite('heartbeat monitor');

function start(isSender: boolean) {
  const clock = new ManualClock();
  const lost: HeartbeatLoss[] = [];
  const sent: number[] = [];
  const listeners = new Set<(status: BusStatus) => void>();
  const monitor = new HeartbeatMonitor({
    name: 'peer',
    intervalMs: 500,
    timeoutMs: 5_000,
    graceMs: 3_000,
    clock,
    bus: {
      onStatus: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    ...(isSender ? { send: () => void sent.push(clock.monotonic()) } : {}),
    onLost: (reason) => lost.push(reason),
    onEffectFailed: (error) => {
      throw error;
    },
  });
  return { clock, lost, sent, listeners, monitor };
}

test('a sender beats at once and then on its rhythm, whoever answers (HM5)', () => {
  const { clock, sent } = start(true);
  clock.advance(1_600);
  assert.equal(sent, [0, 500, 1_000, 1_500]);
});

test('a receiver sends nothing, and only silence for the whole timeout is a loss (HM2)', () => {
  const { clock, lost, monitor } = start(false);
  for (let beat = 0; beat < 20; beat++) {
    clock.advance(4_900);
    monitor.received();
  }
  assert.equal(lost, []);
  clock.advance(5_000);
  assert.equal(lost, ['timeout']);
  assert.is(monitor.state, 'TIMEOUT');
});

test('two beats that reach nobody are a loss within a second (HM3)', () => {
  const { clock, lost, monitor } = start(true);
  monitor.noResponders();
  clock.advance(500);
  monitor.noResponders();
  assert.equal(lost, ['unreachable']);
});

test('after a change of the own connection nobody is believed unreachable for a while (HM4)', () => {
  const { clock, lost, listeners, monitor } = start(true);
  for (const listener of listeners) listener('connected');
  for (let beat = 0; beat < 5; beat++) {
    clock.advance(500);
    monitor.noResponders();
  }
  assert.equal(lost, []);
  clock.advance(600);
  monitor.noResponders();
  monitor.noResponders();
  assert.equal(lost, ['unreachable']);
});

test('it keeps one timeout and one beat waiting however long it lives, and nothing after its end (HM1)', () => {
  const { clock, sent, listeners, monitor } = start(true);
  for (let beat = 0; beat < 50; beat++) {
    monitor.received();
    clock.advance(500);
  }
  assert.is(clock.pendingTimers(), 2);
  monitor.stop();
  assert.is(clock.pendingTimers(), 0);
  assert.is(listeners.size, 0);
  const before = sent.length;
  clock.advance(10_000);
  assert.is(sent.length, before);
});

test.run();
