/** The one place of the connectors that opens a socket of its own: the libraries of servers open theirs. */
import { connect, type Socket } from 'node:net';

export type { Socket } from 'node:net';

/** A connection that is being made. */
export const openSocket = (host: string, port: number): Socket => connect({ host, port });
