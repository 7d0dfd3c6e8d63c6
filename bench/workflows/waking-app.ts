// The app whose runs sleep and wait, in a process of its own: it notes when each of them goes on.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createFunction, type StepTools, workflowListener } from "@rotorsh/sdk";
import { answer } from "../harness/child.ts";

type Ctx<Data> = { event: { data: Data }; step: StepTools };

let woken: { at: number; until: number }[] = [];

const sleeper = createFunction({ id: "sleeper", trigger: { event: "sleep.go" } }, (async ({
  event,
  step,
}: Ctx<{ until: number }>) => {
  await step.sleepUntil("nap", new Date(event.data.until));
  woken.push({ at: Date.now(), until: event.data.until });
}) as never);

const waiter = createFunction({ id: "waiter", trigger: { event: "wait.go" } }, (async ({
  event,
  step,
}: Ctx<{ group: string }>) => {
  const { group } = event.data;
  await step.waitForEvent("call", { event: "called", match: `data.group == "${group}"`, timeout: "30d" });
  woken.push({ at: Date.now(), until: 0 });
}) as never);

const methods = {
  async serve({ signingKey }: { signingKey: string }) {
    const server = createServer(workflowListener({ functions: [sleeper, waiter], signingKey, sync: false }));
    server.keepAliveTimeout = 120_000;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/rotor`;
  },
  /** The next so many that go on. */
  async woken({ count, timeoutMs }: { count: number; timeoutMs: number }) {
    for (const deadline = Date.now() + timeoutMs; woken.length < count; await sleep(5)) {
      if (Date.now() > deadline) throw new Error(`${woken.length} of ${count} runs went on`);
    }
    const seen = woken;
    woken = [];
    return seen;
  },
};
export type WakingApp = typeof methods;

answer(methods);
