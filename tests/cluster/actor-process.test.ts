/** How long the supervisor of a local cluster waits before it starts a process again. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ActorProcess } from '../../cluster/local-cluster/actor-process.js';
import { temporaryDirectory } from '../support/temp-directory.js';

const test = suite('actor process');

/** Pauses before the restarts of a process that runs `body` and, once it says `up`, is treated with `onUp`. */
function pausesOf(body: string, restartsMax: number, onUp: (process: ActorProcess) => void): Promise<readonly (number | undefined)[]> {
  const script = join(temporaryDirectory('actor'), 'actor.mjs');
  writeFileSync(script, `console.log('up');\n${body}\n`);
  const pauses: (number | undefined)[] = [];
  return new Promise((resolve) => {
    const actor: ActorProcess = new ActorProcess({
      name: 'actor',
      script,
      args: () => [],
      env: process.env,
      restartsMax,
      isDetached: false,
      onLine: (_, line) => line === 'up' && onUp(actor),
      onExit: (_, { restartInMs }) => {
        pauses.push(restartInMs);
        if (restartInMs === undefined) resolve(pauses);
      },
    });
  });
}

test('a process that is killed comes back at once, however often (LP1)', async () => {
  const pauses = await pausesOf('setInterval(() => {}, 1_000);', 4, (actor) => void actor.signal('SIGKILL'));
  assert.equal(pauses, [100, 100, 100, 100, undefined]);
});

test('one that ends by itself after a short life waits longer each time, and is given up at the limit (LP1)', async () => {
  const pauses = await pausesOf('process.exitCode = 1;', 3, () => undefined);
  assert.equal(pauses, [100, 200, 400, undefined]);
});

test.run();
