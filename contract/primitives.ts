// Schemas that several nouns share.

import { z } from "zod";

export const Timestamp = z.iso.datetime().describe("UTC time, e.g. 2026-01-31T09:00:00.000Z.");

/** Text a person typed: one line, no control characters, so that it can stand in a log line or a table. */
export const Label = z
  .string()
  .trim()
  .min(1)
  .max(128)
  .refine((text) => !/\p{Cc}/u.test(text), "must not contain control characters");

export const plans = ["free", "pro", "team", "enterprise", "unlimited"] as const;
export const Plan = z.enum(plans).describe("Sets quota, rate limit and retention; no feature depends on it.");
export type Plan = z.infer<typeof Plan>;

export const roles = ["admin", "developer", "approver", "viewer"] as const;
export const Role = z.enum(roles);
export type Role = z.infer<typeof Role>;

export const Capability = z.enum(["approver"]).describe("Added to a role: `approver` may decide approvals.");
export type Capability = z.infer<typeof Capability>;

/** Every list takes these. */
export const page = {
  limit: z.int().min(1).max(200).default(50).describe("Most entries to return."),
  cursor: z.string().max(512).optional().describe("`nextCursor` of the page before."),
};

export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    data: z.array(item),
    nextCursor: z.string().nullable().describe("Pass as `cursor` for the next page; null on the last one."),
  });
}

export const dryRun = z.boolean().default(false).describe("Only say what would happen; change nothing.");
