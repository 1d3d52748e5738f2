/** A nats-server with a small max_payload between two slots: records of all sizes arrive as they were sent. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NatsBus } from '../../bus/transports/nats/connection.js';
import { connectNats, type NatsSettings } from '../../bus/transports/nats/connect.js';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import { buildJob } from '../../cluster/job-code/compiled-job.js';
import { importJob } from '../../cluster/job-code/job-module.js';
import { Configuration } from '../../core/configuration/configuration.js';
import { limits } from '../../core/limits.js';
import { ChannelNetwork } from '../../dataflow/channels/channel-network.js';
import { OutputPressure } from '../../dataflow/channels/channel-owner.js';
import type { SlotLocation } from '../../dataflow/channels/elements.js';
import type { InputChannel } from '../../dataflow/channels/input-channel.js';
import { noTimestamp } from '../../dataflow/contracts.js';
import { committedLines } from '../../scripts/chaos/committed-lines.js';
import { boundTests } from '../support/bounds.js';
import { channelId, consumerSlot, producerSlot } from '../support/channel-pair.js';
import { startEmbeddedCluster } from '../support/embedded-cluster.js';
import { expectedSizes, textOf } from '../support/jobs/sizes.js';
import { runScript, startTestCluster } from '../support/process-cluster.js';
import { natsUrl, startSmallNats } from '../support/servers.js';
import { silentLogger } from '../support/silent-logger.js';
import { temporaryDirectory } from '../support/temp-directory.js';
import { within } from '../support/within.js';

boundTests({ testMs: 60_000, fileMs: 120_000 });
const test = suite('small max_payload');
const url = new URL('../support/jobs/sizes.js', import.meta.url).href;
const records = 600;

/** A server that carries so many bytes a message. */
async function withServer(payloadBytesMax: number, action: (nats: NatsSettings) => Promise<void>): Promise<void> {
  const server = await startSmallNats(payloadBytesMax);
  try {
    await action({ servers: [natsUrl(server)] });
  } finally {
    await server.dispose();
  }
}

/** Two connections to it. */
async function withConnections(nats: NatsSettings, action: (left: NatsBus, right: NatsBus) => Promise<void>): Promise<void> {
  const connect = (name: string): Promise<NatsBus> => connectNats({ ...nats, name, clock: systemClock, logger: silentLogger });
  const [left, right] = [await connect('tm-1 data'), await connect('tm-2 data')];
  try {
    await action(left, right);
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
}

test('a job with records up to a megabyte runs over a server with a max_payload of 8 KiB', () =>
  withServer(8_192, async (nats) => {
    const cluster = startEmbeddedCluster({ taskManagers: 2, slots: 1, nats });
    try {
      const output = join(temporaryDirectory('sizes'), 'output');
      const parameters = { records: String(records), output };
      const jobGraph = buildJob(await importJob(url), { where: url, parameters, configuration: Configuration.defaults });
      const id = await cluster.client.submit({ jobGraph, code: { kind: 'module', url } });
      const { status, error } = await within(50_000, cluster.client.waitForEnd(id), 'the end of the job');
      assert.is(status, 'FINISHED', JSON.stringify(error));
      assert.equal(committedLines(output), expectedSizes(records));
    } finally {
      await cluster.close();
    }
  }));

test('a channel carries records up to a megabyte over a server with a max_payload of 1 KiB', () =>
  withServer(1_024, (nats) =>
    withConnections(nats, async (left, right) => {
      assert.is(left.payloadBytesMax, 1_024);
      const networkAt = (bus: NatsBus, location: SlotLocation): ChannelNetwork =>
        new ChannelNetwork({
          location,
          bus,
          dataSubject: ({ taskManagerId, slot }) => `data.${taskManagerId}.${slot}`,
          clock: systemClock,
          logger: silentLogger,
        });
      const [sending, receiving] = [networkAt(left, producerSlot), networkAt(right, consumerSlot)];
      const received: unknown[] = [];
      const allCame = new Promise<void>((resolve, reject) => {
        const onArrival = (channel: InputChannel): void => {
          for (let element = channel.poll(); element !== undefined; element = channel.poll()) {
            if (element.kind === 'end-of-partition') resolve();
            if (element.kind !== 'encoded') continue;
            received.push(...receiving.decodeBatch(element).values);
            channel.release();
          }
        };
        const pressure = new OutputPressure();
        let next = 1;
        const send = (): void => {
          while (next <= records && pressure.fullChannels === 0) {
            sender.add(textOf(next), noTimestamp);
            next += 1;
          }
          if (next === records + 1) sender.sendEvent({ kind: 'end-of-partition' });
          if (next > records) next += 1;
        };
        receiving.openInput({ channelId, peer: producerSlot, index: 0, listener: { onArrival, fail: reject } });
        const sender = sending.openOutput({
          channelId,
          peer: consumerSlot,
          owner: { wake: () => void setImmediate(send), fail: reject },
          pressure,
          isObjectReuse: false,
          operatorName: 'sizes',
        });
        send();
      });
      await within(50_000, allCame, 'the end of the partition');
      assert.equal(
        received,
        Array.from({ length: records }, (_, index) => textOf(index + 1)),
      );
      for (const network of [sending, receiving]) network.close();
    }),
  ));

test('a cluster of processes takes a job of any code over a server with a max_payload of 64 KiB (the least it may have)', () =>
  withServer(limits.payloadBytesMin, async ({ servers }) => {
    const world = await startTestCluster([`nats.servers=${servers[0]}`]);
    try {
      const directory = temporaryDirectory('sizes');
      const module = join(directory, 'job.mjs');
      const filler = 'f'.repeat(4 * limits.payloadBytesMin);
      writeFileSync(
        module,
        `import job from ${JSON.stringify(fileURLToPath(url))};\nglobalThis.filler = '${filler}';\nexport default job;\n`,
      );
      const output = join(directory, 'output');
      const { exitCode, errors } = await world.millrace('run', module, '--', '--records', String(records), '--output', output);
      assert.is(exitCode, 0, errors);
      assert.equal(committedLines(output), expectedSizes(records));
    } finally {
      await world.stop();
    }
  }));

test('a process refuses a server that carries less, and says what to set', () =>
  withServer(8_192, async ({ servers }) => {
    const { exitCode, errors } = await runScript('task-manager.js', [
      ...['-D', `nats.servers=${servers[0]}`],
      ...['-D', 'execution.checkpointing.storage=filesystem', '-D', `execution.checkpointing.dir=${temporaryDirectory('checkpoints')}`],
    ]);
    assert.is(exitCode, 2, errors);
    assert.match(errors, /carries messages of 8192 bytes at most; 65536 are needed\. \[NATS_PAYLOAD_TOO_SMALL\] Set max_payload/);
  }));

test.run();
