/** Processes written by hand over a nats-server of their own: what a job between TaskManagers is compared with. */
import { requireServerBinaries } from '../../cluster/servers/find-binaries.js';
import { natsUrl, startNatsServer } from '../../cluster/servers/start-servers.js';
import { runForm } from './forms.js';
import { SharedMeasurement, type SharedPart } from './shared-measurement.js';

const patienceMs = 60_000;

export interface HandProcesses {
  /** Run with `<url of the server> <index> …args`, once for each index from 0. */
  readonly script: string;
  readonly processes: number;
  readonly args: readonly (string | number)[];
  /** Those that say when they ended. */
  readonly ends: number;
  readonly say: (line: string) => void;
}

/** Runs them to their end. Each stays after its work until it gets a SIGTERM, so that what it used can still be read. */
export async function runHandProcesses({ script, processes, args, ends, say }: HandProcesses): Promise<SharedPart> {
  const server = await startNatsServer(requireServerBinaries(say));
  try {
    const pids = new Map<string, number>();
    const shared = new SharedMeasurement({
      pids: () => new Map([...pids, ...(server.pid === undefined ? [] : [['nats-server', server.pid] as const])]),
      ends,
    });
    const runs = Array.from({ length: processes }, (_, index) =>
      runForm({
        script,
        args: [natsUrl(server), String(index), ...args.map(String)],
        patienceMs,
        onStart: (pid) => void pids.set(`hand-${index}`, pid),
        onMark: (mark) => shared.hear(mark),
      }),
    );
    // A process that fails ends the wait with what it wrote.
    const part = await Promise.race([shared.part, Promise.all(runs).then(() => shared.part)]);
    for (const pid of pids.values()) process.kill(pid, 'SIGTERM');
    await Promise.all(runs);
    return part;
  } finally {
    await server.dispose();
  }
}
