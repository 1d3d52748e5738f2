/** What the hand-written processes have in common: each stays until its work is measured, and ends with an error of NATS. */
import { connect, type NatsConnection } from 'nats';

/** Resolves with a SIGTERM: what a process used can be read only while it is there. */
function toldToGo(): Promise<void> {
  const stay = setInterval(() => undefined, 60_000);
  return new Promise((resolve) => {
    process.once('SIGTERM', () => {
      clearInterval(stay);
      resolve();
    });
  });
}

/** Runs `work` on a connection; the process ends when it was told to, or when something went wrong. */
export async function runHandProcess(url: string, work: (nats: NatsConnection) => Promise<void>): Promise<void> {
  const told = toldToGo();
  const nats = await connect({ servers: url });
  // nats.js closes the connection over an error in a callback, and says so here only.
  void nats.closed().then((error) => {
    if (error === undefined) return;
    process.stderr.write(`${String(error.stack)}\n`);
    process.exit(1);
  });
  await work(nats);
  await told;
  await nats.drain();
}

const helloEveryMs = 20;
const empty = new Uint8Array(0);

/** Says that `own` listens to all it needs, and resolves once every one of `others` has said so: what nobody hears is lost. */
export async function meet(nats: NatsConnection, own: string, others: readonly string[]): Promise<void> {
  nats.subscribe(`hello.${own}`, { callback: (_error, message) => void message.respond() });
  for (const other of others) {
    for (;;) {
      const isThere = await nats.request(`hello.${other}`, empty, { timeout: 1_000 }).then(
        () => true,
        () => false,
      );
      if (isThere) break;
      await new Promise((resolve) => void setTimeout(resolve, helloEveryMs));
    }
  }
}
