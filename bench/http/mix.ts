// What a dashboard, a command line and an agent do all day: mostly reads, some writes that leave an audit event.

import type { Request } from "autocannon";

const queues = 20;

/** Each connection goes through these in turn. */
export function controlPlaneMix(key: string): Request[] {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const read = (path: string): Request => ({ method: "GET", path, headers });
  const write = (method: "POST" | "PATCH", path: string, body: object): Request => ({
    method,
    path,
    headers,
    body: JSON.stringify(body),
  });
  return Array.from({ length: queues }, (_, index) => `/v1/queues/${queueName(index)}`).flatMap(
    (queue, index) => [
      read("/v1/queues?limit=50"),
      read(queue),
      read(`${queue}/jobs?limit=20`),
      write("POST", `${queue}/jobs`, { payload: { number: index } }),
      read("/v1/audit?limit=20"),
      write("PATCH", queue, { concurrency: 1 + (index % 10) }),
    ],
  );
}

export function queueName(index: number): string {
  return `control-${index}`;
}

export const queueNames: readonly string[] = Array.from({ length: queues }, (_, index) => queueName(index));
