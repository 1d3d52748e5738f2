/**
 * `npm start [-- --name value …]`: the flagship job on an embedded cluster, over real data, without any server: a
 * JobManager, two TaskManagers, slots as threads, checkpoints in files.
 */
import { isMainThread } from 'node:worker_threads';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { endText, ProgressDisplay } from '../cluster/cli/job-display.js';
import { run } from '../cluster/embedded/run.js';
import { parseParameters } from '../cluster/job-code/compiled-job.js';
import { explainError, toErrorRecord } from '../core/errors.js';

endWithReader();

async function main(): Promise<void> {
  const startedAt = performance.timeOrigin;
  const display = new ProgressDisplay();
  process.stderr.write('running flights, the delay of airports and days in event time, on an embedded cluster\n');
  try {
    const end = await run(new URL('../examples/08-flights.js', import.meta.url).href, {
      parameters: parseParameters(process.argv.slice(2)),
      onProgress: (job) => {
        display.show(job, Date.now());
      },
    });
    display.close();
    process.stdout.write(`${endText(end)}\n`);
    process.stdout.write(
      `${end.recordsIn} records, ${end.checkpointsCompleted} checkpoints, ${Math.round(Date.now() - startedAt)} ms in all\n`,
    );
  } catch (error) {
    display.close();
    process.stderr.write(`${explainError(toErrorRecord(error))}\n`);
    process.exitCode = 1;
  }
}

if (isMainThread) await main();
