// Postgres behind TLS: says yes to the request for it, and passes on what was sealed; or says no.

import { connect, createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { testCertificate } from "./receiver.ts";

export type TlsFront = { url: string; close(): Promise<void> };

export async function startTlsFront(
  target: string,
  { sslmode = "require", agrees = true } = {},
): Promise<TlsFront> {
  const url = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    near.once("data", () => {
      near.write(agrees ? "S" : "N");
      const open = agrees ? new TLSSocket(near, { isServer: true, ...testCertificate }) : near;
      const far = connect({ host: url.hostname, port: Number(url.port) });
      open.pipe(far).pipe(open);
      for (const socket of [near, open, far]) {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          for (const end of [near, far]) end.destroy();
          sockets.delete(socket);
        });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const own = new URL(target);
  own.hostname = "127.0.0.1";
  own.port = String((server.address() as { port: number }).port);
  own.searchParams.set("sslmode", sslmode);
  return {
    url: own.href,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
