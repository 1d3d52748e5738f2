/** Colours go to terminals, and elsewhere only when somebody asks. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JobSummary } from '../../bus/protocol/messages/jobs.js';
import { coloursFor, wantsColours } from '../../cluster/cli/colours.js';
import { endText } from '../../cluster/cli/job-display.js';
import { jobId } from '../../core/ids.js';

const test = suite('colours');
const terminal = { isTTY: true as const };
const pipe = { isTTY: false } as unknown as typeof terminal;

test('a terminal takes colours, a pipe does not', () => {
  assert.is(wantsColours(terminal, {}), true);
  assert.is(wantsColours(pipe, {}), false);
  assert.is(wantsColours(terminal, { TERM: 'dumb' }), false);
});

test('a CI variable does not colour what goes through a pipe', () => {
  assert.is(wantsColours(pipe, { CI: 'true' }), false);
});

test('FORCE_COLOR asks for them, 0 refuses them, NO_COLOR wins', () => {
  assert.is(wantsColours(pipe, { FORCE_COLOR: '1' }), true);
  assert.is(wantsColours(terminal, { FORCE_COLOR: '0' }), false);
  assert.is(wantsColours(terminal, { FORCE_COLOR: '1', NO_COLOR: '1' }), false);
});

test('the end of a job can be matched as plain words through a pipe', () => {
  const job: Partial<JobSummary> = { jobId: jobId('j'), name: 'tally', status: 'FINISHED', error: null, restarts: 1 };
  const ended = { ...job, recordsIn: 7, checkpointsCompleted: 2, submittedAt: 0, endedAt: 1_500 } as JobSummary;
  assert.is(endText(ended, coloursFor(pipe, { CI: 'true' })), 'tally: FINISHED  7 records  2 checkpoints  1 restart  1.5 s');
  assert.match(endText(ended, coloursFor(terminal, {})), '\u001b[32mFINISHED');
  const counted = {
    ...ended,
    accumulators: { words: { type: 'IntCounter', value: 12_345 }, long: { type: 'ListAccumulator', value: [1, 2] } },
  };
  assert.equal(
    endText(counted, coloursFor(pipe, { CI: 'true' }))
      .split('\n')
      .slice(1),
    ['accumulators:', '  words: 12,345  (IntCounter)', '  long: [1,2]  (ListAccumulator)'],
  );
});

test.run();
