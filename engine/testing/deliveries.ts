// A handler that notes which jobs were delivered to it.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type Deliveries = {
  url: string;
  /** Ids in the order of coming; a job that came twice is in it twice. */
  ids: string[];
  /** Resolves when this job has come. */
  arrival(id: string): Promise<void>;
  close(): Promise<void>;
};

export async function receiveDeliveries(): Promise<Deliveries> {
  const ids: string[] = [];
  const awaited = new Map<string, () => void>();
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      const id = request.headers["x-rotor-job-id"] as string;
      ids.push(id);
      awaited.get(id)?.();
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    ids,
    arrival: (id) =>
      ids.includes(id) ? Promise.resolve() : new Promise((resolve) => awaited.set(id, resolve)),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
