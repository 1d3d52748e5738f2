/** Two processes over a nats-server of their own: what a job between TaskManagers is compared with. */
import { requireServerBinaries } from '../../cluster/servers/find-binaries.js';
import { natsUrl, startNatsServer } from '../../cluster/servers/start-servers.js';
import { runForm } from './forms.js';
import { SharedMeasurement, type SharedPart } from './shared-measurement.js';

const patienceMs = 60_000;

/** Runs `script` with `<url> <index> …args` as process 0 and as process 1; each stays after its `end` until it gets a SIGTERM. */
export async function runHandPair(script: string, args: readonly string[], say: (line: string) => void): Promise<SharedPart> {
  const server = await startNatsServer(requireServerBinaries(say));
  try {
    const pids = new Map<string, number>();
    if (server.pid !== undefined) pids.set('nats-server', server.pid);
    const shared = new SharedMeasurement({ pids: () => pids, ends: 2 });
    const halves = [0, 1].map((index) =>
      runForm({
        script,
        args: [natsUrl(server), String(index), ...args],
        patienceMs,
        onStart: (pid) => void pids.set(`half-${index}`, pid),
        onMark: (mark) => shared.hear(mark),
      }),
    );
    const part = await Promise.race([shared.part, Promise.all(halves).then(() => shared.part)]);
    for (const [name, pid] of pids) if (name !== 'nats-server') process.kill(pid, 'SIGTERM');
    await Promise.all(halves);
    return part;
  } finally {
    await server.dispose();
  }
}
