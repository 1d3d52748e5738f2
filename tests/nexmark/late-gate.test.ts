/** The gate beside the source, and the file format of events. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decode, encode } from '../../bus/codec/cbor.js';
import { collectionSource } from '../../connectors/collection-source.js';
import { fileSource } from '../../connectors/files/file-source.js';
import type { Source, SourceReader, Split } from '../../dataflow/contracts.js';
import { auctionEvents } from '../../examples/nexmark/event-format.js';
import type { AuctionEvent } from '../../examples/nexmark/events.js';
import { EventMaker } from '../../examples/nexmark/generator/event-maker.js';
import { generatorDefaults } from '../../examples/nexmark/generator/options.js';
import { lateEvents, withoutLateEvents } from '../../examples/nexmark/late-gate.js';
import { sourceContract } from '../../testing/contracts/source.js';
import { MemoryFileSystem } from '../../testing/memory-file-system.js';
import { OperatorBench } from '../../testing/operator-bench.js';
import { putFile } from '../support/put-file.js';
import { runContract } from '../support/run-contract.js';

const test = suite('nexmark late gate and event files');
const files = new MemoryFileSystem();
const delayMs = 4_000;

interface Timed {
  readonly dateTime: number;
}

const at = (...times: readonly number[]): readonly Timed[] => times.map((dateTime) => ({ dateTime }));

interface GateRun {
  readonly passed: readonly number[];
  readonly late: readonly number[];
}

/** Reads one split, with a new reader wherever `restartsAfter` records were polled. */
async function runGate(source: Source<Timed>, restartsAfter: number): Promise<GateRun> {
  const passed: number[] = [];
  const late: number[] = [];
  let split: Split | undefined;
  let position: unknown;
  for (let isFinished = false; !isFinished;) {
    const bench = new OperatorBench({ files });
    split ??= (await source.enumerate({ files, parallelism: 1, logger: bench.context.logger, clock: bench.context.clock }))[0] as Split;
    const reader: SourceReader<Timed> = source.createReader(bench.context);
    await reader.start(split, position);
    for (let polled = 0; polled < restartsAfter && !isFinished; polled += 1) {
      const status = reader.poll({ emit: ({ dateTime }) => void passed.push(dateTime), isAvailable: () => true }, 1);
      if (status === 'pending') await reader.whenAvailable();
      isFinished = status === 'split-finished';
    }
    const at = reader.position();
    position = at === undefined ? undefined : decode(encode(at));
    await reader.close();
    late.push(...((bench.sideOutputs.get(lateEvents.id) ?? []) as Timed[]).map(({ dateTime }) => dateTime));
  }
  return { passed, late };
}

const cases: readonly (readonly [times: readonly number[], passed: readonly number[], late: readonly number[]])[] = [
  [[5], [5], []],
  [[14_000, 10_000, 10_001], [14_000, 10_001], [10_000]],
  [
    [14_000, 9_000, 10_001, 14_001, 10_001, 10_002],
    [14_000, 10_001, 14_001, 10_002],
    [9_000, 10_001],
  ],
  [[1, 1, 1], [1, 1, 1], []],
  [
    [4_000, 0, 4_001, 1],
    [4_000, 4_001],
    [0, 1],
  ],
];

for (const [times, passed, late] of cases) {
  test(`of ${times.join(', ')} ${late.join(' and ') || 'none'} is late, wherever readers are exchanged (LG1, LG2)`, async () => {
    const source = withoutLateEvents(collectionSource(at(...times)), delayMs);
    for (const restartsAfter of [100, 1, 2]) assert.equal(await runGate(source, restartsAfter), { passed, late });
  });
}

test('a reader of several splits starts each anew', async () => {
  const source = withoutLateEvents(collectionSource(at(14_000, 10_000), { splits: 2 }), delayMs);
  const bench = new OperatorBench({ files });
  const reader = source.createReader(bench.context);
  const passed: number[] = [];
  for (const split of await source.enumerate({ files, parallelism: 2, logger: bench.context.logger, clock: bench.context.clock })) {
    await reader.start(split, undefined);
    while (reader.poll({ emit: ({ dateTime }) => void passed.push(dateTime), isAvailable: () => true }, 10) !== 'split-finished');
  }
  assert.equal(passed.sort(), [10_000, 14_000]);
});

const maker = new EventMaker(generatorDefaults);
const events = Array.from({ length: 200 }, (_, n) => maker.make(n));
const lineOf = (event: AuctionEvent): string => JSON.stringify(event);
const shuffledFields = (event: AuctionEvent): string => JSON.stringify(Object.fromEntries(Object.entries(event).reverse()), null, 1);

await putFile(files, '/events.ndjson', events.map((event) => `${lineOf(event)}\n`).join(''));
await putFile(files, '/shuffled.ndjson', events.map((event) => `${shuffledFields(event).replaceAll('\n', ' ')}\n`).join(''));

async function readAll(path: string): Promise<readonly AuctionEvent[]> {
  const source = fileSource(path, auctionEvents());
  const { context } = new OperatorBench({ files });
  const reader = source.createReader(context);
  const read: AuctionEvent[] = [];
  for (const split of await source.enumerate({ files, parallelism: 1, logger: context.logger, clock: context.clock })) {
    await reader.start(split, undefined);
    for (;;) {
      const status = reader.poll({ emit: (event) => void read.push(event), isAvailable: () => true }, 50);
      if (status === 'split-finished') break;
      if (status === 'pending') await reader.whenAvailable();
    }
  }
  await reader.close();
  return read;
}

test('events are read as they were written, whatever the order of fields and the white space', async () => {
  assert.equal(await readAll('/events.ndjson'), events);
  assert.equal(await readAll('/shuffled.ndjson'), events);
  const line = lineOf(events[4] as AuctionEvent);
  assert.ok(line.startsWith('{"type":"bid","auction":'), line);
});

for (const [name, line, message] of [
  ['no object', '7', /no event/],
  ['an unknown type', '{"type":"bib"}', /"type" is "bib"/],
  ['no time', '{"type":"bid","auction":1,"bidder":1,"price":1,"channel":"","url":"","extra":""}', /"dateTime" of the bid is missing/],
  [
    'a fraction',
    '{"type":"bid","auction":1.5,"bidder":1,"price":1,"channel":"","url":"","dateTime":1,"extra":""}',
    /"auction" of the bid is 1.5, not a whole number/,
  ],
  [
    'a null text',
    '{"type":"bid","auction":1,"bidder":1,"price":1,"channel":null,"url":"","dateTime":1,"extra":""}',
    /"channel" of the bid is null, not a text/,
  ],
] as const) {
  test(`a line with ${name} is refused, with its place`, async () => {
    await putFile(files, '/broken.ndjson', `${lineOf(events[0] as AuctionEvent)}\n${line}\n`);
    const error = await readAll('/broken.ndjson').then(
      () => assert.unreachable('it was read'),
      (failure: Error) => failure,
    );
    assert.match(String((error as Error).message), message);
    assert.match(JSON.stringify(error), /broken.ndjson/);
  });
}

test.run();

runContract('nexmark events of a file, through the gate', sourceContract, () =>
  Promise.resolve({
    fixture: {
      files,
      makeSource: () => withoutLateEvents(fileSource('/events.ndjson', auctionEvents()), delayMs),
      expected: () => events,
      positionsMax: 12,
    },
  }),
);
