/** The codes that errors of nats.js carry, and those of sockets and TLS below it. */

/** The code, or an empty text. */
export function natsCodeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

const refusals: ReadonlySet<string> = new Set([
  'AUTHORIZATION_VIOLATION',
  'BAD_AUTHENTICATION',
  'BAD_CREDS',
  'AUTHENTICATION_EXPIRED',
  'ACCOUNT_EXPIRED',
  'SERVER_OPT_NA',
  'TLS',
]);

/** Whether the server does not want this client: trying again cannot help. */
export function isRefusal(error: unknown): boolean {
  const code = natsCodeOf(error);
  return refusals.has(code) || /^(ERR_TLS_|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO_SELF_SIGNED)/.test(code);
}
