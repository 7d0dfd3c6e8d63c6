// Trying a queue's handler before, or instead of, trusting it with jobs.

import { z } from "zod";
import { operation } from "./operation.ts";
import { QueueName } from "./primitives.ts";

export const probeNames = [
  "reachable",
  "tls",
  "right_signature",
  "same_job_twice",
  "wrong_signature",
  "old_timestamp",
  "answer_time",
] as const;

const Probe = z.object({
  name: z.enum(probeNames),
  ok: z.boolean().nullable().describe("Null when it could not be tried."),
  took_ms: z.int().nullable(),
  status: z.int().nullable().describe("Status the handler answered with."),
  problem: z.string().nullable(),
  fix: z.string().nullable(),
});

export const check = operation({
  route: "POST /v1/queues/{name}/check",
  summary: "Check a queue's handler: reachable, TLS, signatures, repetition, time to answer.",
  description:
    "Sends four requests with the header x-rotor-check; the handler really runs with the payload you give, so confirm_handler_runs must be true. Without it the answer says what would be sent. Nothing is stored.",
  synonyms: "doctor diagnose test probe verify webhook endpoint url signature reachable tls handler",
  tools: { hosted: { name: "check_queue", toolset: "jobs" } },
  positionals: ["name"],
  impact: "write",
  idempotent: false,
  needs: "develop",
  input: z.strictObject({
    name: QueueName,
    payload: z.unknown().optional().describe("What the handler gets as its body; `{}` unless told."),
    confirm_handler_runs: z.boolean().default(false).describe("True to really send: the handler will run."),
  }),
  output: z.object({
    checked: z.boolean().describe("False when nothing was sent."),
    note: z.string().nullable().describe("What to do when nothing was sent."),
    ok: z.boolean().nullable().describe("True when every probe that was tried is fine; null before."),
    url: z.string(),
    requests: z.array(z.string()).describe("What is sent, in order."),
    probes: z.array(Probe),
  }),
  errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND", "PAYLOAD_TOO_LARGE"],
});
