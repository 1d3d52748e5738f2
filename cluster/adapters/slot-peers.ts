/**
 * Introduces the slot threads of a process to each other: those of one job exchange frames through ports of their own.
 *
 * SP1  Two threads are introduced when the later one is given to its allocation, before it hears of any task.
 */
import { MessageChannel } from 'node:worker_threads';
import type { SlotStart } from '../../core/ports.js';
import type { PeerIntroduction } from '../slot-settings.js';

/** A thread that was given to an allocation. */
export interface PeerThread {
  readonly start: SlotStart;
  introduce(peer: PeerIntroduction): void;
}

/** One for all spawners of a process; see the head of this file. */
export class SlotPeers {
  readonly #threads = new Set<PeerThread>();

  join(thread: PeerThread): void {
    for (const other of this.#threads) if (other.start.jobId === thread.start.jobId) introduce(thread, other);
    this.#threads.add(thread);
  }

  leave(thread: PeerThread): void {
    this.#threads.delete(thread);
  }
}

function introduce(one: PeerThread, other: PeerThread): void {
  const { port1, port2 } = new MessageChannel();
  for (const [thread, peer, port] of [
    [one, other, port1],
    [other, one, port2],
  ] as const) {
    const { taskManagerId, slot } = peer.start;
    thread.introduce({ layer: 'peer', taskManagerId, slot, port });
  }
}
