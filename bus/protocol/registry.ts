/** Every message of the protocol. A retired name is never used again. */
import type { BodyOf, ReplyOf } from './define.js';
import { checkpointMessages } from './messages/checkpoints.js';
import { clusterMessages } from './messages/cluster.js';
import { jobMessages } from './messages/jobs.js';
import { slotMessages } from './messages/slots.js';
import { taskMessages } from './messages/tasks.js';

export const protocol = {
  ...clusterMessages,
  ...slotMessages,
  ...taskMessages,
  ...checkpointMessages,
  ...jobMessages,
};

export type Protocol = typeof protocol;
export type MessageType = keyof Protocol;
export type AskType = { [T in MessageType]: Protocol[T]['kind'] extends 'ask' ? T : never }[MessageType];
export type TellType = { [T in MessageType]: Protocol[T]['kind'] extends 'tell' ? T : never }[MessageType];
export type MessageBody<T extends MessageType> = BodyOf<Protocol[T]>;
export type MessageReply<T extends AskType> = ReplyOf<Protocol[T]>;
