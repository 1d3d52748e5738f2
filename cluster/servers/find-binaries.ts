/**
 * Where nats-server and redis-server are on this machine, and how to get them.
 *
 * `MILLRACE_NATS_SERVER` and `MILLRACE_REDIS_SERVER` name them explicitly; else the PATH and the usual folders count.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { MillraceError } from '../../core/errors.js';

export interface ServerBinaries {
  readonly nats: string;
  readonly redis: string;
}

/** The one command that installs what is missing. */
export const installCommand = 'apt-get update && apt-get install -y nats-server redis-server';

/** Paths of both servers, or the names of the packages that are missing. */
export function findServerBinaries(): ServerBinaries | { readonly missing: readonly string[] } {
  const nats = process.env['MILLRACE_NATS_SERVER'] ?? findExecutable('nats-server');
  const redis = process.env['MILLRACE_REDIS_SERVER'] ?? findExecutable('redis-server');
  if (nats !== undefined && redis !== undefined) return { nats, redis };
  return { missing: [...(nats === undefined ? ['nats-server'] : []), ...(redis === undefined ? ['redis-server'] : [])] };
}

/**
 * Paths of both servers. On Debian as root, missing packages are installed first (their services are kept from
 * starting); anywhere else it throws an error with the one command to run.
 */
export function requireServerBinaries(say: (line: string) => void): ServerBinaries {
  const found = findServerBinaries();
  if ('nats' in found) return found;
  const apt = findExecutable('apt-get');
  const isRoot = process.getuid?.() === 0;
  if (apt === undefined || !isRoot) {
    const prefix = isRoot ? '' : 'sudo ';
    const command = apt === undefined ? 'install nats-server and redis-server and put them on the PATH' : `sh -c '${installCommand}'`;
    throw notFound(found.missing, `Run: ${apt === undefined ? '' : prefix}${command}`);
  }
  say(`installing ${found.missing.join(' and ')} with apt-get`);
  // Without package lists, as in a fresh container, the first attempt fails; only the second one has something to say.
  if (!aptInstall(apt, found.missing, { isQuiet: true })) {
    runApt(apt, ['update'], { isQuiet: false });
    if (!aptInstall(apt, found.missing, { isQuiet: false }))
      throw notFound(found.missing, `apt-get could not install them. Run: ${installCommand}`);
  }
  const after = findServerBinaries();
  if ('nats' in after) return after;
  throw notFound(after.missing, `apt-get did not bring them. Run: ${installCommand}`);
}

const notFound = (missing: readonly string[], next: string): MillraceError =>
  new MillraceError('SERVER_NOT_FOUND', `${missing.join(' and ')} not found`, {
    domain: 'external',
    recovery: 'crash',
    hint: `${next}. Or name running servers with nats.servers and redis.url.`,
  });

function aptInstall(apt: string, packages: readonly string[], options: { readonly isQuiet: boolean }): boolean {
  return runApt(apt, ['install', '-y', '--no-install-recommends', ...packages], options);
}

function runApt(apt: string, command: readonly string[], { isQuiet }: { readonly isQuiet: boolean }): boolean {
  // RUNLEVEL=1 keeps the packages from starting their services; the tests start servers of their own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const result = spawnSync(apt, ['-q', ...command], { env, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', timeout: 300_000 });
  if (result.status !== 0 && !isQuiet) process.stderr.write(result.stderr);
  return result.status === 0;
}

function findExecutable(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/opt/homebrew/bin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
