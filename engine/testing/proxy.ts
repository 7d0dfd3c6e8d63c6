// A TCP proxy whose line can be cut in each of the ways a network has.

import { connect, createServer, type Socket } from "node:net";

/** `refuse` resets new and open connections; `black-hole` accepts everything and delivers nothing. */
export type ProxyMode = "pass" | "refuse" | "black-hole";

export type TestProxy = {
  /** The same URL, through the proxy. */
  url: string;
  set(mode: ProxyMode): void;
  /** Ends every open connection; new ones are treated as the mode says. */
  cut(): void;
  /** How often something was swallowed. */
  swallowed(): number;
  close(): Promise<void>;
};

export async function startProxy(target: string): Promise<TestProxy> {
  const { hostname, port } = new URL(target);
  const pairs = new Set<readonly [Socket, Socket]>();
  const dead = new WeakSet<Socket>();
  let swallowed = 0;
  let mode: ProxyMode = "pass";

  const server = createServer((near) => {
    if (mode === "refuse") {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ host: hostname, port: Number(port) });
    const pair = [near, far] as const;
    pairs.add(pair);
    forward(near, far);
    forward(far, near);
    for (const socket of pair) {
      socket.on("error", () => {});
      socket.on("close", () => {
        if (mode === "black-hole") return;
        pairs.delete(pair);
        for (const end of pair) end.destroy();
      });
    }
  });

  function forward(from: Socket, to: Socket): void {
    from.on("data", (bytes) => {
      // A line that swallowed something is never whole again, even when new lines are.
      if (mode === "black-hole") dead.add(from).add(to);
      if (dead.has(from)) swallowed++;
      else to.write(bytes);
    });
  }

  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
    pairs.clear();
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address() as { port: number };
  const url = new URL(target);
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  return {
    url: url.href,
    set(next) {
      mode = next;
      if (mode === "refuse") cut();
    },
    cut,
    swallowed: () => swallowed,
    close() {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
