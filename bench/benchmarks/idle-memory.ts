import { rowOf, type Benchmark } from '../harness/benchmark.js';
import { ClusterUnderTest } from '../harness/cluster-under-test.js';
import { residentMiB } from '../harness/process-usage.js';

export const idleMemory: Benchmark = {
  name: 'idle-memory',
  measures:
    'resident memory of a JobManager and of a TaskManager process (two free slots, a spare thread ready) that have been idle for some seconds, over NATS and Redis.',
  doesNotMeasure: 'slots at work (each is a thread with a heap of its own), nats-server, redis-server.',
  async run({ isQuick }) {
    const under = await ClusterUnderTest.start({ taskManagers: 2, slots: 2 });
    try {
      const samples = new Map<string, number[]>();
      for (let look = 0; look < (isQuick ? 1 : 5); look += 1) {
        await new Promise((resolve) => void setTimeout(resolve, 2_000));
        for (const { name, pid } of under.cluster.processes) {
          if (pid === undefined) throw new Error(`${name} is not running`);
          const kind = name.startsWith('jm') ? 'JobManager' : 'TaskManager';
          samples.set(kind, [...(samples.get(kind) ?? []), residentMiB(pid).now]);
        }
      }
      return [...samples].map(([kind, figures]) => rowOf({ name: `idle memory: ${kind}`, unit: 'MiB', samples: figures }));
    } finally {
      await under.stop();
    }
  },
};
