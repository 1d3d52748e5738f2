/** The naive computations against answers reckoned by hand, and the comparison: it must be able to fail. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { differenceOf } from '../../scripts/nexmark/rows.js';
import { naiveAnswers, queryNames, type QueryName } from './naive/answers.js';
import { onTimeEvents, textOrder, type AuctionEvent, type Bid, type NexmarkInput, type Row } from './naive/events.js';
import { smallAnswers, smallExample } from './small-example.js';

const test = suite('nexmark naive answers');

const bid = (values: Partial<Bid>): Bid => ({
  type: 'bid',
  auction: 1,
  bidder: 1,
  price: 100,
  channel: 'Apple',
  url: '',
  dateTime: 0,
  extra: '',
  ...values,
});
const inputOf = (...split: readonly AuctionEvent[]): NexmarkInput => ({ splits: [split], watermarkDelayMs: 4_000 });
const at = (...times: readonly number[]): readonly Bid[] => times.map((dateTime) => bid({ dateTime }));

test('there is an answer for each query from q0 to q22', () => {
  assert.equal(
    queryNames,
    Array.from({ length: 23 }, (_, n) => `q${n}`),
  );
});

for (const [query, expected] of Object.entries(smallAnswers)) {
  test(`${query} of the small example is what was reckoned by hand`, () => {
    assert.is(differenceOf(query, naiveAnswers[query as QueryName](smallExample), expected), undefined);
  });
}

test('an event is late when its time is at most the largest before it in its split, less the delay (T4)', () => {
  const onTime = (...times: readonly number[]): readonly number[] => onTimeEvents(inputOf(...at(...times))).map(({ dateTime }) => dateTime);
  assert.equal(onTime(14_000, 10_000, 10_001), [14_000, 10_001]);
  // A late event does not raise the largest time, and equal times are not late.
  assert.equal(onTime(14_000, 14_000, 9_000, 10_001, 14_001, 10_001), [14_000, 14_000, 10_001, 14_001]);
  const apart = { splits: [at(14_000), at(10_000)], watermarkDelayMs: 4_000 };
  assert.is(onTimeEvents(apart).length, 2);
});

test('sessions: 10,000 ms apart is one, 10,001 is two', () => {
  assert.equal(naiveAnswers.q11({ ...inputOf(...at(0, 10_000, 20_001)), watermarkDelayMs: 100_000 }), [
    { bidder: 1, bid_count: 2, starttime: 0, endtime: 20_000 },
    { bidder: 1, bid_count: 1, starttime: 20_001, endtime: 30_001 },
  ]);
});

test('prices between the bounds of q14, times of day, and letters', () => {
  const hour = (n: number, price: number, extra = ''): Bid => bid({ dateTime: n * 3_600_000, price, extra });
  const rows = naiveAnswers.q14({
    splits: [
      [
        hour(8, 1_101_321),
        hour(8, 1_101_322, 'abccC'),
        hour(18, 55_066_079),
        hour(19, 55_066_079),
        hour(6, 2_000_000),
        hour(7, 2_000_000),
        hour(20, 2_000_000),
        hour(20, 55_066_080),
      ],
    ],
    watermarkDelayMs: 4_000,
  });
  assert.equal(
    rows.map(({ bidTimeType, c_counts }) => `${String(bidTimeType)} ${String(c_counts)}`),
    ['dayTime 2', 'dayTime 0', 'otherTime 0', 'nightTime 0', 'otherTime 0', 'nightTime 0'],
  );
});

test('channel ids come from the name whatever its ASCII case, or from the url', () => {
  const ids = (channel: string, url: string): readonly unknown[] =>
    naiveAnswers.q21(inputOf(bid({ channel, url }))).map(({ channel_id }) => channel_id);
  assert.equal(ids('aPPle', 'channel_id=9'), ['0']);
  assert.equal(ids('x', 'a&channel_id=7&channel_id=8'), ['7']);
  assert.equal(ids('x', 'channel_id='), ['']);
  assert.equal(ids('x', 'https://x.org/?channel_id=7'), []);
  assert.equal(ids('x', 'a&my_channel_id=7'), []);
  assert.equal(ids('apple ', ''), []);
});

test('texts are ordered by code point, not by UTF-16 unit', () => {
  assert.ok(textOrder('\uff5e', '\u{1f33e}') < 0);
  assert.ok(textOrder('a', 'aa') < 0 && textOrder('b', 'aa') > 0 && textOrder('', '') === 0);
});

test('rows that differ in anything, or in how often they occur, are told apart', () => {
  const rows: readonly Row[] = [{ a: 1, b: 'x' }, { a: 1, b: 'x' }, { b: null }];
  assert.is(differenceOf('q0', [{ b: null }, { b: 'x', a: 1 }, { a: 1, b: 'x' }], rows), undefined);
  for (const wrong of [
    [{ a: 1, b: 'x' }, { b: null }],
    [...rows, { b: null }],
    [{ a: '1', b: 'x' }, { a: 1, b: 'x' }, { b: null }],
    [{ a: 1, b: 'x' }, { a: 1, b: 'x' }, {}],
    [{ a: 1, b: 'x', c: 0 }, { a: 1, b: 'x' }, { b: null }],
  ])
    assert.match(differenceOf('q0', wrong, rows) ?? '', /rows (missing|too many)/);
});

test('prices in euros may differ by 1e-9 of their size, not by more', () => {
  const difference = (price: number): string | undefined => differenceOf('q1', [{ price }], [{ price: 90.8 }]);
  assert.is(difference(0.908 * 100), undefined);
  assert.is(difference(90.8 * (1 + 5e-10)), undefined);
  assert.type(difference(90.8 * (1 + 1e-7)), 'string');
  assert.type(differenceOf('q2', [{ price: 90.80000000001 }], [{ price: 90.8 }]), 'string');
});

test('of q12 the sums of each bidder count, and that windows are windows', () => {
  const window = (bidder: number, bid_count: number, starttime: number): Row => ({
    bidder,
    bid_count,
    starttime,
    endtime: starttime + 10_000,
  });
  const expected = [
    { bidder: 1, bid_count: 3 },
    { bidder: 2, bid_count: 1 },
  ];
  assert.is(differenceOf('q12', [window(1, 1, 0), window(2, 1, 0), window(1, 2, 10_000)], expected), undefined);
  assert.type(differenceOf('q12', [window(1, 3, 0)], expected), 'string');
  assert.type(differenceOf('q12', [window(1, 3, 5), window(2, 1, 0)], expected), 'string');
});

test.run();
