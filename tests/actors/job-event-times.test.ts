/** "Why does my window not fire?": what a job says of its event time, from what its tasks reported. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventTimesOf } from '../../actors/scheduler/job-event-times.js';
import type { TaskTimeReport, TimeHolder } from '../../bus/protocol/event-times.js';
import { noTaskMetrics } from '../../bus/protocol/messages/tasks.js';
import { eventTimeLines } from '../../cluster/cli/event-time-display.js';
import type { CheckpointId, EdgeId, OperatorId, VertexId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import type { JobGraph } from '../../graph/types.js';

const id = (name: string) => name as OperatorId;
const vertex = (name: string, parallelism: number, ...chained: string[]) => ({
  id: name as VertexId,
  name,
  parallelism,
  operators: [name, ...chained].map((one) => ({ id: id(one), name: one })),
  chainedEdges: chained.map((one, index) => ({ source: id([name, ...chained][index] as string), target: id(one), sideOutput: null })),
});
const edge = (from: string, to: string, operator = from) => ({
  id: `${from}-${to}` as EdgeId,
  sourceVertex: from as VertexId,
  targetVertex: to as VertexId,
  sourceOperator: id(operator),
});

/** Two sources, one of them with an operator that assigns timestamps behind it, into a window with a sink chained to it. */
const plan = {
  vertices: [vertex('bids', 2), vertex('people', 1, 'parse', 'assign'), vertex('window', 2, 'sink')],
  edges: [edge('bids', 'window'), edge('people', 'window', 'assign')],
} as unknown as Pick<JobGraph, 'vertices' | 'edges'>;

function time(operator: string, watermark: number | null, heldBy: TimeHolder | null, more: Partial<TaskTimeReport> = {}): TaskTimeReport {
  return { operatorId: id(operator), watermark, since: 1_000, isIdle: false, heldBy, idle: 0, finished: 0, nextTimers: [], ...more };
}
const channel = (from: string, peerSubtask: number): TimeHolder => ({ kind: 'channel', edgeId: `${from}-window` as EdgeId, peerSubtask });
const task = (name: string, subtaskIndex: number, ...eventTimes: TaskTimeReport[]) => ({
  vertexId: name as VertexId,
  subtaskIndex,
  metrics: { ...noTaskMetrics, eventTimes },
});
const split = (splitId: string): TimeHolder => ({ kind: 'split', splitId });

const test = suite('event time of a job');

test('the subtask that is furthest behind speaks for its operator, and what holds it is followed to where time begins (JT1, JT2)', () => {
  const { eventTimes = [] } = eventTimesOf(plan, [
    task('bids', 0, time('bids', 9_000, split('a'))),
    task('bids', 1, time('bids', 5_000, split('b'))),
    task('people', 0, time('people', null, { kind: 'no-strategy' }), time('assign', 7_000, { kind: 'records' })),
    task('window', 0, time('window', 5_000, channel('bids', 1), { nextTimers: [{ operatorId: id('window'), at: 9_999 }], idle: 1 })),
    task('window', 1, time('window', 7_000, channel('people', 0), { nextTimers: [{ operatorId: id('window'), at: 7_999 }] })),
  ]);
  const rows = eventTimes.map(({ operator, task: of, watermark, heldBy, nextTimer }) => [operator, of, watermark, heldBy, nextTimer]);
  assert.equal(rows, [
    ['bids', 'bids (2/2)', 5_000, ['split "b"'], null],
    ['people', 'people (1/1)', null, ['the source has no watermark strategy'], null],
    ['parse', 'people (1/1)', null, ['the source has no watermark strategy'], null],
    ['assign', 'people (1/1)', 7_000, ['no record with a later timestamp'], null],
    ['window', 'window (1/2)', 5_000, ['bids (2/2)', 'split "b"'], 7_999],
    ['sink', 'window (1/2)', 5_000, ['bids (2/2)', 'split "b"'], null],
  ]);
  assert.equal(
    eventTimeLines({ eventTimes }, 4_000).filter((line) => /^event|^ {2}window /.test(line)),
    [
      'event time:',
      '  window  1970-01-01T00:00:05.000Z for 3 s, window (1/2) is held by bids (2/2) ← split "b", 1 idle, next timer 1970-01-01T00:00:07.999Z',
    ],
  );
});

test('time that has not moved since a restart says which checkpoint it is from', () => {
  const { eventTimes = [] } = eventTimesOf(plan, [
    task('window', 0, time('window', 5_000, null, { restoredFrom: 7 as CheckpointId })),
    task('window', 1, time('window', 7_000, null)),
  ]);
  assert.is(eventTimes[0]?.restoredFrom, 7);
  assert.match(eventTimeLines({ eventTimes }, 4_000)[1] ?? '', /05\.000Z for 3 s, restored from checkpoint 7/);
});

test('a channel from an operator in the middle of a chain is held by what makes the time there (JT2)', () => {
  const { eventTimes = [] } = eventTimesOf(plan, [
    task('people', 0, time('people', null, { kind: 'no-strategy' }), time('assign', 7_000, { kind: 'records' })),
    task('window', 0, time('window', 7_000, channel('people', 0))),
  ]);
  assert.equal(eventTimes.at(-1)?.heldBy, ['people (1/1)', 'no record with a later timestamp']);
});

test('idle subtasks speak only when all are (JT1)', () => {
  const idle = { isIdle: true };
  const [busy] =
    eventTimesOf(plan, [task('bids', 0, time('bids', 9_000, split('a'))), task('bids', 1, time('bids', 5_000, null, idle))]).eventTimes ??
    [];
  assert.equal([busy?.watermark, busy?.isIdle], [9_000, false]);
  const [quiet] =
    eventTimesOf(plan, [task('bids', 0, time('bids', 9_000, null, idle)), task('bids', 1, time('bids', null, null, idle))]).eventTimes ??
    [];
  assert.equal([quiet?.watermark, quiet?.isIdle, quiet?.heldBy], [null, true, []]);
});

test('a job without event time, or whose tasks have not reported, shows none; of many operators the first ones (JT3)', () => {
  assert.equal(eventTimesOf(plan, [task('bids', 0), task('window', 0)]), {});
  const { eventTimes = [] } = eventTimesOf(plan, [task('bids', 0, time('bids', null, { kind: 'no-strategy' }))]);
  assert.equal(eventTimeLines({ eventTimes }, 0), []);
  const names = Array.from({ length: limits.eventTimesShown + 9 }, (_, index) => `o${index}`);
  const wide = { vertices: names.map((name) => vertex(name, 1)), edges: [] } as unknown as typeof plan;
  const many = eventTimesOf(
    wide,
    names.map((name) => task(name, 0, time(name, 1, null))),
  ).eventTimes;
  assert.is(many?.length, limits.eventTimesShown);
});

test('a report that names unknown ends is shown as far as it is understood', () => {
  const foreign: TimeHolder = { kind: 'channel', edgeId: 'gone' as EdgeId, peerSubtask: 0 };
  const { eventTimes } = eventTimesOf(plan, [task('window', 0, time('window', Number.MAX_SAFE_INTEGER, foreign))]);
  assert.equal(eventTimes?.[0]?.heldBy, []);
});

test.run();
