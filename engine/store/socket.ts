// The sockets of database connections.

// biome-ignore lint/style/noRestrictedImports: it leads to our own database, not to where a caller wants it to.
import { connect, type Socket } from "node:net";

/** As postgres.js reads them from a URL; `path` is that of a Unix socket. */
type Address = { host: string[]; port: number[]; path: string | false };

/** Postgres gives a statement up after 30 seconds: who has said nothing for longer has not heard of it. */
export const longestSilenceMs = 35_000;

let opened = 0;

/**
 * What postgres.js is given between a socket's error and its close it forgets, when the close comes with an error: the
 * statement is never answered, or takes another one's answer once the connection is back. So none comes with one.
 */
export const openSocket =
  (silenceMs: number) =>
  ({ host, port, path }: Address): Socket => {
    const at = opened++ % host.length;
    const address = { host: host[at] as string, port: port[at] as number };
    const socket = path ? connect(path) : connect(address);
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
    socket.setTimeout(silenceMs);
    // For the name that a certificate is compared with.
    return Object.assign(socket, address);
  };
