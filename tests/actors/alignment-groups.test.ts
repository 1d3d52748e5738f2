/** How far readers that wait for each other may read. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AlignmentGroups } from '../../actors/scheduler/alignment-groups.js';
import { operatorId } from '../../core/ids.js';

const reader = (source: string, subtaskIndex = 0) => ({ operatorId: operatorId(source.repeat(32)), subtaskIndex });
const at = (watermark: number | null, group = 'g') => ({ group, maxDriftMs: 100, watermark });

const test = suite('alignment groups');

test('a reader may read up to the lowest time of its group and the drift (AG1)', () => {
  const groups = new AlignmentGroups();
  assert.is(groups.report(reader('a', 0), at(1_000)), 1_100);
  assert.is(groups.report(reader('a', 1), at(500)), 600);
  assert.is(groups.report(reader('b'), at(700)), 600, 'readers of all sources of the group count');
  assert.is(groups.report(reader('a', 0), at(1_050)), 600);
  assert.is(groups.report(reader('a', 1), at(2_000)), 800);
  assert.is(groups.report(reader('c'), at(3, 'other')), 103, 'groups do not know each other');
  assert.is(groups.report(reader('b'), at(Number.MIN_SAFE_INTEGER)), Number.MIN_SAFE_INTEGER + 100, 'one without a record yet counts');
});

test('who is idle, ended, or starts anew holds nobody; when nobody is left, nothing holds (AG2)', () => {
  const groups = new AlignmentGroups();
  groups.report(reader('a'), at(1_000));
  groups.report(reader('b'), at(10));
  assert.is(groups.report(reader('b'), at(null)), 1_100);
  groups.report(reader('b'), at(20));
  groups.forget(reader('b'));
  assert.is(groups.report(reader('a'), at(1_000)), 1_100);
  assert.is(groups.report(reader('a'), at(null)), undefined);
});

test.run();
