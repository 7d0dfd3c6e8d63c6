// What clients do with runs, what they were told, and the helper that answers what workflows ask for.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../client.ts";
import { createRandom } from "../random.ts";
import type { Sent } from "./checks.ts";

export type Load = { sent: Sent[]; stop(): Promise<void> };

const clients = 6;
const cancelledShare = 0.05;
/** Long enough to outlast every fault. */
const persistent = 200;

export function startLoad(ask: Client, seed: number): Load {
  const sent: Sent[] = [];
  let stopping = false;
  const loops = Array.from({ length: clients }, async (_, client) => {
    const random = createRandom(seed * 1009 + client);
    for (let count = 0; !stopping; count++) {
      const nonce = `c${client}-${count}`;
      const workflow = random.chance(0.5) ? "mixed" : "chain";
      const one: Sent = { nonce, workflow };
      sent.push(one);
      const data = { nonce, steps: random.between(1, 12) };
      const body = { data, idempotencyKey: nonce };
      const answer = await ask(
        { method: "POST", path: `/v1/functions/${workflow}/trigger`, body, tries: 4 },
        random,
      );
      if (typeof answer?.body.run_id === "string") one.runId = answer.body.run_id;
      if (one.runId && random.chance(cancelledShare)) {
        await sleep(random.between(0, 300));
        const cancelled = await ask(
          { method: "POST", path: `/v1/runs/${one.runId}/cancel`, tries: 1 },
          random,
        );
        one.cancelled = cancelled?.body.status === "cancelled";
        // Nobody knows whether it was done: it may have been.
        if (!cancelled) sent.splice(sent.indexOf(one), 1);
      }
      await sleep(random.between(20, 120));
    }
  });
  return {
    sent,
    async stop() {
      stopping = true;
      await Promise.all(loops);
    },
  };
}

export type Helper = { url: string; asked: number; close(): void };

type Asked = { kind: "event" | "signal"; run: string };

/** Answers at once, so that events and signals come while their run is about to wait for them. */
export async function startHelper(ask: Client, seed: number): Promise<Helper> {
  const random = createRandom(seed * 17 + 3);
  const helped = new Set<string>();
  const help = async ({ kind, run }: Asked) => {
    if (kind === "event") {
      const body = { name: "replied", id: `reply-${run}`, data: { run } };
      await ask({ method: "POST", path: "/v1/events", body, tries: persistent }, random);
      return;
    }
    // Unknown until somebody waits for it.
    for (let tries = 0; tries < persistent * 5; tries++) {
      const body = { data: { run } };
      const answer = await ask(
        { method: "POST", path: `/v1/signals/gate-${run}/complete`, body, tries: 1 },
        random,
      );
      if (answer && [200, 410].includes(answer.status)) return;
      await sleep(random.between(5, 300));
    }
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const asked = JSON.parse(Buffer.concat(chunks).toString()) as Asked;
    const name = `${asked.kind} ${asked.run}`;
    if (!helped.has(name)) void help(asked);
    helped.add(name);
    response.end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    get asked() {
      return helped.size;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
