// The sockets of database connections, with TLS or without.

// biome-ignore lint/style/noRestrictedImports: it leads to our own database, not to where a caller wants it to.
import { connect, Socket } from "node:net";
import { type Secure, secure } from "./socket-tls.ts";

/** As postgres.js reads them from a URL; `path` is that of a Unix socket. */
type Address = { host: string[]; port: number[]; path: string | false; connect_timeout: number };

/** Postgres gives a statement up after 30 seconds: who has said nothing for longer has not heard of it. */
export const longestSilenceMs = 35_000;

let opened = 0;

export const openSocket =
  (silenceMs: number, wanted?: Secure) =>
  ({ host, port, path, connect_timeout }: Address): Socket | Promise<Socket> => {
    const at = opened++ % host.length;
    const address = { host: host[at] as string, port: port[at] as number };
    const socket = path ? connect(path) : connect(address);
    if (!wanted) return Object.assign(guard(socket, silenceMs), address);
    return secure(socket, { ...wanted, host: address.host, limitMs: connect_timeout * 1000 }).then(
      (secured) => Object.assign(guard(secured, silenceMs), address),
      failLater,
    );
  };

/**
 * What postgres.js is given between a socket's error and its close it forgets, when the close comes with an error: the
 * statement is never answered, or takes another one's answer once the connection is back. So none comes with one.
 */
function guard(socket: Socket, silenceMs: number): Socket {
  const { emit, write } = socket;
  /** Writes that may still be answered: 1 when it is not known which of several have been. */
  let asked = 0;
  socket.write = ((...args: unknown[]) => {
    asked++;
    return Reflect.apply(write, socket, args);
  }) as typeof write;
  socket.emit = ((event: string, ...rest: unknown[]) => {
    if (event === "data") asked = asked > 1 ? 1 : 0;
    // One line may be dead while others work, and the network may take a quarter of an hour to say so.
    if (event === "timeout" && asked > 0) socket.destroy();
    return Reflect.apply(emit, socket, event === "close" ? ["close", false] : [event, ...rest]);
  }) as typeof emit;
  return socket.setTimeout(silenceMs);
}

/** postgres.js would never use a connection again whose socket could not be made: it hears of it from a socket. */
function failLater(error: Error): Socket {
  const socket = new Socket();
  setImmediate(() => socket.destroy(error));
  return guard(socket, 0);
}
