/** Which windows a time belongs to (WA2, WA3), and what slices they are made of (SL1 to SL3). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Slices } from '../../../dataflow/windows/slices.js';
import { windowsAt, windowStartAt, type FixedWindows } from '../../../dataflow/windows/window-assigner.js';
import { TimeWindow } from '../../../dataflow/windows/window.js';

const fixed = (sizeMs: number, slideMs = sizeMs, offsetMs = 0): FixedWindows => ({
  kind: 'fixed',
  time: 'event',
  sizeMs,
  slideMs,
  offsetMs,
});
const test = suite('window assigners');

for (const [time, slideMs, offsetMs, start] of [
  [0, 5, 0, 0],
  [4, 5, 0, 0],
  [5, 5, 0, 5],
  [-1, 5, 0, -5],
  [-5, 5, 0, -5],
  [-6, 5, 0, -10],
  [7, 5, 2, 7],
  [6, 5, 2, 2],
  [1, 5, 2, -3],
  [6, 5, -2, 3],
  [2, 5, -2, -2],
  [-3, 5, -2, -7],
  // Days of a zone eight hours ahead of UTC.
  [1_700_000_000_000, 86_400_000, -28_800_000, 1_699_977_600_000],
] as const) {
  test(`windows every ${slideMs} from ${offsetMs}: ${time} is in the one that starts at ${start} (WA3)`, () => {
    assert.is(windowStartAt(time, { slideMs, offsetMs }), start);
  });
}

for (const [time, windows, spans] of [
  [4_999, fixed(5_000), ['0 5000']],
  [5_000, fixed(5_000), ['5000 10000']],
  [5_000, fixed(5_000, 1_000), ['5000 10000', '4000 9000', '3000 8000', '2000 7000', '1000 6000']],
  [0, fixed(5_000, 1_000), ['0 5000', '-1000 4000', '-2000 3000', '-3000 2000', '-4000 1000']],
  [150, fixed(100, 40), ['120 220', '80 180']],
  [160, fixed(100, 40), ['160 260', '120 220', '80 180']],
  [150, fixed(100, 40, 10), ['130 230', '90 190']],
  [4, fixed(5, 10), ['0 5']],
  [5, fixed(5, 10), []],
] as const) {
  test(`size ${windows.sizeMs}, slide ${windows.slideMs}, offset ${windows.offsetMs}: ${time} is in ${spans.join(', ') || 'none'} (WA2)`, () => {
    assert.equal(
      windowsAt(time, windows).map(({ start, end }) => `${start} ${end}`),
      spans,
    );
  });
}

test('the last time of a window is the one before its end (WI1)', () => assert.is(new TimeWindow(5, 10).maxTimestamp(), 9));

test('slices cover the windows of every assigner exactly (SL1, SL3)', () => {
  for (const [size, slide] of [
    [5, 5],
    [60, 1],
    [10, 4],
    [7, 3],
    [4, 10],
    [6, 9],
    [1, 1],
  ] as const) {
    for (const offset of [0, 1, -1, slide - 1, 1 - slide]) {
      const windows = fixed(size, slide, offset);
      const slices = new Slices(windows);
      for (let time = -40; time <= 40; time += 1) {
        const place = `size ${size}, slide ${slide}, offset ${offset}, time ${time}`;
        const end = slices.endAt(time);
        assert.ok(end - slices.widthMs <= time && time < end, place);
        const expected = windowsAt(time, windows)
          .map((window) => window.end)
          .reverse();
        const got: number[] = [];
        for (let windowEnd = slices.firstEnd(end); windowEnd <= slices.lastEnd(end); windowEnd += slide) got.push(windowEnd);
        assert.equal(got, expected, place);
        for (const windowEnd of got) assert.ok(slices.isWindowEnd(windowEnd), place);
        for (let now = time - 3; now < time + size + 3; now += 1)
          assert.is(
            slices.nextEnd(end, now),
            expected.find((windowEnd) => windowEnd > now),
            `${place}, now ${now}`,
          );
      }
    }
  }
});

test('where slices do not fit a window, none ends', () => {
  const slices = new Slices(fixed(10, 4));
  assert.is(slices.widthMs, 2);
  assert.equal(
    Array.from({ length: 12 }, (_, end) => end).filter((end) => slices.isWindowEnd(end)),
    [2, 6, 10],
  );
});

test.run();
