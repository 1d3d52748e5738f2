/** Hostile bytes on every subject of a running cluster, over a real nats-server, from a stranger that holds no code of ours. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, type NatsConnection } from 'nats';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encode } from '../../bus/codec/cbor.js';
import type { ServerProcess } from '../../cluster/servers/server-process.js';
import { natsUrl } from '../../cluster/servers/start-servers.js';
import { committedLines, differenceOf } from '../../scripts/chaos/committed-lines.js';
import { boundTests } from '../support/bounds.js';
import { hostileBytes } from '../support/hostile-bytes.js';
import { expectedTallies } from '../support/jobs/tally.js';
import { startTestCluster, type TestCluster } from '../support/process-cluster.js';
import { temporaryDirectory } from '../support/temp-directory.js';
import { eventually } from '../support/within.js';

boundTests({ testMs: 120_000, fileMs: 240_000 });
const test = suite('hostile bytes on every subject');
const job = join(fileURLToPath(new URL('../support/jobs/', import.meta.url)), 'tally.js');
const records = 12_000;
/** Alone, most take less than 10 ms and none 25. Far above that, because other tests share the machine's cores and caches. */
const generousMs = 60;
/** `/proc/<pid>/stat` counts in these. */
const tickMs = 10;
const copies = 4;

let world: TestCluster;
let stranger: NatsConnection;

test.before(async () => {
  world = await startTestCluster();
  stranger = await connect({ servers: natsUrl(world.cluster.nats as ServerProcess) });
});
test.after(async () => {
  await stranger.close();
  await world.stop();
});

const plain = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Well-formed CBOR, and JSON, that is not what anybody asked for. */
const wrong: Readonly<Record<string, Uint8Array>> = {
  'an HTTP request': plain('GET / HTTP/1.1\r\n\r\n'),
  JSON: plain('{"type":"job.cancel","body":{}}'),
  'a map of nothing we know': encode({ hello: 'world' }),
  'an envelope of __proto__': encode({ v: 1, type: '__proto__', id: 'x', from: 'x', to: '>', body: { ['constructor']: { prototype: 1 } } }),
  'a message type that is none': encode({ v: 1, type: 'job.destroy', id: 'x', from: 'x', to: 'job-manager', body: {} }),
  'a frame of a kind that is none': encode([1, 'channel', 0, 250, null]),
  'a frame of another version': encode([9, 'channel', 0, 0, []]),
  'a frame of a channel that is not open': encode([1, 'f'.repeat(32), 0, 0, [1, 2, 3]]),
  'a frame with a sequence number below zero': encode([1, 'channel', -1, 0, []]),
};

const payloads: readonly (readonly [string, Uint8Array])[] = [
  ...Object.entries(hostileBytes).map(([name, [bytes]]) => [name, bytes] as const),
  ...Object.entries(wrong),
];

const subjectsOf = (jobId: string): readonly string[] =>
  [
    ...['job-manager', 'resource-manager', `job.${jobId}`, 'leader', `events.job.${jobId}`],
    ...['tm-1', 'tm-2'].flatMap((id) => [
      `task-manager.${id}`,
      ...[0, 1].flatMap((slot) => [`task-manager.${id}.slot.${slot}`, `task-manager.${id}.data.${slot}`]),
    ]),
  ].map((name) => `millrace.default.${name}`);

/** CPU time a process has used. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

/** Resolves when every process has been through what was sent before. */
const settled = async (): Promise<void> => {
  await stranger.flush();
  await world.ask((client) => client.overview());
};

test('in the middle of a job: counted, nothing ends or restarts, the output is exact', async () => {
  const output = temporaryDirectory('hostile');
  const words = ['--records', String(records), '--rate', '3000', '--output', output];
  const { output: said, errors } = await world.millrace('run', '--detached', '--json', job, '--', ...words);
  assert.is(errors, '');
  const { jobId } = JSON.parse(said) as { readonly jobId: string };
  await world.ask((client) =>
    eventually(30_000, async () => ((await client.describe(jobId as never))?.checkpointsCompleted ?? 0) >= 1, 'a first checkpoint', 20),
  );
  const subjects = subjectsOf(jobId);
  for (const [, bytes] of payloads) {
    for (const subject of subjects) {
      stranger.publish(subject, bytes);
      stranger.publish(subject, bytes, { reply: 'stranger.inbox' });
    }
    await stranger.flush();
  }
  const end = await world.ask((client) => client.waitForEnd(jobId as never));
  assert.is(end.status, 'FINISHED', JSON.stringify(end.error));
  assert.is(end.restarts, 0);
  assert.is(differenceOf(committedLines(output), expectedTallies(records, 7)), undefined);
  for (const { name, restarts } of world.cluster.processes) {
    assert.is(restarts, 0);
    assert.match(world.log(name), /"msg":"dead letter"/, name);
    if (name.startsWith('tm-')) assert.match(world.log(name), /what came on the data subject is no frame/, name);
  }
});

test('each costs who receives it less than 10 ms of processor time, generously bounded', async () => {
  const costs: { readonly name: string; readonly ms: number }[] = [];
  for (const [who, subject] of [
    ['jm-1', 'millrace.default.job-manager'],
    ['tm-1', 'millrace.default.task-manager.tm-1'],
  ] as const) {
    const pid = world.cluster.process(who)?.pid as number;
    for (const [name, bytes] of payloads) {
      let best = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 3 && (round === 0 || best > 10); round += 1) {
        const before = cpuMs(pid);
        for (let copy = 0; copy < copies; copy += 1) stranger.publish(subject, bytes);
        await settled();
        best = Math.min(best, (cpuMs(pid) - before) / copies);
      }
      costs.push({ name: `${name}, ${bytes.length} bytes, to ${who}`, ms: best });
    }
  }
  costs.sort((left, right) => right.ms - left.ms);
  for (const { name, ms } of costs.slice(0, 3)) console.log(`  ${ms.toFixed(1)} ms  ${name}`);
  console.log(`  ${(costs.reduce((sum, { ms }) => sum + ms, 0) / costs.length).toFixed(2)} ms  the mean of ${costs.length}`);
  for (const { name, ms } of costs) assert.ok(ms < generousMs, `${name}: ${ms.toFixed(1)} ms`);
  for (const { restarts } of world.cluster.processes) assert.is(restarts, 0);
});

test.run();
