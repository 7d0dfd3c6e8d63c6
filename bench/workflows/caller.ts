// Starts runs over HTTP and waits for their ends, in a process of its own.

import { Pool } from "undici";
import { answer } from "../harness/child.ts";
import { elapsedMs, nowNs } from "../harness/clock.ts";
import { type Load, type Loaded, repeat } from "../harness/load.ts";

export type Target = { url: string; path: string; key?: string; body: unknown };

const pools = new Map<string, Pool>();

async function post({ url, path, key, body }: Target): Promise<void> {
  const pool =
    pools.get(url) ?? new Pool(url, { connections: 64, bodyTimeout: 120_000, headersTimeout: 120_000 });
  pools.set(url, pool);
  const response = await pool.request({
    method: "POST",
    path,
    headers: { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify(body),
  });
  const text = await response.body.text();
  if (response.statusCode > 299) throw new Error(`${path}: ${response.statusCode} ${text}`);
  const { status } = JSON.parse(text) as { status?: string };
  if (path.endsWith("/invoke") && status !== "completed") throw new Error(`${path}: the run is ${status}`);
}

const methods = {
  async rate({ target, load }: { target: Target; load: Load }): Promise<Loaded> {
    return repeat(load, () => post(target));
  },
  /** One after the other, in ms each. */
  async alone({ target, count }: { target: Target; count: number }): Promise<number[]> {
    const times: number[] = [];
    for (let index = 0; index < count; index++) {
      const began = nowNs();
      await post(target);
      times.push(elapsedMs(began));
    }
    return times;
  },
  /** When it was sent, on the machine's clock, in ns. */
  async send({ target }: { target: Target }): Promise<string> {
    const began = nowNs();
    await post(target);
    return String(began);
  },
};
export type Caller = typeof methods;

answer(methods);
