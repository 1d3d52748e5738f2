/** What the network of a slot dropped is counted, and told to the log ever more rarely. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { FrameBus, BusMessage } from '../../bus/contracts.js';
import type { ChannelId } from '../../core/ids.js';
import type { Logger } from '../../core/ports.js';
import { ChannelNetwork } from '../../dataflow/channels/channel-network.js';
import { createColumnarCodec } from '../../dataflow/columnar/columnar-codec.js';
import { Simulation } from '../../testing/simulator/simulation.js';

const test = suite('counters of a slot');

test('frames that are none, of no channel, or not taken by the connection are counted with its congestions, and logged at powers of two', () => {
  const logged: string[] = [];
  const logger: Logger = {
    log: (_level, message, fields) => void logged.push(`${message.split(' ').at(-1)} ${String(fields?.['count'])}`),
    child: () => logger,
  };
  let deliver: (message: BusMessage) => void = () => assert.unreachable('nobody listens');
  const bus: FrameBus = {
    payloadBytesMax: 1_048_576,
    publish: () => {
      throw new Error('closed');
    },
    subscribe: (_pattern, handler) => {
      deliver = handler;
      return { unsubscribe: () => undefined };
    },
    flush: () => Promise.resolve(),
    congestions: () => 3,
  };
  const world = new Simulation({ seed: 1 });
  const network = new ChannelNetwork({
    location: { taskManagerId: 'tm-1', slot: 0 },
    bus,
    dataSubject: ({ taskManagerId, slot }) => `${taskManagerId}.${slot}`,
    clock: world.process('tm-1').clock,
    logger,
  });
  const take = (payload: Uint8Array): void => deliver({ subject: 'tm-1.0', payload } as BusMessage);
  for (let n = 0; n < 3; n += 1) take(Uint8Array.of(1, 2, 3));
  take(createColumnarCodec().encodeControl('none' as ChannelId, { kind: 'grant', grantedUpTo: 1, receivedUpTo: 0 }));
  for (let n = 0; n < 5; n += 1) {
    network.openInput({
      channelId: `c${n}` as ChannelId,
      peer: { taskManagerId: 'tm-2', slot: 0 },
      index: 0,
      listener: { onArrival: () => undefined, fail: (error) => assert.unreachable(String(error)) },
    });
  }
  assert.equal(network.counters(), { unknownFrames: 1, malformedFrames: 3, sendFailures: 5, congestions: 3 });
  assert.equal(logged, ['dropped 1', 'dropped 2', 'sent 1', 'sent 2', 'sent 4']);
  network.close();
});

test.run();
