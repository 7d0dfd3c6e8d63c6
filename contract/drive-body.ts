// Reads what an app sends while it drives a run. It comes from outside, so nothing about it is taken for granted;
// what steps return is opaque and only measured.

import { z } from "zod";
import type { Checkpoint, DriveResult } from "./drive.ts";

/** Keys are made by the SDK: hashes, in a form that can stand in any text. */
const key = z.string().regex(/^[\w.:-]{1,128}$/);
/** Postgres text holds neither NUL nor halves of characters. */
const name = z
  .string()
  .min(1)
  .max(300)
  .refine((text) => !/[\0\p{Cs}]/u.test(text));
const ms = z.number().min(0).max(8_640_000_000_000_000);
/** No longer than Postgres and JavaScript can add to a time: 100 years. */
const durationMs = z.number().min(0).max(3_155_760_000_000);

const error = z.object({
  name: z.string().max(256),
  message: z.string().max(20_000),
  stack: z.string().max(50_000).optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});

const record = z.object({
  key,
  name,
  kind: z.enum(["run", "sleep", "event", "signal", "invoke", "send"]),
  outcome: z.union([z.object({ error }), z.object({ ok: z.unknown() })]),
  attempt: z.int().min(1).max(1_000_000),
  durationMs: ms,
  send: z
    .object({
      name: z.string().regex(/^[A-Za-z0-9._/-]{1,128}$/),
      data: z.unknown(),
      ts: z.number().min(0).max(8_640_000_000_000_000).optional(),
    })
    .optional(),
});

const retry = z.object({
  key,
  name,
  kind: z.literal("retry"),
  error,
  attempt: z.int().min(1).max(1_000_000),
  durationMs: ms,
  afterMs: ms.optional(),
});

const wait = z.union([
  z.object({ key, name, kind: z.literal("sleep"), until: ms }),
  z.object({ key, name, kind: z.literal("sleep"), forMs: durationMs }),
  z.object({
    key,
    name,
    kind: z.literal("event"),
    event: z.string().regex(/^[A-Za-z0-9._/-]{1,128}$/),
    match: z.string().max(100_000).optional(),
    timeoutMs: durationMs,
  }),
  z.object({
    key,
    name,
    kind: z.literal("signal"),
    signal: name.max(256),
    timeoutMs: durationMs,
    approval: z.object({ prompt: z.string().max(2000).optional() }).optional(),
  }),
  z.object({
    key,
    name,
    kind: z.literal("invoke"),
    workflow: name,
    data: z.unknown(),
    timeoutMs: durationMs,
  }),
  retry,
  z.object({ key, name, kind: z.literal("later") }),
]);

const steps = z.array(record).max(10_000);
const ended = { steps, asked: z.array(key).max(20_000) };

const driveResult = z.discriminatedUnion("state", [
  z.object({ ...ended, state: z.literal("completed"), output: z.unknown() }),
  z.object({
    ...ended,
    state: z.literal("failed"),
    error,
    retryable: z.boolean(),
    afterMs: ms.optional(),
  }),
  z.object({ ...ended, state: z.literal("waiting"), waits: z.array(wait).min(1).max(10_000) }),
  z.object({ ...ended, state: z.literal("yielded"), retries: z.array(retry).max(10_000).optional() }),
  z.object({ ...ended, state: z.literal("stopped") }),
]);

const checkpoint = z.object({ token: z.string().regex(/^[\w-]{1,64}\.[0-9a-f-]{36}$/), steps });
const message = z.object({ checkpoints: z.array(z.unknown()).min(1).max(1000) });

/** The result of a drive, or what is wrong with it in words. */
export function readDriveResult(body: unknown): DriveResult | { problem: string } {
  const read = driveResult.safeParse(body);
  return read.success ? (read.data as DriveResult) : { problem: problemOf(read.error) };
}

/** A checkpoint, or what is wrong with it in words. */
export function readCheckpoint(body: unknown): Checkpoint | { problem: string } {
  const read = checkpoint.safeParse(body);
  return read.success ? (read.data as Checkpoint) : { problem: problemOf(read.error) };
}

/** The checkpoints of a message, each to be read by itself: one that is wrong must not take the others with it. */
export function readMessage(body: unknown): { checkpoints: unknown[] } | { problem: string } {
  const read = message.safeParse(body);
  return read.success ? read.data : { problem: problemOf(read.error) };
}

function problemOf({ issues }: z.ZodError): string {
  const [issue] = issues;
  return `${issue?.path.join(".") || "the body"} does not have the right form`;
}
