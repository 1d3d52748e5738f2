import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nkeys } from 'nats';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectNats, type NatsBusOptions } from '../../bus/transports/nats/connect.js';
import { systemClock } from '../../cluster/adapters/system-clock.js';
import type { MillraceError } from '../../core/errors.js';
import { findServerBinaries } from '../../cluster/servers/find-binaries.js';
import { ServerProcess } from '../../cluster/servers/server-process.js';
import { boundTests } from '../support/bounds.js';
import { sharedNatsUrl } from '../support/servers.js';
import { recordingLogger } from '../support/silent-logger.js';
import { temporaryDirectory } from '../support/temp-directory.js';

boundTests({ testMs: 20_000, fileMs: 120_000 });
const test = suite('NATS authentication');
const tlsDirectory = fileURLToPath(new URL('../../../tests/fixtures/tls/', import.meta.url));

async function withServer(flags: readonly string[], body: (port: number) => Promise<void>): Promise<void> {
  const found = findServerBinaries();
  if (!('nats' in found)) throw new Error('nats-server is not there');
  const server = await ServerProcess.start({
    name: 'nats-server',
    binary: found.nats,
    flags: (port) => ['--addr', '127.0.0.1', '--port', String(port), ...flags],
  });
  try {
    await body(server.port);
  } finally {
    await server.dispose();
  }
}

const attempt = async (server: string, more: Partial<NatsBusOptions> = {}): Promise<string> => {
  const { logger, lines } = recordingLogger();
  try {
    const bus = await connectNats({ servers: [server], name: 'test', clock: systemClock, logger, connectAttemptsMax: 1, ...more });
    bus.subscribe('a', (message) => message.respond?.(message.payload));
    const answer = await bus.request('a', Uint8Array.of(1), { timeoutMs: 5_000 });
    await bus.close();
    return answer[0] === 1 ? 'works' : 'wrong answer';
  } catch (error) {
    const { code, message, hint } = error as MillraceError;
    assert.not.match(JSON.stringify([message, hint, lines]), 'geheim');
    return code;
  }
};

test('user and password, given beside the address or inside it', () =>
  withServer(['--user', 'bob', '--pass', 'geheim'], async (port) => {
    const address = `nats://127.0.0.1:${port}`;
    assert.is(await attempt(address, { authentication: { kind: 'user', user: 'bob', password: 'geheim' } }), 'works');
    assert.is(await attempt(`nats://bob:geheim@127.0.0.1:${port}`), 'works');
    assert.is(await attempt(`nats://bob:geheim2@127.0.0.1:${port}`), 'NATS_REFUSED');
    assert.is(await attempt(address), 'NATS_REFUSED');
  }));

test('a token, given beside the address or inside it', () =>
  withServer(['--auth', 'geheim'], async (port) => {
    assert.is(await attempt(`nats://127.0.0.1:${port}`, { authentication: { kind: 'token', token: 'geheim' } }), 'works');
    assert.is(await attempt(`nats://geheim@127.0.0.1:${port}`), 'works');
    assert.is(await attempt(`nats://127.0.0.1:${port}`, { authentication: { kind: 'token', token: 'geheim2' } }), 'NATS_REFUSED');
  }));

test('wrong credentials are not tried again', () =>
  withServer(['--auth', 'geheim'], async (port) => {
    assert.is(await attempt(`nats://127.0.0.1:${port}`, { connectAttemptsMax: Number.POSITIVE_INFINITY }), 'NATS_REFUSED');
  }));

test('an nkey', async () => {
  const user = nkeys.createUser();
  const config = join(temporaryDirectory('nkey'), 'nats.conf');
  writeFileSync(config, `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }\n`);
  const seedOf = (pair: ReturnType<typeof nkeys.createUser>): string => new TextDecoder().decode(pair.getSeed());
  await withServer(['--config', config], async (port) => {
    assert.is(await attempt(`nats://127.0.0.1:${port}`, { authentication: { kind: 'nkey', seed: seedOf(user) } }), 'works');
    assert.is(
      await attempt(`nats://127.0.0.1:${port}`, { authentication: { kind: 'nkey', seed: seedOf(nkeys.createUser()) } }),
      'NATS_REFUSED',
    );
  });
});

test('TLS, with the authority that signed the certificate and not without', () =>
  withServer(['--tls', '--tlscert', join(tlsDirectory, 'server.pem'), '--tlskey', join(tlsDirectory, 'server-key.pem')], async (port) => {
    assert.ok(readFileSync(join(tlsDirectory, 'ca.pem'), 'utf8').includes('CERTIFICATE'));
    assert.is(await attempt(`tls://127.0.0.1:${port}`, { tls: { caFile: join(tlsDirectory, 'ca.pem') } }), 'works');
    assert.is(await attempt(`tls://127.0.0.1:${port}`, { tls: { rejectUnauthorized: false } }), 'works');
    assert.is(await attempt(`tls://127.0.0.1:${port}`), 'NATS_REFUSED');
  }));

test('TLS where the server has none is refused', async () => {
  assert.is(await attempt(sharedNatsUrl(), { tls: {} }), 'NATS_REFUSED');
});

test.run();
