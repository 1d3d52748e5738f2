import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { operatorId, type AttemptId } from '../../core/ids.js';
import { SourceCoordinator, type SplitReply } from '../../actors/scheduler/source-coordinator.js';

const test = suite('source coordinator');
const attempt = (subtask: number, number = 0): AttemptId => `source_${subtask}_1_${number}` as AttemptId;
const splits = (...ids: string[]) => ids.map((id) => ({ id, data: { of: id } }));
const asked = (attemptId: AttemptId, subtaskIndex: number, requestNumber: number) => ({ attemptId, subtaskIndex, requestNumber });
const text = (reply: SplitReply): string => (reply.kind === 'split' ? reply.split.id : reply.kind);

function coordinator(...ids: string[]): SourceCoordinator {
  const made = new SourceCoordinator({ operatorId: operatorId('source'), operatorName: 'numbers', parallelism: 2 });
  if (ids.length > 0) made.enumerated({ attemptId: attempt(0), part: 0, isLast: true, splits: splits(...ids) });
  return made;
}

/** Subtasks restart from the beginning, or from what they own. */
function reset(of: SourceCoordinator, subtasks: readonly number[], owned: Record<number, readonly string[]> = {}): void {
  of.reset({ subtasks, owned: new Map(Object.entries(owned).map(([subtask, ids]) => [Number(subtask), ids])), splits: null });
}

test('no split is handed out before the list is complete (SC1)', () => {
  const source = coordinator();
  source.enumerated({ attemptId: attempt(0), part: 0, isLast: false, splits: splits('a') });
  assert.is(text(source.request(asked(attempt(1), 1, 0))), 'wait');
  assert.is(source.snapshot().splits, null);
  source.enumerated({ attemptId: attempt(0), part: 1, isLast: true, splits: splits('b') });
  assert.is(text(source.request(asked(attempt(1), 1, 0))), 'a', 'the number of a request answered `wait` may be used again');
  assert.equal(source.snapshot().splits, [
    { id: 'a', split: { of: 'a' } },
    { id: 'b', split: { of: 'b' } },
  ]);
});

test('parts that come twice change nothing, a part too early is refused', () => {
  const source = coordinator();
  const part = { attemptId: attempt(0), part: 0, isLast: false, splits: splits('a') };
  source.enumerated(part);
  source.enumerated(part);
  assert.throws(() => source.enumerated({ ...part, part: 2, splits: splits('c') }), /part 2 of the splits came before part 1/);
  source.enumerated({ ...part, part: 1, isLast: true, splits: splits('b') });
  source.enumerated({ ...part, part: 1, isLast: true, splits: splits('z') });
  assert.is(source.unassignedCount, 2);
});

test('another attempt that enumerates starts the list over', () => {
  const source = coordinator();
  source.enumerated({ attemptId: attempt(0), part: 0, isLast: false, splits: splits('a') });
  reset(source, [0]);
  source.enumerated({ attemptId: attempt(0, 1), part: 0, isLast: true, splits: splits('a', 'b') });
  assert.is(source.unassignedCount, 2);
});

test('an id that comes twice fails the job and names the source', () => {
  const source = coordinator();
  assert.throws(
    () => source.enumerated({ attemptId: attempt(0), part: 0, isLast: true, splits: splits('a', 'a') }),
    (error: { code: string; where: string; recovery: string }) =>
      error.code === 'DUPLICATE_SPLIT' && error.where === 'numbers' && error.recovery === 'fail-job',
  );
});

test('each split is handed out once; the same request number gets the same split (SC2, SC4)', () => {
  const source = coordinator('a', 'b');
  assert.is(text(source.request(asked(attempt(0), 0, 0))), 'a');
  assert.is(text(source.request(asked(attempt(0), 0, 0))), 'a');
  assert.is(text(source.request(asked(attempt(1), 1, 0))), 'b');
  assert.is(text(source.request(asked(attempt(1), 1, 1))), 'no-more');
  assert.throws(() => source.request(asked(attempt(1), 1, 0)), /request 0 came after request 1/);
});

test('the same request number of another attempt is another request (SC4)', () => {
  const source = coordinator('a', 'b');
  source.request(asked(attempt(0), 0, 0));
  reset(source, [0], { 0: ['a'] });
  assert.is(text(source.request(asked(attempt(0, 1), 0, 0))), 'b');
});

test('a restarted subtask loses what it got since the checkpoint and keeps what its state names (SC3)', () => {
  const source = coordinator('a', 'b', 'c', 'd');
  for (let n = 0; n < 3; n++) source.request(asked(attempt(0), 0, n));
  reset(source, [0], { 0: ['a'] });
  assert.is(source.unassignedCount, 3);
  assert.is(text(source.request(asked(attempt(1), 1, 0))), 'b');
});

test('splits of subtasks that keep running stay where they are (SC3)', () => {
  const source = coordinator('a', 'b', 'c');
  source.request(asked(attempt(0), 0, 0));
  source.request(asked(attempt(1), 1, 0));
  reset(source, [1]);
  assert.is(text(source.request(asked(attempt(1, 1), 1, 0))), 'b');
  assert.is(text(source.request(asked(attempt(0), 0, 1))), 'c');
  assert.is(text(source.request(asked(attempt(0), 0, 2))), 'no-more');
});

test('an open source adds to its list while the job runs, each split once, also when an attempt tells all of them anew (SC1)', () => {
  const source = coordinator();
  const found = (number: number, ...ids: string[]) => ({
    attemptId: attempt(0, number),
    part: 0,
    isLast: true,
    isOpen: true,
    splits: splits(...ids),
  });
  source.enumerated(found(0));
  assert.is(text(source.request(asked(attempt(1), 1, 0))), 'no-more', 'no more for now');
  source.enumerated(found(0, 'a'));
  assert.is(text(source.request(asked(attempt(1), 1, 1))), 'a');
  source.enumerated(found(1, 'a', 'b'));
  source.enumerated(found(1, 'a', 'b'));
  assert.is(text(source.request(asked(attempt(1), 1, 2))), 'b');
  assert.is(source.unassignedCount, 0);
  assert.equal(
    source.snapshot().splits?.map(({ id }) => id),
    ['a', 'b'],
  );
});

test("a split that was found after the checkpoint listed them, but stands in a reader's state, comes back owned (SC1, SC2)", () => {
  const source = coordinator();
  source.reset({ subtasks: [0, 1], owned: new Map([[1, ['b']]]), splits: [{ id: 'a', split: { of: 'a' } }] });
  source.enumerated({ attemptId: attempt(0, 1), part: 0, isLast: true, isOpen: true, splits: splits('a', 'b', 'c') });
  assert.is(text(source.request(asked(attempt(0, 1), 0, 0))), 'a');
  assert.is(text(source.request(asked(attempt(0, 1), 0, 1))), 'c');
  assert.is(text(source.request(asked(attempt(0, 1), 0, 2))), 'no-more');
  assert.equal(
    source.snapshot().splits?.map(({ id }) => id),
    ['a', 'b', 'c'],
  );
});

test('a split that nobody reads holds time, also while none is known; what a reader owns is told (SC5)', () => {
  const unknown = coordinator();
  assert.equal(unknown.timeOf(0), { holding: 1, owned: 0 });
  const source = coordinator('a', 'b', 'c');
  assert.equal(source.timeOf(0), { holding: 3, owned: 0 });
  source.request(asked(attempt(0), 0, 0));
  source.request(asked(attempt(1), 1, 0));
  assert.equal(
    [source.timeOf(0), source.timeOf(1)],
    [
      { holding: 1, owned: 1 },
      { holding: 1, owned: 1 },
    ],
  );
  source.request(asked(attempt(0), 0, 1));
  assert.equal(source.timeOf(0), { holding: 0, owned: 2 });
  reset(source, [0], { 0: ['a'] });
  assert.equal(source.timeOf(1), { holding: 1, owned: 1 }, 'the split that its reader lost holds again');
});

test('parts of one ordered whole hold nothing while nobody reads them; those of two do (SC5)', () => {
  const parts = (...wholes: (string | undefined)[]) =>
    wholes.map((orderedIn, index) => ({ id: String(index), data: null, ...(orderedIn === undefined ? {} : { orderedIn }) }));
  for (const [holding, list] of [
    [0, parts('file', 'file', 'file')],
    [3, parts('file', 'file', 'other')],
    [2, parts('file', undefined)],
  ] as const) {
    const source = coordinator();
    source.enumerated({ attemptId: attempt(0), part: 0, isLast: true, splits: list });
    assert.is(source.timeOf(0).holding, holding);
    const { splits: kept } = source.snapshot();
    const restored = coordinator();
    restored.reset({ subtasks: [0], owned: new Map(), splits: kept });
    assert.is(restored.timeOf(0).holding, holding, 'a checkpoint keeps the order');
  }
});

test('a restart from the beginning hands out everything again, without another enumeration', () => {
  const source = coordinator('a', 'b');
  source.request(asked(attempt(0), 0, 0));
  source.request(asked(attempt(1), 1, 0));
  reset(source, [0, 1]);
  assert.not(source.needsEnumeration);
  assert.is(source.unassignedCount, 2);
});

test('a job that starts from a checkpoint takes its list and hands out what nobody owned', () => {
  const source = coordinator();
  source.reset({
    subtasks: [0, 1],
    owned: new Map([
      [0, ['a']],
      [1, []],
    ]),
    splits: [
      { id: 'a', split: 1 },
      { id: 'b', split: 2 },
    ],
  });
  assert.not(source.needsEnumeration);
  assert.equal(source.request(asked(attempt(1), 1, 0)), { kind: 'split', split: { id: 'b', data: 2 } });
});

test('a checkpoint taken before the list was complete makes the source enumerate again', () => {
  const source = coordinator();
  reset(source, [0, 1]);
  assert.ok(source.needsEnumeration);
});

/** Asks for its share until there is no more, and says what it got. */
function takeShare(source: SourceCoordinator, subtask: number, { attemptNumber = 0, asksAgain = false, from = 0 } = {}): string[] {
  const taken: string[] = [];
  for (let number = from; ; number += 1) {
    const reply = source.request({ ...asked(attempt(subtask, attemptNumber), subtask, number), isShare: true, asksAgain });
    if (reply.kind !== 'split') return taken;
    taken.push(reply.split.id);
  }
}

test('shares are even and complete, whoever asks first and however much it asks for (SC6)', () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const source = coordinator('a', 'b', 'c', 'd', 'e');
    const taken = new Map(order.map((subtask) => [subtask, takeShare(source, subtask)]));
    assert.equal(taken.get(0)?.length, 3);
    assert.equal(taken.get(1)?.length, 2);
    assert.is(source.unassignedCount, 0);
  }
});

test('who has splits of a checkpoint gets fewer new ones (SC6)', () => {
  const source = coordinator('a', 'b', 'c', 'd', 'e', 'f');
  reset(source, [0, 1], { 0: ['a', 'b', 'c'] });
  assert.equal(takeShare(source, 0, { attemptNumber: 1 }), []);
  assert.equal(takeShare(source, 1, { attemptNumber: 1 }), ['d', 'e', 'f']);
});

test('a split that nobody had yet goes to none that was at its end in the checkpoint, however few it has (SC6)', () => {
  // Three subtasks became two: the second takes over one that had read all of its share.
  const source = coordinator('a', 'b', 'c', 'd');
  source.reset({
    subtasks: [0, 1],
    owned: new Map([
      [0, ['a', 'c']],
      [1, ['b']],
    ]),
    finished: [1],
    splits: null,
  });
  assert.equal(takeShare(source, 0, { attemptNumber: 1 }), ['d']);
  assert.is(source.unassignedCount, 0);
});

test('what a restarted subtask loses is its own again when the others ask no more (SC3, SC6)', () => {
  const source = coordinator('a', 'b', 'c', 'd', 'e', 'f');
  reset(source, [0, 1], { 0: ['a', 'b', 'c', 'd'] });
  for (const subtask of [0, 1]) takeShare(source, subtask, { attemptNumber: 1 });
  reset(source, [0]);
  assert.equal(takeShare(source, 0, { attemptNumber: 2 }), ['a', 'b', 'c', 'd'], 'four, though a fair half is three');
  assert.is(source.unassignedCount, 0);
});

test('splits that are found later are shared among all who ask again (SC6)', () => {
  const source = coordinator();
  const found = (...ids: string[]) => ({ attemptId: attempt(0), part: 0, isLast: true, isOpen: true, splits: splits(...ids) });
  source.enumerated(found('a'));
  for (const subtask of [0, 1]) takeShare(source, subtask, { asksAgain: true });
  source.enumerated(found('a', 'b', 'c', 'd'));
  assert.equal(takeShare(source, 1, { asksAgain: true, from: 10 }), ['b', 'd'], 'it had none before');
  assert.equal(takeShare(source, 0, { asksAgain: true, from: 10 }), ['c']);
});

test.run();
