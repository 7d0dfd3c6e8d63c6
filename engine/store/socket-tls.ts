// TLS to Postgres. What postgres.js makes of a socket for it is out of our sight, so it is made here, by the same rules.

// biome-ignore lint/style/noRestrictedImports: it leads to our own database, not to where a caller wants it to.
import { isIP, type Socket } from "node:net";
// biome-ignore lint/style/noRestrictedImports: the same.
import { type ConnectionOptions, connect } from "node:tls";
import postgres from "postgres";

/** As a URL or the environment says it: `sslmode`, or options of TLS itself. */
export type Secure = { ssl: string | boolean | object; sslnegotiation?: string | null };

/** Undefined where a connection goes without. */
export function secureOf(url: string): Secure | undefined {
  // Nobody connects here: it is asked how it reads this.
  const { ssl, sslnegotiation } = postgres(url, { max: 1 }).options as unknown as Partial<Secure>;
  return ssl ? { ssl, sslnegotiation: sslnegotiation ?? null } : undefined;
}

/** May the other end be anybody? */
const unverified = new Set<unknown>(["require", "allow", "prefer"]);

/** Answers when the server has agreed; the handshake follows. */
export async function secure(
  socket: Socket,
  { ssl, sslnegotiation, host, limitMs }: Secure & { host: string; limitMs: number },
): Promise<Socket> {
  const isDirect = sslnegotiation === "direct";
  if (!isDirect && !(await agrees(socket, limitMs))) {
    if (ssl === "prefer") return socket;
    socket.destroy();
    throw failure("The database does not speak TLS, which its URL asks for");
  }
  const options: ConnectionOptions = { socket, ...(isIP(host) === 0 && { servername: host }) };
  if (isDirect) options.ALPNProtocols = ["postgresql"];
  if (unverified.has(ssl)) options.rejectUnauthorized = false;
  return connect(Object.assign(options, typeof ssl === "object" && ssl));
}

const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

function agrees(socket: Socket, limitMs: number): Promise<boolean> {
  return new Promise<boolean>((resolve, reject) => {
    const end = (message: string) => socket.destroy(failure(message));
    socket.on("error", reject);
    socket.once("close", () => reject(failure("The database closed the connection")));
    socket.setTimeout(limitMs, () => end("The database did not answer"));
    socket.once("data", (said) => {
      socket.setTimeout(0);
      // More than the one letter would be somebody's who is in between.
      if (said.length === 1) resolve(String(said) === "S");
      else end("The database did not answer as agreed");
    });
    socket.write(sslRequest);
  });
}

function failure(message: string): Error {
  return Object.assign(new Error(message), { code: "ECONNRESET" });
}
