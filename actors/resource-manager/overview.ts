/** What the ResourceManager tells of its TaskManagers. */
import type { MessageReply } from '../../bus/protocol/registry.js';

export type TaskManagerOverview = MessageReply<'cluster.overview'>['taskManagers'][number];
