/** Clusters are killed piece by piece while a job runs, and its output is compared with a naive computation. */
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noTaskMetrics, type TaskMetrics } from '../../bus/protocol/messages/tasks.js';
import type { VertexStatus } from '../../bus/protocol/messages/jobs.js';
import type { AttemptId } from '../../core/ids.js';
import { creditFaultOf } from '../../scripts/chaos/credit-fault.js';
import type { RunReport } from '../../scripts/chaos/chaos-run.js';
import { committedLines, differenceOf } from '../../scripts/chaos/committed-lines.js';
import { chaosEmbedded } from '../../scripts/chaos/embedded-chaos.js';
import { chaosOverProcesses } from '../../scripts/chaos/process-chaos.js';
import { boundTests } from '../support/bounds.js';
import { temporaryDirectory } from '../support/temp-directory.js';

boundTests({ testMs: 150_000, fileMs: 330_000 });
const test = suite('chaos');
const boundMs = 140_000;
const say = (): void => undefined;

function assertRight(report: RunReport, kills: number): void {
  assert.is(report.problem, null, JSON.stringify(report, null, 2));
  assert.is(report.kills, kills);
  assert.ok(committedLines(report.output).length > 9_000, 'there was something to compare');
}

test('a TaskManager and the JobManager are killed, the JobManager paused past its lease, nats-server and redis-server restarted: every record is in the output once', async () => {
  const size = { records: 5_000, recordsPerSecond: 700, intervalMs: 200 };
  const directory = join(temporaryDirectory('chaos'), 'run');
  const report = await chaosOverProcesses({ seed: 4, directory, size, kills: 3, boundMs, say, isWithServers: true, isWithPauses: true });
  assertRight(report, 3);
  assert.ok(report.killsOf.some((name) => name.startsWith('task-manager')));
  assert.ok(report.killsOf.some((name) => name.startsWith('job-manager')));
  assert.equal(report.pausesOf, ['job-manager jm-1']);
  assert.equal([...report.serverRestarts].sort(), ['nats-server', 'redis-server']);
});

test('slot threads of an embedded cluster are killed: every record is in the output once', async () => {
  const size = { records: 5_000, recordsPerSecond: 1_000, intervalMs: 200 };
  const directory = join(temporaryDirectory('chaos'), 'run');
  assertRight(await chaosEmbedded({ seed: 1, directory, size, kills: 3, boundMs, say }), 3);
});

test('a task that went beyond its credit, or a slot that granted more than it may, is told by name', () => {
  const vertexWith = (metrics: Partial<TaskMetrics>): VertexStatus => ({
    vertexId: 'v' as VertexStatus['vertexId'],
    name: 'count',
    parallelism: 1,
    subtasks: [
      {
        subtaskIndex: 0,
        attemptId: 'v_0_1_0' as AttemptId,
        state: 'RUNNING',
        taskManagerId: null,
        metrics: { ...noTaskMetrics, grantBytesMax: 100, ...metrics },
        load: null,
      },
    ],
  });
  assert.is(creditFaultOf({}), undefined);
  assert.is(creditFaultOf({ vertices: [vertexWith({ grantedBytesPeak: 100 })] }), undefined);
  assert.match(
    creditFaultOf({ vertices: [vertexWith({}), vertexWith({ overGrantFrames: 2 })] }) ?? '',
    'CREDIT: subtask 0 of count sent or got 2',
  );
  assert.match(creditFaultOf({ vertices: [vertexWith({ segmentsPeak: 1 })] }) ?? '', 'had 1 segments and may have 0');
  assert.match(creditFaultOf({ vertices: [vertexWith({ grantedBytesPeak: 101 })] }) ?? '', 'granted 101 bytes and may 100');
  assert.is(creditFaultOf({ vertices: [vertexWith({ grantedBytesPeak: 110, grantBytesForced: 10 })] }), undefined);
  assert.match(creditFaultOf({ vertices: [vertexWith({ grantedBytesPeak: 111, grantBytesForced: 10 })] }) ?? '', 'and may 110');
});

test('lines that are missing, there too often, or never expected are told apart', () => {
  assert.is(differenceOf(['a', 'a', 'b'], ['b', 'a', 'a']), undefined);
  assert.equal(differenceOf(['a', 'b', 'b', 'x'], ['a', 'a', 'b', 'c']), { missing: ['a', 'c'], duplicated: ['b'], unexpected: ['x'] });
  assert.equal(differenceOf([], ['a']), { missing: ['a'], duplicated: [], unexpected: [] });
});

test.run();
