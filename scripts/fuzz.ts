/** `npm run fuzz [-- --frames 1000000] [--seed 1]`: alters frames of records and reads them; see fuzz/frame-fuzz.ts. */
import { Command } from 'commander';
import { endWithReader } from '../cluster/adapters/broken-pipe.js';
import { fuzzFrames } from './fuzz/frame-fuzz.js';

endWithReader();

const framesAtOnce = 50_000;

interface Flags {
  readonly frames: string;
  readonly seed: string;
}

function main({ frames, seed }: Flags): void {
  let done = 0;
  let refused = 0;
  let slowestMs = 0;
  for (let part = Number(seed); done < Number(frames); part += 1) {
    const report = fuzzFrames(part, Math.min(framesAtOnce, Number(frames) - done));
    done += report.frames;
    refused += report.refused;
    slowestMs = Math.max(slowestMs, report.slowestMs);
    for (const violation of report.violations) console.log(violation);
    if (report.violations.length > 0) {
      console.log(`broken: node dist/scripts/fuzz.js --seed ${part} --frames ${framesAtOnce}`);
      process.exitCode = 1;
      return;
    }
  }
  console.log(`${done} altered frames: ${refused} refused, ${done - refused} gave records, the slowest took ${slowestMs.toFixed(1)} ms`);
}

await new Command('fuzz')
  .description('Alters frames of records at random and reads them.')
  .option('--frames <count>', 'altered frames', '1000000')
  .option('--seed <number>', 'where to begin', '1')
  .action(main)
  .parseAsync();
