// A handler that remembers what was asked of it: when each delivery began and ended, by its own clock. What it saw
// is evidence that does not come from the engine.

import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";

export type Visit = {
  id: string;
  attempt: number;
  queue: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** Milliseconds; the end is missing while the delivery is under way. */
  from: number;
  to?: number;
};

/** Answers a delivery, at once or later. */
export type Behave = (visit: Visit, response: ServerResponse) => void | Promise<void>;

export type Witness = {
  url: string;
  visits: Visit[];
  /** From now on deliveries are answered so. */
  behave(next: Behave): void;
  /** The ids of the visits to one queue, in order. */
  ids(queue?: string): string[];
  close(): Promise<void>;
};

export const accept: Behave = (_, response) => {
  response.writeHead(200, { "content-type": "application/json" }).end("{}");
};

export const answer =
  (status: number, headers: Record<string, string> = {}): Behave =>
  (_, response) => {
    response.writeHead(status, headers).end();
  };

export async function startWitness(): Promise<Witness> {
  const visits: Visit[] = [];
  let behave = accept;
  const server = createServer((request, response) => {
    const from = performance.now();
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { headers } = request;
      const visit: Visit = {
        id: decodeURIComponent(String(headers["x-rotor-job-id"])),
        attempt: Number(headers["x-rotor-attempt"]),
        queue: String(headers["x-rotor-queue"]),
        headers,
        body: Buffer.concat(chunks).toString(),
        from,
      };
      visits.push(visit);
      response.on("close", () => {
        visit.to = performance.now();
      });
      void behave(visit, response);
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/`,
    visits,
    behave(next) {
      behave = next;
    },
    ids: (queue) => visits.filter((visit) => !queue || visit.queue === queue).map(({ id }) => id),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The most of these visits that were under way at one moment. */
export function mostAtOnce(visits: readonly Visit[]): number {
  const moments = visits.flatMap(({ from, to = Number.POSITIVE_INFINITY }) => [
    { at: from, change: 1 },
    { at: to, change: -1 },
  ]);
  // At the same moment an end comes first: one that starts when another ends does not overlap it.
  moments.sort((a, b) => a.at - b.at || a.change - b.change);
  let now = 0;
  let most = 0;
  for (const { change } of moments) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}

/** Holds deliveries until they are let go, one by one or all. */
export function createGate(): { behave: Behave; held: Visit[]; open(id?: string): void } {
  const held: Visit[] = [];
  const doors = new Map<Visit, () => void>();
  let wide = false;
  return {
    held,
    async behave(visit, response) {
      if (!wide) {
        held.push(visit);
        await new Promise<void>((resolve) => doors.set(visit, resolve));
      }
      await accept(visit, response);
    },
    open(id) {
      wide ||= id === undefined;
      for (const [visit, door] of doors) if (id === undefined || visit.id === id) door();
    },
  };
}
