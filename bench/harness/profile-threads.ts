/**
 * Loaded with `--import` into processes under test (`npm run bench -- --profile FOLDER`): profiles every thread of them. A
 * thread with marks is profiled between its first `begin` and its `end`; the main thread, which has none, for all its life.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';
import { isMainThread, threadId } from 'node:worker_threads';
import { onMark } from './profile-hook.js';

const directory = process.env['BENCH_PROFILE_DIRECTORY'] ?? '.';
const intervalMicroseconds = 1_000;
const session = new Session();
let isOn = false;

function start(): void {
  if (isOn) return;
  isOn = true;
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: intervalMicroseconds });
  session.post('Profiler.start');
}

function stop(): void {
  if (!isOn) return;
  isOn = false;
  session.post('Profiler.stop', (_error, { profile }) => {
    mkdirSync(directory, { recursive: true });
    const script = (process.argv[1] ?? '').split('/').at(-1)?.replace('.js', '') ?? '';
    writeFileSync(join(directory, `${script}-${process.pid}-${isMainThread ? 'main' : threadId}.cpuprofile`), JSON.stringify(profile));
  });
  session.disconnect();
}

onMark((name) => {
  if (name === 'begin') start();
  else if (name === 'end') stop();
});
if (isMainThread) {
  start();
  process.once('exit', stop);
}
