/**
 * A TCP proxy in front of nats-server or redis-server that cuts a client off at a chosen message: what a crash of the
 * client, or of the network, leaves of a conversation.
 *
 * CP1  `before`: the message and all later ones never reach the server. `after`: it does, and no answer comes back.
 * CP2  Once cut, nobody gets through any more; after `broken`, which is as `after`, and `lost`, which is as `before`, new
 *      connections do.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export type CutMode = 'before' | 'after' | 'broken' | 'lost';
export type Protocol = 'nats' | 'redis';

/** Whole messages at the beginning of `bytes`, as the end of each. */
type Framer = (bytes: Buffer) => readonly { readonly end: number; readonly isCounted: boolean }[];

export class CutProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #framer: Framer;
  #at = Number.POSITIVE_INFINITY;
  #mode: CutMode = 'before';
  #isCut = false;
  #onCut: () => void = () => undefined;
  /** Messages so far. */
  count = 0;
  /** Connections so far. */
  connections = 0;
  /** Resolves when the client was cut off. */
  readonly cut: Promise<void> = new Promise((resolve) => (this.#onCut = resolve));

  static async start(protocol: Protocol, port: number): Promise<CutProxy> {
    const proxy = new CutProxy(protocol, port);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  private constructor(protocol: Protocol, port: number) {
    this.#framer = protocol === 'nats' ? natsMessages : redisCommands;
    this.#server = createServer((client) => this.#relay(client, port));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts at the so-manieth message from now on, counted from 1. */
  cutAt(message: number, mode: CutMode): void {
    this.#at = this.count + message;
    this.#mode = mode;
  }

  /** Cuts off everybody now. */
  sever(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
    this.#onCut();
  }

  async close(): Promise<void> {
    this.sever();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #relay(client: Socket, port: number): void {
    if (this.#isCut) {
      client.destroy();
      return;
    }
    this.connections += 1;
    const server = connect(port, '127.0.0.1');
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        (socket === client ? server : client).destroy();
      });
    }
    server.on('data', (bytes: Buffer) => {
      if (!this.#isCut) client.write(bytes);
    });
    let held: Buffer = Buffer.alloc(0);
    client.on('data', (bytes: Buffer) => {
      held = this.#pass(Buffer.concat([held, bytes]), server);
    });
  }

  /** Hands whole messages on; what is left of `bytes`. */
  #pass(bytes: Buffer, server: Socket): Buffer {
    let start = 0;
    for (const { end, isCounted } of this.#framer(bytes)) {
      if (this.#isCut) return Buffer.alloc(0);
      if (isCounted) this.count += 1;
      if (this.count < this.#at || !isCounted) {
        server.write(bytes.subarray(start, end));
        start = end;
        continue;
      }
      this.#cutOff(server, bytes.subarray(start, end));
      return Buffer.alloc(0);
    }
    return bytes.subarray(start);
  }

  #cutOff(server: Socket, message: Buffer): void {
    this.#isCut = true;
    this.#at = Number.POSITIVE_INFINITY;
    if (this.#mode === 'before' || this.#mode === 'lost') {
      this.sever();
      this.#isCut = this.#mode === 'before';
      return;
    }
    const isBroken = this.#mode === 'broken';
    // The server reads all of it before it sees the end.
    server.end(message, () =>
      setTimeout(() => {
        this.sever();
        this.#isCut = !isBroken;
      }, 20),
    );
  }
}

/** Published messages are counted, the rest of the protocol is passed on. */
function natsMessages(bytes: Buffer): { end: number; isCounted: boolean }[] {
  const found: { end: number; isCounted: boolean }[] = [];
  for (let start = 0; ;) {
    const line = bytes.indexOf('\r\n', start);
    if (line < 0) return found;
    const words = bytes.toString('latin1', start, line).split(' ');
    const isPublish = words[0] === 'PUB' || words[0] === 'HPUB';
    const end = isPublish ? line + 2 + Number(words.at(-1)) + 2 : line + 2;
    if (end > bytes.length) return found;
    found.push({ end, isCounted: isPublish });
    start = end;
  }
}

/** Commands as arrays of bulk strings: all are counted. */
function redisCommands(bytes: Buffer): { end: number; isCounted: boolean }[] {
  const found: { end: number; isCounted: boolean }[] = [];
  for (let start = 0; ;) {
    const end = endOfCommand(bytes, start);
    if (end === undefined) return found;
    found.push({ end, isCounted: true });
    start = end;
  }
}

function endOfCommand(bytes: Buffer, start: number): number | undefined {
  let line = bytes.indexOf('\r\n', start);
  if (line < 0) return undefined;
  const count = Number(bytes.toString('latin1', start + 1, line));
  let position = line + 2;
  for (let index = 0; index < count; index += 1) {
    line = bytes.indexOf('\r\n', position);
    if (line < 0) return undefined;
    position = line + 2 + Number(bytes.toString('latin1', position + 1, line)) + 2;
  }
  return position <= bytes.length ? position : undefined;
}
