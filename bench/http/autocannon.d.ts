// As much of autocannon as is used here; it comes without types.
declare module "autocannon" {
  export type Request = {
    method: "GET" | "POST" | "PATCH";
    path: string;
    headers: Record<string, string>;
    body?: string;
  };
  export type Result = {
    duration: number;
    errors: number;
    timeouts: number;
    /** Answers that `verifyBody` did not take. */
    mismatches: number;
    "2xx": number;
    "4xx": number;
    "5xx": number;
    requests: { average: number; total: number };
    latency: { p50: number; p99: number; max: number };
  };
  // biome-ignore lint/style/noDefaultExport: that is what it has.
  export default function autocannon(options: {
    url: string;
    connections: number;
    duration: number;
    requests: Request[];
    verifyBody?(body: string): boolean;
  }): Promise<Result>;
}
