/** A log line is JSON that every reader reads alike. */
import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('pino logger');
const adapter = new URL('../../cluster/adapters/pino-logger.js', import.meta.url).href;

/** What a program that logs writes to its standard error. */
function logged(program: string): readonly string[] {
  const text = `import { createLogger } from '${adapter}'; ${program}`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', text], { encoding: 'utf8' }).stderr.trim().split('\n');
}

test('no field is written twice: that of the line wins over those of its logger', () => {
  const [line] = logged(`createLogger('info', { pid: 1, name: 'a' }).child({ pid: 2 }).log('info', 'said', { pid: 3, slots: 4 });`);
  assert.is(line?.match(/"pid"/g)?.length, 1);
  const { pid, name, slots, msg } = JSON.parse(line as string) as Record<string, unknown>;
  assert.equal({ pid, name, slots, msg }, { pid: 3, name: 'a', slots: 4, msg: 'said' });
});

test('secrets are masked, also those of a child, and lines below the level are not written', () => {
  const lines = logged(
    `const logger = createLogger('info').child({ nats: { password: 'hunter2' } }); logger.log('debug', 'not this'); logger.log('warn', 'this', { token: 'hunter2' });`,
  );
  assert.is(lines.length, 1);
  assert.not.match(lines[0] as string, /hunter2/);
});

test.run();
