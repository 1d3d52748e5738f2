/** Frames of a running job, taken from a real nats-server by a stranger, changed and sent again; and records that no frame can carry. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect, type NatsConnection } from 'nats';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import type { ServerProcess } from '../../cluster/servers/server-process.js';
import { natsUrl } from '../../cluster/servers/start-servers.js';
import type { ChannelId } from '../../core/ids.js';
import { frameKinds, type FrameHeader } from '../../dataflow/channels/frame-codec.js';
import { headerTemplate, readFrameHeader, writeUint64 } from '../../dataflow/channels/frame-header.js';
import { committedLines, differenceOf } from '../../scripts/chaos/committed-lines.js';
import { boundTests } from '../support/bounds.js';
import { expectedTallies } from '../support/jobs/tally.js';
import { startTestCluster, type TestCluster } from '../support/process-cluster.js';
import { temporaryDirectory } from '../support/temp-directory.js';

boundTests({ testMs: 90_000, fileMs: 240_000 });
const test = suite('foreign frames');
const jobs = fileURLToPath(new URL('../support/jobs/', import.meta.url));
const records = 12_000;

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

/** What the stranger makes of a frame that it saw; undefined: nothing. */
type Forge = (payload: Uint8Array, header: FrameHeader) => Uint8Array | undefined;

/** Runs the tally job; every frame between its processes is shown to `forge`, and what that makes is sent to the same slot. */
async function tallyWith(forge: Forge): Promise<{ readonly end: JobSummary; readonly forged: number; readonly output: string }> {
  let forged = 0;
  const subscription = stranger.subscribe('millrace.default.task-manager.*.data.>', {
    callback: (_, { subject, data }) => {
      const header = readFrameHeader(data);
      const made = header === undefined ? undefined : forge(data, header);
      if (made === undefined) return;
      forged += 1;
      stranger.publish(subject, made);
    },
  });
  await stranger.flush();
  const output = temporaryDirectory('foreign');
  const words = ['--records', String(records), '--rate', '3000', '--output', output];
  const { output: said, errors } = await world.millrace('run', '--detached', '--json', join(jobs, 'tally.js'), '--', ...words);
  assert.is(errors, '');
  const { jobId } = JSON.parse(said) as { readonly jobId: string };
  await world.ask((client) => client.waitForEnd(jobId as never));
  subscription.unsubscribe();
  const { output: status } = await world.millrace('status', '--json', jobId);
  return { end: JSON.parse(status) as JobSummary, forged, output };
}

/** The same frame under another channel. */
function ofChannel(payload: Uint8Array, { channelId }: FrameHeader, other: string): Uint8Array {
  assert.is(other.length, channelId.length);
  const copy = Uint8Array.from(payload);
  copy.set(new TextEncoder().encode(other), headerTemplate(channelId, frameKinds.data, 0).seqOffset - 1 - other.length);
  return copy;
}

const isExact = (output: string): void => assert.is(differenceOf(committedLines(output), expectedTallies(records, 7)), undefined);

test('a frame that is sent again is dropped and counted; the output is exact (D1)', async () => {
  const mine = new Set<string>();
  const { end, forged, output } = await tallyWith((payload, { channelId, seq, kind }) => {
    if (kind >= frameKinds.grant) return undefined;
    // Its own copies come back to it.
    const name = `${channelId} ${seq}`;
    if (mine.has(name)) return undefined;
    mine.add(name);
    return Uint8Array.from(payload);
  });
  assert.is(end.status, 'FINISHED', JSON.stringify(end.error));
  assert.is(end.restarts, 0);
  assert.ok(forged >= 10, `${forged} frames were repeated`);
  const metrics = (end.vertices ?? []).flatMap(({ subtasks }) => subtasks.map((subtask) => subtask.metrics));
  const duplicates = metrics.reduce((sum, { duplicateFrames = 0 }) => sum + duplicateFrames, 0);
  assert.ok(duplicates >= forged - 2 && duplicates <= forged, `${duplicates} of ${forged} were counted`);
  isExact(output);
  const slots = metrics.map(({ segmentsInUse, segmentsPeak, segmentsMax }) => ({ segmentsInUse, segmentsPeak, segmentsMax }));
  assert.ok(
    slots.every(({ segmentsInUse, segmentsPeak, segmentsMax }) => segmentsInUse <= segmentsPeak && segmentsPeak <= segmentsMax),
    JSON.stringify(slots),
  );
  assert.ok(
    slots.some(({ segmentsPeak }) => segmentsPeak > 0),
    'the frames between the processes left in segments',
  );
});

test('frames of an old attempt and of a channel that nobody knows are dropped, and told to the log (N1)', async () => {
  const seen = new Set<string>();
  const { end, forged, output } = await tallyWith((payload, header) => {
    const { channelId, seq, kind } = header;
    if (kind !== frameKinds.data || seen.has(channelId) || seq % 2 === 1) return undefined;
    // The attempt of the sender, and the edge.
    const old = channelId.replace(/_(\d)_(\d)~/, (_, epoch: string) => `_${epoch}_9~`);
    const strange = `z${channelId.slice(1)}`;
    for (const other of [old, strange]) seen.add(other as ChannelId);
    return ofChannel(payload, header, seq % 4 === 0 ? old : strange);
  });
  assert.is(end.status, 'FINISHED', JSON.stringify(end.error));
  assert.is(end.restarts, 0);
  assert.ok(forged >= 10, `${forged} frames were forged`);
  assert.match(`${world.log('tm-1')}${world.log('tm-2')}`, /a frame for a channel that is not open here was dropped/);
  isExact(output);
});

test('a frame of a codec from the future fails the job with FRAME_VERSION, which names the task and says what to do', async () => {
  const dataOf = new Map<string, Uint8Array>();
  const { end, forged, output } = await tallyWith((payload, { channelId, seq, kind }) => {
    if (kind === frameKinds.data) dataOf.set(channelId, Uint8Array.from(payload));
    // Behind a barrier, because nothing follows one for a while: else the true frame of that number may come first.
    const data = dataOf.get(channelId);
    if (kind !== frameKinds.barrier || data === undefined) return undefined;
    writeUint64(data, headerTemplate(channelId, frameKinds.data, 0).seqOffset, seq + 1);
    data[readFrameHeader(data)?.bodyOffset as number] = 9;
    return data;
  });
  assert.ok(forged >= 1);
  assert.is(end.status, 'FAILED');
  assert.is(end.error?.code, 'FRAME_VERSION');
  assert.match(end.error?.message ?? '', /version 9 of the codec/);
  assert.match(end.error?.where ?? '', /Reduce/);
  assert.match(end.error?.hint ?? '', /same version of Millrace in all processes/);
  const expected = new Set(expectedTallies(records, 7));
  for (const line of committedLines(output)) assert.ok(expected.delete(line), `${line} is not expected, or was committed twice`);
});

for (const [what, field] of [
  ['function', /its field inner\.odd is a function/],
  ['symbol', /its field inner\.odd is a symbol/],
  ['cycle', /its field inner\.odd\.again refers to itself/],
] as const) {
  test(`a record with a ${what} fails the job, naming the operator and the field`, async () => {
    const { exitCode, output } = await world.millrace('run', '--json', join(jobs, 'unencodable.js'), '--', '--what', what);
    assert.is(exitCode, 1);
    const { status, error } = JSON.parse(output) as JobSummary;
    assert.is(status, 'FAILED');
    assert.is(error?.code, 'RECORD_NOT_ENCODABLE', JSON.stringify(error));
    assert.match(`${error?.message}`, field);
    assert.match(`${error?.where}`, /widen/);
  });
}

test.run();
