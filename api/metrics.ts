// Numbers of this process for Prometheus. They name no workspace, queue or key.

import type { Engine } from "@rotorsh/engine";

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const requests = new Map<string, number>();
  return {
    countRequest(method: string, status: number): void {
      const label = `method="${method}",status="${Math.floor(status / 100)}xx"`;
      requests.set(label, (requests.get(label) ?? 0) + 1);
    },
    toText({ requestsCountedAlone }: ReturnType<Engine["counters"]>): string {
      const { rss, heapUsed } = process.memoryUsage();
      return [
        "# TYPE rotor_http_requests_total counter",
        ...[...requests].map(([label, count]) => `rotor_http_requests_total{${label}} ${count}`),
        "# HELP rotor_rate_limit_alone_total Requests counted by this process alone, for the shared counter failed.",
        "# TYPE rotor_rate_limit_alone_total counter",
        `rotor_rate_limit_alone_total ${requestsCountedAlone}`,
        "# TYPE process_resident_memory_bytes gauge",
        `process_resident_memory_bytes ${rss}`,
        "# TYPE process_heap_used_bytes gauge",
        `process_heap_used_bytes ${heapUsed}`,
        "# TYPE process_uptime_seconds gauge",
        `process_uptime_seconds ${process.uptime().toFixed(1)}`,
        "",
      ].join("\n");
    },
  };
}
