// Tries a queue's handler by what it will meet, and by what it must refuse.

import { type Contract, invalidInput, RotorError } from "@rotorsh/contract";
import { judge, type Request, requests, type Tried } from "../core/handler-check.ts";
import { deliver } from "../drivers/callback.ts";
import { type Context, direct, type Handler, workspaceOf } from "../handler.ts";
import { newId, randomText } from "../ids.ts";
import { findQueue, openHeaders, type QueueRow, secretPurpose } from "../store/queues.ts";
import { payloadLimitBytes } from "./payload.ts";

type Check = Contract["queues"]["check"];

/** A check answers while somebody waits, so no request of it gets longer than this. */
const longestMs = 15_000;
const notSent =
  "Nothing was sent: the handler would run, with this payload. Call again with confirm_handler_runs: true.";
const oldMs = 10 * 60 * 1000;

/** Direct: a transaction must not stay open while a handler takes its time. */
export const check: Handler<Check> = direct(async (input, context: Context) => {
  const { name, payload, confirm_handler_runs: confirmed } = input;
  const queue = await findQueue(context.db, { workspaceId: workspaceOf(context).id, name });
  if (!queue) throw new RotorError("QUEUE_NOT_FOUND", { name });
  const url = queue.callbackUrl;
  if (url === null) {
    throw invalidInput([{ path: "name", problem: "names a pull queue: it has no callback_url to check" }]);
  }
  const body = JSON.stringify(payload === undefined ? {} : payload);
  if (Buffer.byteLength(body) > payloadLimitBytes) {
    throw new RotorError("PAYLOAD_TOO_LARGE", { limit: "512 KB" });
  }
  const told = { url, requests: [...requests] };
  if (!confirmed) return { checked: false, note: notSent, ok: null, ...told, probes: [] };
  const timeoutMs = Math.min(queue.timeoutSeconds * 1000, longestMs);
  const probes = judge({ url, timeoutMs, tried: await tryAll(queue, url, body, timeoutMs, context) });
  return { checked: true, note: null, ok: probes.every(({ ok }) => ok !== false), ...told, probes };
});

async function tryAll(queue: QueueRow, url: string, body: string, timeoutMs: number, context: Context) {
  const { outbound, vault } = context.services;
  const owner = workspaceOf(context);
  const secrets = queue.secret === null ? [] : [vault.open(owner, secretPurpose(queue.name), queue.secret)];
  const ownHeaders = openHeaders(vault, owner, queue);
  const wrong = [`whsec_${randomText(43)}`];
  const job = { attempt: 1, tags: [], payload: body };
  const id = newId("check");
  const send = (probe: Request, jobId: string, signing: string[], nowMs = Date.now()): Promise<Tried> => {
    const headers = { ...ownHeaders, "x-rotor-check": probe };
    const delivery = {
      url,
      headers,
      secrets: signing,
      timeoutMs,
      queue: queue.name,
      job: { ...job, id: jobId },
    };
    return deliver(outbound, delivery, nowMs);
  };
  const first = await send("right_signature", id, secrets);
  // A handler that does not answer would only make the caller wait three times more.
  if (first.delivered.kind !== "response") return { right_signature: first };
  return {
    right_signature: first,
    same_job_twice: await send("same_job_twice", id, secrets),
    wrong_signature: await send("wrong_signature", newId("check"), wrong),
    old_timestamp: await send("old_timestamp", newId("check"), secrets, Date.now() - oldMs),
  };
}
