/** What a source or sink cannot be made with is refused when the job is built: what, of which function, what instead (CO1). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MillraceError } from '../../core/errors.js';
import * as millrace from '../../index.js';
import { csv, defineJob, generatorSource, redisSink, type jetStreamSource } from '../../index.js';
import { buildJob } from '../../cluster/job-code/compiled-job.js';
import { Configuration } from '../../core/configuration/configuration.js';
import { nothing } from '../support/sinks.js';

const test = suite('connector options');

const servers = 'nats://localhost:4222';
const url = 'redis://localhost:6379';
const text = { name: 'text', decode: String } as unknown as Parameters<typeof jetStreamSource>[0]['format'];
const write = { kind: 'set', key: 'k' } as const;
const inCluster = { url, cluster: true, write };
const web = 'https://localhost/x';

/** Of each function: what it is given beside what is right, and what the error says of it. */
const cases: readonly (readonly [maker: string, given: unknown, says: RegExp, ...more: unknown[]])[] = [
  ['generatorSource', { count: -1, generate: Number }, /count is -1/],
  ['generatorSource', { count: 1, rate: 0, generate: Number }, /rate is 0/],
  ['batchSource', { name: 'x', boundedness: 'endless' }, /boundedness is "endless"/],
  ['textLinesSource', [], /No path/],
  ['ndjsonSource', 'in.ndjson', /"in.ndjson" is not an absolute path/],
  ['csvSource', '/in', /malformed is "skip"/, { malformed: 'skip' }],
  ['csvSource', '/in', /in ranges/, { ranges: true }],
  ['jsonArraySource', '/in', /in ranges/, { ranges: true }],
  ['textLinesSource', '/in', /blockBytes is 0/, { blockBytes: 0 }],
  ['textLinesSource', '/in', /monitorContinuously is "soon"/, { monitorContinuously: 'soon' }],
  ['textLinesSource', '/in', /monitorContinuously is 1\./, { monitorContinuously: 1 }],
  ['textLinesSource', '/in', /both given/, { monitorContinuously: '1 s', ranges: true }],
  ['parquetSource', 'in.parquet', /not an absolute path/],
  ['csv', { header: false }, /no columns/],
  ['csv', { delimiter: '||' }, /"\|\|" cannot delimit/],
  ['csv', { columns: JSON.parse('{"__proto__":"text"}') }, /cannot be a column/],
  ['socketTextSource', '', /not the address/, 80],
  ['socketTextSource', 'h', /delimiter is empty/, 80, { delimiter: '' }],
  ['socketTextSource', 'h', /retriesMax is -1/, 80, { retriesMax: -1 }],
  ['socketTextSource', 'h', /retryDelay is "soon"/, 80, { retryDelay: 'soon' }],
  ['socketTextSource', 'h', /lineBytesMax is NaN/, 80, { lineBytesMax: NaN }],
  ['jetStreamSource', { servers, stream: [], format: text }, /stream is \[\]/],
  ['jetStreamSource', { servers, stream: 'a b', format: text }, /"a b" is not the name of a stream/],
  ['jetStreamSource', { servers, stream: 'a', from: 0, format: text }, /from is 0/],
  ['jetStreamSource', { servers, stream: 'a', from: 'last', format: text }, /from is "last"/],
  ['jetStreamSource', { servers, stream: 'a', subjects: [], format: text }, /subjects is empty/],
  ['jetStreamSource', { servers, stream: 'a', subjects: ['a.>', 'a.b'], format: text }, /overlap/],
  ['jetStreamSource', { servers, stream: 'a', trimmed: 'ignore', format: text }, /trimmed is "ignore"/],
  ['natsSubjectSource', { servers, subject: 'a..b', format: text }, /"a..b" is not a subject/],
  ['natsSubjectSource', { servers, subject: 'a', queue: 'a b', format: text }, /queue group/],
  ['natsSubjectSource', { servers, subject: 'a', messagesMax: 0.5, format: text }, /messagesMax is 0.5/],
  ['jetStreamSink', { servers, stream: 'a/b', subject: 'a' }, /not the name of a stream/],
  ['jetStreamSink', { servers, stream: 'a', subject: 'a.*' }, /cannot|not a subject/],
  ['jetStreamSink', { servers, stream: 'a', subject: 'a', delivery: 'once' }, /delivery is "once"/],
  ['jetStreamSink', { servers, stream: 'a', subject: 'a', transactionBytesMax: 0 }, /transactionBytesMax is 0/],
  ['natsSink', { servers, subject: 'a.>' }, /not a subject/],
  ['redisStreamSource', { url, stream: ['a', 'a'] }, /stream is \["a","a"\]/],
  ['redisStreamSource', { url, stream: 'a', from: 'last' }, /from is "last"/],
  ['redisStreamSource', { url, stream: 'a', field: 'f' }, /Only "field"/],
  ['redisSink', { url, write, noteKey: '' }, /noteKey is empty/],
  ['redisSink', { url, write: { ...write, expiresIn: 0 } }, /expiresIn is 0/],
  ['redisSink', { url, write: { kind: 'stream', stream: 's', key: 's', lengthMax: 0 } }, /lengthMax is 0/],
  ['redisSink', inCluster, /no noteKey/],
  ['redisSink', { ...inCluster, noteKey: 'notes' }, /not in one slot/],
  ['fileSink', 'out', /not an absolute path/],
  ['fileSink', '/out', /"\.\.\/x" cannot begin/, { prefix: '../x' }],
  ['fileSink', '/out', /"\/x" cannot end/, { suffix: '/x' }],
  ['fileSink', '/out', /openFilesMax is 0/, { openFilesMax: 0 }],
  ['fileSink', '/out', /rolling.sizeBytes is 0/, { rolling: { sizeBytes: 0 } }],
  ['fileSink', '/out', /rolling.age is "old"/, { rolling: { age: 'old' } }],
  ['httpSink', { url: () => web, batch: { recordsMax: 2 } }, /depend on the record/],
  ['httpSink', { url: web, batch: { recordsMax: 0 } }, /batch.recordsMax is 0/],
  ['httpSink', { url: web, requestsMax: 0 }, /requestsMax is 0/],
  ['httpSink', { url: web, timeout: 'soon' }, /timeout is "soon"/],
];

type Maker = (...given: unknown[]) => unknown;

test('each mistake names the function, what it was given, and what to give instead (CO1)', () => {
  for (const [maker, given, says, ...more] of cases) {
    try {
      (millrace as unknown as Record<string, Maker>)[maker]?.(given, ...more);
    } catch (error) {
      assert.instance(error, MillraceError, `${maker} ${says.source}: ${String(error)}`);
      const { code, domain, recovery, where, message, hint } = error as MillraceError;
      assert.equal([code, domain, recovery, where], ['CONNECTOR_OPTION_INVALID', 'user', 'fail-job', maker], says.source);
      assert.match(message, says);
      assert.match(hint ?? '', /^[A-Z].*\.$/);
      continue;
    }
    assert.unreachable(`${maker} took ${String(says)}`);
  }
});

test('a builder that makes one of them fails with that error, not with one of its own', () => {
  const job = defineJob('x', (env) => void env.fromSource(generatorSource({ count: 0.5, generate: Number })).sinkTo(nothing()));
  try {
    buildJob(job, { where: 'job.ts', parameters: {}, configuration: Configuration.defaults });
  } catch (error) {
    assert.is((error as MillraceError).code, 'CONNECTOR_OPTION_INVALID');
    return;
  }
  assert.unreachable();
});

test('what is right is taken', () => {
  assert.is(csv({ delimiter: ';' }).name, 'csv');
  assert.ok(generatorSource({ count: 0, generate: Number }));
  assert.ok(redisSink({ ...inCluster, write: { ...write, key: '{a}:k' }, noteKey: '{a}:notes' }));
});

test.run();
