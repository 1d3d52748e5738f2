/** A ThreadChannel over a message port of worker_threads. */
import type { MessagePort, Worker } from 'node:worker_threads';
import type { ThreadChannel } from '../../core/ports.js';

export function workerChannel<In, Out>(end: Worker | MessagePort): ThreadChannel<In, Out> {
  const waiting: In[] = [];
  let deliver = (message: In): void => void waiting.push(message);
  const receive = (message: In): void => deliver(message);
  // A union of overloads cannot be called: both have this one.
  const port = end as MessagePort;
  port.on('message', receive);
  return {
    post: (message, transfer = []) => port.postMessage(message, transfer),
    onMessage: (listener) => {
      deliver = listener;
      for (const message of waiting.splice(0)) listener(message);
    },
    close: () => void port.off('message', receive),
  };
}
