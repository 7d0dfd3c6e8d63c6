// What holds for a broker, whatever it runs on.

import { afterEach, expect, test, vi } from "vitest";
import type { Broker } from "../broker/broker.ts";

/** `open` gives brokers that are processes of one installation. */
export function brokerRules(open: (listens: boolean) => Promise<Broker>): void {
  const opened: Broker[] = [];
  const one = async (listens: boolean) => {
    const broker = await open(listens);
    opened.push(broker);
    return broker;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((broker) => broker.close()));
  });

  test("a wake-up reaches one of the processes that listen", async () => {
    const [api, ...workers] = await Promise.all([one(false), one(true), one(true)]);
    const heard: number[] = [];
    for (const worker of workers) worker.onWake((uids) => heard.push(...uids));
    api.wake([7, 8]);
    await vi.waitFor(() => expect(new Set(heard)).toEqual(new Set([7, 8])));
  });

  test("wake-ups that nobody has heard yet are one per queue", async () => {
    const [api, worker] = await Promise.all([one(false), one(true)]);
    const heard: number[] = [];
    for (let round = 0; round < 20; round++) {
      api.wake([1, 2]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Sent after the others: when it is heard, so are they.
    await vi.waitFor(async () => expect(await api.health()).toMatchObject({ broker: "ok" }));
    worker.onWake((uids) => heard.push(...uids));
    await vi.waitFor(() => expect(new Set(heard)).toEqual(new Set([1, 2])));
    expect(heard.length).toBeLessThanOrEqual(8);
  });

  test("whoever has heard a wake-up is heard again: the next one is not taken for the same", async () => {
    const [api, worker] = await Promise.all([one(false), one(true)]);
    let heard = 0;
    worker.onWake(() => {
      if (++heard < 20) api.wake([1]);
    });
    api.wake([1]);
    await vi.waitFor(() => expect(heard).toBeGreaterThanOrEqual(20), 10_000);
  });

  test("a broker that is in nobody's way closes within a second or two", async () => {
    const [api, worker] = await Promise.all([one(false), one(true)]);
    worker.onWake(() => {});
    api.wake([1]);
    api.announce(api.waitingRoomOf("ws_a", "emails"));
    const begun = performance.now();
    await Promise.all(opened.splice(0).map((broker) => broker.close()));
    expect(performance.now() - begun).toBeLessThan(3000);
  });
}
