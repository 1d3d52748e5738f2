/**
 * Addresses of NATS servers as people write them: `nats://host:4222`, `host`, `tls://user:secret@host:4222`.
 * What goes into messages and logs never holds credentials.
 */
import { MillraceError } from '../../../core/errors.js';

export interface ServerAddress {
  /** For nats.js and for people: no credentials. */
  readonly url: string;
  readonly isTls: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

/** Throws `BAD_NATS_ADDRESS`. */
export function parseServerAddress(text: string): ServerAddress {
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `nats://${text}`;
  let url: URL;
  try {
    // URL knows neither scheme; with one it knows, it takes host, port and credentials apart.
    url = new URL(withScheme.replace(/^(nats|tls):\/\//i, 'ws://'));
  } catch {
    throw badAddress(text, 'it is no URL');
  }
  const scheme = withScheme.slice(0, withScheme.indexOf(':')).toLowerCase();
  if (scheme !== 'nats' && scheme !== 'tls') throw badAddress(text, `the scheme ${scheme} is not known`);
  if (url.hostname === '') throw badAddress(text, 'it names no host');
  if ((url.pathname !== '' && url.pathname !== '/') || url.search !== '' || url.hash !== '') {
    throw badAddress(text, 'it goes on after the port');
  }
  // `ws` hides its default port 80.
  const port = /:80(\/|$)/.test(withScheme.replace(/^.*@/, '')) ? '80' : url.port || '4222';
  return {
    url: `${scheme}://${url.hostname}:${port}`,
    isTls: scheme === 'tls',
    user: url.username === '' ? undefined : decodeURIComponent(url.username),
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
  };
}

function badAddress(text: string, why: string): MillraceError {
  const masked = text.replace(/^([a-z]+:\/\/)?[^/]*@/i, '$1***@');
  return new MillraceError('BAD_NATS_ADDRESS', `${JSON.stringify(masked)} is not the address of a NATS server: ${why}.`, {
    domain: 'user',
    recovery: 'crash',
    hint: 'Write it as nats://host:4222, several of them joined by commas.',
  });
}
