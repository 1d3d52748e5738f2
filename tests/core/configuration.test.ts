import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Configuration, type ConfigurationSources } from '../../core/configuration/configuration.js';
import { nearest } from '../../core/configuration/nearest.js';
import { optionGroups, options } from '../../core/configuration/options.js';
import { environmentName } from '../../core/configuration/sources.js';
import { MillraceError } from '../../core/errors.js';

const test = suite('configuration');

const file = (content: string): ConfigurationSources => ({ file: { name: 'millrace.yaml', content } });

function mistakeOf(sources: ConfigurationSources): string {
  try {
    Configuration.load(sources);
  } catch (error) {
    assert.instance(error, MillraceError);
    assert.is((error as MillraceError).code, 'CONFIGURATION_INVALID');
    return (error as MillraceError).message;
  }
  throw new Error('the configuration was accepted');
}

test('flags win over the environment, the environment over the file, the file over defaults (CF1)', () => {
  const key = 'taskmanager.numberOfTaskSlots';
  const environment = { MILLRACE_TASKMANAGER_NUMBEROFTASKSLOTS: '3' };
  const slots = (sources: ConfigurationSources) => Configuration.load(sources).get(options.numberOfTaskSlots);
  assert.is(slots({}), 1);
  assert.is(slots(file(`${key}: 2`)), 2);
  assert.is(slots({ ...file(`${key}: 2`), environment }), 3);
  assert.is(slots({ ...file(`${key}: 2`), environment, flags: { [key]: '4' } }), 4);
});

test('a file may be flat, nested, JSON or empty', () => {
  for (const content of [
    'execution.checkpointing.interval: 10 s',
    'execution:\n  checkpointing:\n    interval: 10 s',
    '{"execution": {"checkpointing.interval": 10000}}',
  ]) {
    assert.is(Configuration.load(file(content)).get(options.checkpointInterval), 10_000);
  }
  assert.is(Configuration.load(file('# nothing yet\n')).get(options.checkpointInterval), undefined);
});

test('every kind of value is parsed to its type', () => {
  const configuration = Configuration.load(
    file(`
pipeline.object-reuse: yes
execution.buffer-timeout.interval: 0.5 s
taskmanager.memory.task.heap.size: 64 mb
restart-strategy.type: FixedDelay
restart-strategy.exponential-delay.backoff-multiplier: 1.5
nats.servers: [nats://a:4222, nats://b:4222]
`),
  );
  assert.is(configuration.get(options.isObjectReuse), true);
  assert.is(configuration.get(options.bufferTimeout), 500);
  assert.is(configuration.get(options.taskHeapSize), 64 * 1_024 * 1_024);
  assert.is(configuration.get(options.restartStrategy), 'fixed-delay');
  assert.is(configuration.get(options.backoffMultiplier), 1.5);
  assert.equal(configuration.get(options.natsServers), ['nats://a:4222', 'nats://b:4222']);
});

test('an alias counts as its key (CF1)', () => {
  assert.is(Configuration.load(file('state.checkpoints.dir: /data')).get(options.checkpointDirectory), '/data');
});

test('an unknown key names its place and suggests the nearest (CF2)', () => {
  assert.is(
    mistakeOf(file('taskmanager.numberOfTaskSlot: 2')),
    'There is no key "taskmanager.numberOfTaskSlot" (millrace.yaml). Did you mean "taskmanager.numberOfTaskSlots"?',
  );
  assert.match(
    mistakeOf({ flags: { 'heartbaet.interval': '1 s' } }),
    /"heartbaet\.interval" \(flag -D heartbaet\.interval\)\. Did you mean "heartbeat\.interval"/,
  );
  assert.match(
    mistakeOf({ environment: { MILLRACE_CLUSTR_ID: 'a' } }),
    /environment variable MILLRACE_CLUSTR_ID\. Did you mean MILLRACE_CLUSTER_ID/,
  );
  assert.not.match(mistakeOf({ flags: { zzzzzzzzzzzzzz: '1' } }), /mean/);
});

test('a bad value names key, value, place and what would be right (CF2)', () => {
  assert.is(
    mistakeOf(file('heartbeat.interval: soon')),
    '"heartbeat.interval" cannot be "soon" (millrace.yaml): give it a duration such as "500 ms" or "10 s" from 10 ms.',
  );
  assert.match(mistakeOf({ flags: { 'taskmanager.numberOfTaskSlots': '0' } }), /a whole number from 1 to 256/);
  assert.match(mistakeOf({ flags: { 'taskmanager.numberOfTaskSlots': '2.5' } }), /a whole number/);
  assert.match(mistakeOf(file('cluster.id: "a.b"')), /letters, digits/);
  assert.match(mistakeOf(file('execution.checkpointing.mode: AT_LEAST_ONCE')), /give it EXACTLY_ONCE/);
  assert.match(mistakeOf(file('cluster.id:')), /has no value/);
  assert.match(mistakeOf(file('redis.url: example.org')), /redis:\/\/host:6379/);
});

test('all mistakes are told at once (CF2)', () => {
  const message = mistakeOf({ ...file('a: 1'), flags: { 'heartbeat.timeout': 'x', 'parallelism.default': '-1' } });
  assert.match(message, /^3 mistakes/);
});

test('values that contradict each other are refused', () => {
  assert.match(
    mistakeOf(file('heartbeat.timeout: 100 ms')),
    /"heartbeat\.timeout" \(100 ms\) must be more than "heartbeat\.interval" \(500 ms\)/,
  );
  assert.match(mistakeOf(file('high-availability.type: filesystem')), /storageDir/);
  assert.match(
    mistakeOf(file('high-availability.lease.renew-interval: 1600 ms')),
    /"high-availability\.lease\.renew-interval" \(.*\) must be at most half of "high-availability\.lease\.duration" \(3 s\)/,
  );
  assert.match(mistakeOf(file('cluster.registration.max-timeout: 100 ms')), /initial-timeout" must not be more than/);
  assert.match(mistakeOf(file('nats.password: hush')), /"nats\.password" is set, so "nats\.user" must be too/);
  assert.match(mistakeOf(file('nats.tls.key-file: /k.pem')), /"nats\.tls\.key-file" is set, so "nats\.tls\.cert-file" must be too/);
  assert.match(mistakeOf(file('nats.tls.cert-file: /c.pem')), /"nats\.tls\.cert-file" is set, so "nats\.tls\.key-file" must be too/);
  assert.match(mistakeOf(file('nats.user: me\nnats.token: hush')), /"nats\.token" and "nats\.user" are set: choose one way/);
});

test('a file that is no YAML is refused with its name', () => {
  assert.match(mistakeOf(file('a: [1')), /^millrace\.yaml:1:6 cannot be read: /);
  assert.match(mistakeOf(file('- 1\n- 2')), /holds no keys/);
});

test('secrets are never shown (CF3)', () => {
  const secret = 'hunter2hunter2';
  const configuration = Configuration.load({
    flags: {
      'nats.user': 'me',
      'nats.password': secret,
      'redis.url': `redis://me:${secret}@example.org:6379`,
      'nats.servers': `nats://me:${secret}@a:4222,nats://b:4222`,
    },
  });
  assert.is(configuration.get(options.natsPassword), secret);
  const dumps = [JSON.stringify(configuration), JSON.stringify(configuration.entries())];
  for (const dump of dumps) assert.not.match(dump, /hunter2/);
  assert.match(dumps[0] as string, /redis:\/\/\*{6}@example\.org:6379/);
  assert.not.match(mistakeOf({ flags: { 'nats.password': '' } }), /hunter2/);
  assert.not.match(mistakeOf({ flags: { 'nats.pasword': secret } }), /hunter2/);
  assert.not.match(mistakeOf(file(`nats.password: ${secret}\nb: [1`)), /hunter2/);
  assert.not.match(mistakeOf(file(`nats.password: [${secret}`)), /hunter2/);
});

test('an empty variable counts as not set, and variables of the test runner are no configuration', () => {
  assert.is(
    Configuration.load({ environment: { MILLRACE_CLUSTER_ID: '', MILLRACE_TEST_NATS_URL: 'x', PATH: '/bin' } }).get(options.clusterId),
    'default',
  );
});

test('every key is declared once, has a variable of its own, and a default that its own parser accepts', () => {
  const all = optionGroups.flatMap((group) => group.options);
  const keys = all.flatMap((option) => [option.key, ...option.aliases]);
  assert.is(new Set(keys).size, keys.length);
  assert.is(new Set(keys.map(environmentName)).size, keys.length);
  assert.is(all.length, Object.keys(options).length);
  for (const option of all) {
    assert.match(option.description, /\.$/);
    if (option.defaultValue === undefined) continue;
    const parsed = option.parse(option.format(option.defaultValue));
    assert.ok(parsed.ok, option.key);
    if (parsed.ok) assert.equal(parsed.value, option.defaultValue, option.key);
  }
});

test('every key is read by something: none is accepted and then ignored', () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  /** Keys with one possible value, accepted so that files for Flink can say it: there is nothing to read. */
  const fixed = new Set(['checkpointMode', 'stateBackend']);
  for (const name of fixed) {
    const option = options[name as 'checkpointMode'];
    assert.is(option.expected, option.defaultValue, `${name} takes one value`);
  }
  const sources = ['actors', 'api', 'cluster', 'graph', 'storage']
    .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(root, folder, name)))
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const ignored = Object.keys(options).filter((name) => !fixed.has(name) && !new RegExp(`\\boptions\\.${name}\\b`).test(sources));
  assert.equal(ignored, []);
});

test('what is near is suggested, what is far is not', () => {
  assert.is(nearest('paralelism', ['parallelism', 'interval']), 'parallelism');
  assert.is(nearest('xyz', ['parallelism', 'interval']), undefined);
});

test.run();
