import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOf } from '../../graph/digest.js';
import { assertSameJob, compareFingerprints } from '../../graph/fingerprint.js';
import { planJob } from '../../graph/job-plan.js';
import type { JobGraph, StreamGraph } from '../../graph/types.js';
import { hash, sketch, type NodeSketch } from '../support/stream-graphs.js';

const test = suite('fingerprints');

const base = (change: Partial<NodeSketch> = {}, graph: Partial<StreamGraph> = {}): JobGraph =>
  planJob(
    sketch(
      [{ name: 'source', data: [1, 2, 3] }, { name: 'count', isKeyed: true, ...change }, { name: 'sink' }],
      [
        ['source', 'count', hash],
        ['count', 'sink'],
      ],
      graph,
    ),
  ).jobGraph;

test('the same program gives the same fingerprint (FP1)', () => {
  assert.is(base().fingerprint, base().fingerprint);
  assert.match(base().fingerprint, /^[0-9a-f]{64}$/);
  assert.is(compareFingerprints(base(), base()), undefined);
});

test('settings do not count, all else does (FP1)', () => {
  const settings = { ...sketch([], []).settings, bufferTimeoutMs: 7 };
  assert.is(base({}, { settings }).fingerprint, base().fingerprint);
  const others: readonly JobGraph[] = [
    base({ data: 'other' }),
    base({ parallelism: 1, maxParallelism: 64 }),
    base({ uid: 'x' }),
    base({ type: 'filter' }),
    base({ slotSharingGroup: 'other' }),
    base({ chaining: 'NEVER' }),
    base({}, { parameters: { input: 'a' } }),
    base({}, { jobName: 'other' }),
    base({}, { isChainingEnabled: false }),
    base({}, { planning: { parallelism: 3, maxParallelism: null, isChainingEnabled: true } }),
  ];
  const prints = [base(), ...others].map((graph) => graph.fingerprint);
  assert.is(new Set(prints).size, prints.length);
});

test('a difference names the first operator that differs (FP2)', () => {
  assert.equal(compareFingerprints(base(), base({ data: 'other' })), {
    operatorName: 'count',
    explanation: 'operator "count" has other data, settings or inputs',
  });
  const shorter = planJob(
    sketch(
      [
        { name: 'source', data: [1, 2, 3] },
        { name: 'count', isKeyed: true },
      ],
      [['source', 'count', hash]],
    ),
  ).jobGraph;
  assert.match(compareFingerprints(shorter, base())?.explanation as string, /"count" has other|"sink" was not there/);
  assert.is(
    compareFingerprints(base({}, { jobName: 'a' }), base({}, { jobName: 'b' }))?.explanation,
    'the job was named "a" and is now "b"',
  );
  assert.match(compareFingerprints(base(), base({}, { isChainingEnabled: false }))?.explanation as string, /chains differ/);
});

test('a slot that built another job says which operator and why (FP2)', () => {
  assert.throws(
    () => assertSameJob(base(), base({ data: Date })),
    (error: { code: string }) => error.code === 'DATA_UNSUPPORTED',
  );
  assert.throws(
    () => assertSameJob(base(), base({ data: 1 })),
    (error: { code: string; where: string; hint: string }) =>
      error.code === 'JOB_MISMATCH' && error.where === 'count' && /parameters only/.test(error.hint),
  );
});

const plain = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.bigInt(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 4 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 2 }), tie('value'), { maxKeys: 3 }),
    fc.uniqueArray(tie('value'), { maxLength: 2 }).map((values) => new Set(values)),
    fc.array(fc.tuple(fc.string({ maxLength: 2 }), tie('value')), { maxLength: 2 }).map((entries) => new Map(entries)),
  ),
})).value;

test('equal data has equal digests (DG1)', () => {
  fc.assert(
    fc.property(plain, (value) => assert.is(digestOf(value, 'x'), digestOf(structuredClone(value), 'x'))),
    { numRuns: 200, seed: 3 },
  );
  assert.is(digestOf({ a: 1, b: 2 }, 'x'), digestOf({ b: 2, a: 1 }, 'x'));
});

test('data that looks alike has different digests (DG1)', () => {
  const alike: readonly unknown[] = [
    1,
    '1',
    1n,
    [1],
    ['1'],
    [[1]],
    { 1: 1 },
    true,
    'true',
    null,
    undefined,
    'null',
    '',
    [],
    {},
    [[]],
    [null],
    [undefined],
    0,
    -0,
    NaN,
    new Date(1),
    new Map(),
    new Set(),
    new Set([1]),
    new Map([[1, 1]]),
    new Uint8Array([1]),
    new Uint16Array([1]),
    new Uint8Array([1, 0]),
    { a: 1, b: 2 },
    { a: 1 },
    { a: undefined },
    [1, 2],
    [12],
    [1, [2]],
    ['a', 'b'],
    ['a,b'],
    ['a"b'],
    { a: { b: 1 } },
    { a: 'b' },
  ];
  const digests = alike.map((value) => digestOf(value, 'x'));
  assert.is(new Set(digests).size, alike.length);
});

test('large data is digested in pieces, the same as small (DG1)', () => {
  const large = Array.from({ length: 20_000 }, (_, index) => ({ index, text: `row ${index}` }));
  assert.is(digestOf(large, 'x'), digestOf(structuredClone(large), 'x'));
  assert.is.not(digestOf(large, 'x'), digestOf([...large.slice(0, -1), { index: 19_999, text: 'row' }], 'x'));
});

test('what has no content is refused by name (DG2)', () => {
  const ring: unknown[] = [];
  ring.push(ring);
  for (const value of [() => 1, Symbol('s'), Promise.resolve(), ring, [{ deep: new WeakMap() }]]) {
    assert.throws(
      () => digestOf(value, 'my operator'),
      (error: { code: string; where: string }) => error.code === 'DATA_UNSUPPORTED' && error.where === 'my operator',
    );
  }
});

test.run();
