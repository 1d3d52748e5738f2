/** What a task reports of its channels, however many there are. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { EdgeId } from '../../core/ids.js';
import { limits } from '../../core/limits.js';
import { channelUse } from '../../dataflow/task/channel-use.js';

const test = suite('channel use');
const edgeId = 'edge' as EdgeId;

test('the shares are of all channels, the list has the fullest ones that hold something', () => {
  const inputs = [0, 3, 8, 1, 5, 7].map((held, peerSubtask) => ({ edgeId, peerSubtask, held, granted: 8 }));
  const outputs = [0, 0, 2, 1].map((waiting, peerSubtask) => ({ edgeId, peerSubtask, waiting }));
  const use = channelUse(inputs, outputs);
  assert.is(use.inputUse, 0.5);
  assert.is(use.outputUse, 0.5);
  assert.equal(
    use.inputs.map(({ held }) => held),
    [8, 7, 5, 3],
  );
  assert.is(use.inputs.length, limits.channelsReported);
  assert.equal(
    use.outputs.map(({ peerSubtask, waiting }) => [peerSubtask, waiting]),
    [
      [2, 2],
      [3, 1],
    ],
  );
});

test('a channel may hold more than is granted by now: its share is 1', () => {
  const use = channelUse([{ edgeId, peerSubtask: 0, held: 4, granted: 1 }], []);
  assert.is(use.inputUse, 1);
  assert.equal(channelUse([{ edgeId, peerSubtask: 0, held: 0, granted: 0 }], []), { inputUse: 0, outputUse: 0, inputs: [], outputs: [] });
});

test.run();
