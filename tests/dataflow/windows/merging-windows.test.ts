/** Sessions that meet become one (MW1 to MW4). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addToSessions, emptySessions, removeSession, type Session } from '../../../dataflow/windows/merging-windows.js';
import { SeededRandom } from '../../../testing/simulator/seeded-random.js';

const spanOf = ({ start, end }: Session): string => `${start} ${end}`;
const test = suite('merging windows');

for (const [title, windows, sessions, replaced] of [
  ['the first window is a session', [[0, 3]], ['0 3'], []],
  [
    'windows apart stay apart',
    [
      [0, 3],
      [4, 7],
    ],
    ['0 3', '4 7'],
    [],
  ],
  [
    'windows that touch become one',
    [
      [0, 3],
      [3, 6],
    ],
    ['0 6'],
    ['0 3'],
  ],
  [
    'windows that touch from below become one',
    [
      [3, 6],
      [0, 3],
    ],
    ['0 6'],
    ['3 6'],
  ],
  [
    'windows that overlap become one',
    [
      [0, 3],
      [2, 5],
    ],
    ['0 5'],
    ['0 3'],
  ],
  [
    'a window inside another changes nothing',
    [
      [0, 10],
      [2, 5],
    ],
    ['0 10'],
    [],
  ],
  [
    'the same window again changes nothing',
    [
      [0, 3],
      [0, 3],
    ],
    ['0 3'],
    [],
  ],
  [
    'a window around another replaces it',
    [
      [2, 5],
      [0, 10],
    ],
    ['0 10'],
    ['2 5'],
  ],
  [
    'a window between two joins them',
    [
      [0, 3],
      [5, 8],
      [3, 5],
    ],
    ['0 8'],
    ['0 3', '5 8'],
  ],
  [
    'a window over many joins all it meets',
    [
      [0, 1],
      [3, 4],
      [6, 7],
      [20, 21],
      [1, 6],
    ],
    ['0 7', '20 21'],
    ['0 1', '3 4', '6 7'],
  ],
  [
    'sessions are in order of time',
    [
      [10, 12],
      [0, 3],
    ],
    ['0 3', '10 12'],
    [],
  ],
  [
    'before 1970 as well',
    [
      [-5, -2],
      [-2, 1],
    ],
    ['-5 1'],
    ['-5 -2'],
  ],
] as const) {
  test(`${title} (MW1)`, () => {
    const set = emptySessions();
    const merges = windows.map(([start, end]) => addToSessions(set, start, end));
    assert.equal(set.sessions.map(spanOf), sessions);
    assert.equal(merges.at(-1)?.replaced.map(spanOf), replaced);
    assert.ok(set.sessions.includes(merges.at(-1)?.session as Session));
  });
}

test('contents stay where they are, those of later sessions come to the earliest (MW2), a changed window gets a new number (MW3)', () => {
  const set = emptySessions();
  const first = addToSessions(set, 0, 3).session;
  const second = addToSessions(set, 10, 13).session;
  assert.is.not(first.contentsId, second.contentsId);
  const grown = addToSessions(set, 2, 5).session;
  assert.is(grown.contentsId, first.contentsId);
  assert.is.not(grown.windowId, first.windowId);
  const joined = addToSessions(set, 5, 10).session;
  assert.is(joined.contentsId, first.contentsId);
  assert.not([first, second, grown].some(({ windowId }) => windowId === joined.windowId));
  assert.is(addToSessions(set, 6, 7).session.windowId, joined.windowId, 'nothing changed');
});

test('a session taken out meets nobody any more, and its number is not given again (MW4)', () => {
  const set = emptySessions();
  const { session } = addToSessions(set, 0, 3);
  addToSessions(set, 10, 13);
  removeSession(set, session);
  assert.equal(set.sessions.map(spanOf), ['10 13']);
  const again = addToSessions(set, 1, 4);
  assert.equal(again.replaced, []);
  assert.is.not(again.session.windowId, session.windowId);
});

test('whatever comes, no two sessions meet, and together they are what was added (MW1)', () => {
  const random = new SeededRandom(7);
  for (let run = 0; run < 200; run += 1) {
    const set = emptySessions();
    const covered = new Set<number>();
    for (let count = 0; count < 30; count += 1) {
      const start = Math.floor(random.next() * 60);
      const end = start + 1 + Math.floor(random.next() * 5);
      addToSessions(set, start, end);
      for (let time = start; time < end; time += 1) covered.add(time);
      set.sessions.forEach((session, index) => {
        const before = set.sessions[index - 1];
        assert.ok(before === undefined || before.end < session.start);
      });
    }
    assert.is(
      set.sessions.reduce((sum, { start, end }) => sum + end - start, 0),
      covered.size,
    );
    assert.is(new Set(set.sessions.map(({ contentsId }) => contentsId)).size, set.sessions.length);
  }
});

test.run();
