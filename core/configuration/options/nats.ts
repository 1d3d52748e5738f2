/** The connection to NATS. */
import { duration, flag, list, text } from '../option.js';
import { token } from './token.js';

export const natsOptions = {
  natsServers: list('nats.servers', ['nats://127.0.0.1:4222'], { aliases: ['nats.url'], description: 'Addresses of the NATS servers.' }),
  natsUser: text('nats.user', undefined, { description: 'User name.' }),
  natsPassword: text('nats.password', undefined, { isSecret: true, description: 'Password of the user.' }),
  natsToken: text('nats.token', undefined, { isSecret: true, description: 'Token, instead of user and password.' }),
  natsNkeySeed: text('nats.nkey.seed', undefined, { isSecret: true, description: 'Seed of an NKey, instead of user and password.' }),
  natsCredentialsFile: text('nats.credentials.file', undefined, { description: 'Path of a `.creds` file, instead of user and password.' }),
  isNatsTls: flag('nats.tls.enabled', false, { description: 'Whether to insist on TLS.' }),
  natsTlsCaFile: text('nats.tls.ca-file', undefined, { description: 'Certificates to trust, PEM.' }),
  natsTlsCertFile: text('nats.tls.cert-file', undefined, { description: 'Certificate of the client, PEM.' }),
  natsTlsKeyFile: text('nats.tls.key-file', undefined, { description: 'Private key of the client, PEM.' }),
  natsSubjectPrefix: text('nats.subject-prefix', 'millrace', { ...token, description: 'First token of every subject.' }),
  natsConnectTimeout: duration('nats.connect.timeout', 5_000, { min: 10, description: 'How long one attempt to connect may take.' }),
  natsGiveUpAfter: duration('nats.connect.give-up-after', undefined, {
    description: 'Time without a connection after which a process ends with an error. Default: it tries on for ever.',
  }),
  natsReconnectWait: duration('nats.reconnect.wait', 250, { min: 1, description: 'Wait between attempts to reconnect.' }),
};
