/** How full the channels of a task are: in all, and the fullest ones, so that a report stays small however many there are. */
import type { ChannelUse } from '../../bus/protocol/messages/tasks.js';
import { limits } from '../../core/limits.js';

export type InputUse = ChannelUse['inputs'][number];
export type OutputUse = ChannelUse['outputs'][number];

/** Of all input and output channels of the task. */
export function channelUse(inputs: readonly InputUse[], outputs: readonly OutputUse[]): ChannelUse {
  const fullest = <T>(channels: readonly T[], fill: (channel: T) => number): T[] =>
    channels
      .filter((channel) => fill(channel) > 0)
      .sort((left, right) => fill(right) - fill(left))
      .slice(0, limits.channelsReported);
  const held = inputs.reduce((sum, channel) => sum + channel.held, 0);
  const granted = inputs.reduce((sum, channel) => sum + channel.granted, 0);
  const full = outputs.filter(({ waiting }) => waiting > 0).length;
  return {
    inputUse: shareOf(held, granted),
    outputUse: shareOf(full, outputs.length),
    inputs: fullest(inputs, (channel) => shareOf(channel.held, channel.granted)),
    outputs: fullest(outputs, ({ waiting }) => waiting),
  };
}

/** Less than was held may be granted by now. */
const shareOf = (part: number, whole: number): number => (whole > 0 ? Math.min(1, part / whole) : 0);
