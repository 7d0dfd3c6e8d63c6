// Adds jobs to a Rotor server over HTTP, with the connections of many clients.

import { setTimeout as sleep } from "node:timers/promises";
import { type Dispatcher, Pool } from "undici";
import { answer } from "./child.ts";
import { nowNs } from "./clock.ts";
import { type Load, type Loaded, repeat } from "./load.ts";
import { payload } from "./payload.ts";

export type Target = { url: string; key: string; queue: string };

const batchSize = 500;
const job = { payload: payload() };

function open({ url, key, queue }: Target, connections: number) {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return {
    post: (path: string, body: string) =>
      new Promise<void>((resolve, reject) => {
        const options = { method: "POST", path: `/v1/queues/${queue}/${path}`, headers, body } as const;
        pool.dispatch(options, new Created(resolve, reject));
      }),
    close: () => pool.close(),
  };
}

/** Without the stream of `pool.request`, which costs the sender more than a server spends on the answer. */
class Created implements Dispatcher.DispatchHandler {
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;
  #status = 0;
  #text = "";

  constructor(resolve: () => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart(): void {}

  onResponseStart(_: unknown, status: number): void {
    this.#status = status;
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    if (this.#status !== 201) this.#text += chunk.toString();
  }

  onResponseEnd(): void {
    if (this.#status === 201) this.#resolve();
    else this.#reject(new Error(`${this.#status} ${this.#text.slice(0, 500)}`));
  }

  onResponseError(_: unknown, error: Error): void {
    this.#reject(error);
  }
}

const methods = {
  /** Jobs per second, one per request. */
  async singles({ target, load }: { target: Target; load: Load }): Promise<Loaded> {
    const client = open(target, load.lanes);
    const body = JSON.stringify(job);
    const rate = await repeat(load, () => client.post("jobs", body));
    await client.close();
    return rate;
  },
  /** Jobs per second, 500 per request. */
  async batches({ target, load }: { target: Target; load: Load }): Promise<Loaded> {
    const client = open(target, load.lanes);
    const body = JSON.stringify({ jobs: Array.from({ length: batchSize }, () => job) });
    const rate = await repeat(load, () => client.post("jobs/batch", body));
    await client.close();
    return { perSecond: rate.perSecond * batchSize, done: rate.done * batchSize };
  },
  async fill({ target, count }: { target: Target; count: number }): Promise<void> {
    const client = open(target, 4);
    let left = count;
    const lane = async () => {
      while (left > 0) {
        const size = Math.min(batchSize, left);
        left -= size;
        await client.post("jobs/batch", JSON.stringify({ jobs: Array.from({ length: size }, () => job) }));
      }
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
    await client.close();
  },
  /** One job at a time, each with the time it was sent. */
  async spaced({ target, count, gapMs }: { target: Target; count: number; gapMs: number }): Promise<void> {
    const client = open(target, 1);
    for (let sent = 0; sent < count; sent++) {
      await client.post("jobs", JSON.stringify({ payload: payload({ sentNs: String(nowNs()) }) }));
      await sleep(gapMs);
    }
    await client.close();
  },
};
export type Producer = typeof methods;
answer(methods);
