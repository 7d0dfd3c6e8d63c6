// The sockets of database connections.

// biome-ignore lint/style/noRestrictedImports: it leads to our own database, not to where a caller wants it to.
import { connect, type Socket } from "node:net";

/** As postgres.js reads them from a URL; `path` is that of a Unix socket. */
type Address = { host: string[]; port: number[]; path: string | false };

let opened = 0;

/**
 * What postgres.js is given between a socket's error and its close it forgets, when the close comes with an error: the
 * statement is never answered, or takes another one's answer once the connection is back. So none comes with one.
 */
export function openSocket({ host, port, path }: Address): Socket {
  const at = opened++ % host.length;
  const address = { host: host[at] as string, port: port[at] as number };
  const socket = path ? connect(path) : connect(address);
  const { emit } = socket;
  socket.emit = ((event: string, ...rest: unknown[]) =>
    Reflect.apply(emit, socket, event === "close" ? ["close", false] : [event, ...rest])) as typeof emit;
  // For the name that a certificate is compared with.
  return Object.assign(socket, address);
}
