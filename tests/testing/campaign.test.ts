import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCampaign } from '../../testing/simulator/campaign.js';
import { simulateRun, type RunVerdict } from '../../testing/simulator/simulated-run.js';

const test = suite('campaign');

test('a seed has the same trace in a process of a campaign, after other runs, and alone; verdicts keep the order (SC1, SC2)', async () => {
  const seed = 4;
  const runs = 3;
  const shared: RunVerdict[] = [];
  await runCampaign({ seed, runs, processes: 2, onVerdict: (verdict) => void shared.push(verdict) });
  assert.equal(
    shared.map((verdict) => verdict.seed),
    [seed, seed + 1, seed + 2],
  );
  const here: string[] = [];
  await runCampaign({ seed, runs, processes: 1, onVerdict: ({ traceHash }) => void here.push(traceHash) });
  assert.equal(
    shared.map((verdict) => verdict.traceHash),
    here,
  );
  assert.is((await simulateRun({ seed: seed + 2 })).traceHash, here[2]);
});

test('whatever goes wrong fails the campaign, and its processes end with it (SC3)', async () => {
  const refused = await runCampaign({
    seed: 1,
    runs: 2,
    processes: 2,
    onVerdict: () => {
      throw new RangeError('no more');
    },
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.instance(refused, RangeError);
});

test.run();
