import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { clientCommand, processSettings } from '../../cluster/local-cluster/handed-on-settings.js';
import { Configuration } from '../../core/configuration/configuration.js';

const test = suite('settings handed on by a local cluster');

test('a process gets secrets by environment, everything else by flags (HS1)', () => {
  const { flags, environment } = processSettings(
    ['cluster.id=blue', 'redis.password=hunter2', 'nats.url=nats://me:hunter2@a:4222', 'redis.url=redis://b:6379'],
    { PATH: '/bin', MILLRACE_NATS_URL: 'nats://elsewhere', MILLRACE_REDIS_PASSWORD: 'old' },
  );
  assert.equal(flags, ['-D', 'cluster.id=blue', '-D', 'redis.url=redis://b:6379']);
  assert.equal(environment, {
    PATH: '/bin',
    MILLRACE_REDIS_PASSWORD: 'hunter2',
    MILLRACE_NATS_SERVERS: 'nats://me:hunter2@a:4222',
  });
});

test('the command for a client has every key that it needs, the file, and no secret (HS1)', () => {
  const configuration = Configuration.load({
    environment: { MILLRACE_CLUSTER_ID: 'blue' },
    flags: {
      'nats.servers': 'nats://127.0.0.1:4222',
      'nats.token': 'hunter2',
      'redis.password': 'hunter2',
      'restart-strategy.fixed-delay.delay': '3 s',
      'taskmanager.numberOfTaskSlots': 2,
    },
  });
  assert.is(
    clientCommand(configuration, '/etc/my millrace.yaml'),
    "MILLRACE_NATS_TOKEN='******' npx millrace run examples/01-hello.ts --config '/etc/my millrace.yaml' -D cluster.id=blue " +
      "-D 'restart-strategy.fixed-delay.delay=3 s' -D nats.servers=nats://127.0.0.1:4222",
  );
});

test('an address with user and password is masked like a secret (HS1)', () => {
  const configuration = Configuration.load({ flags: { 'nats.servers': 'nats://me:hunter2@a:4222' } });
  assert.is(clientCommand(configuration, undefined), "MILLRACE_NATS_SERVERS='nats://******@a:4222' npx millrace run examples/01-hello.ts");
});

test.run();
