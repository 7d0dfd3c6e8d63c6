// Schemas that several nouns share.

import { z } from "zod";

/** No control characters, line breaks or halves of characters: it can stand in a log line, a table and a database. */
export function isOneLine(text: string): boolean {
  return !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(text);
}
const oneLine = "must be one line without control characters";

/** Text of any kind that a database can be asked for. */
export function isStorable(text: string): boolean {
  return !/[\0\p{Cs}]/u.test(text);
}
export const notStorable = "must not contain NUL or halves of characters";

/** Text to look for. */
export const SearchText = z.string().max(256).refine(isOneLine, oneLine);

export const Timestamp = z.iso
  .datetime()
  .refine((text) => !text.startsWith("0000"), "must not be in the year 0")
  .describe("UTC time, e.g. 2026-01-31T09:00:00.000Z.");

/** Text a person typed. */
export const Label = z.string().trim().min(1).max(128).refine(isOneLine, oneLine);

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

export const QueueName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
  .describe("Name of the queue, unique in the workspace, e.g. `welcome-emails`.")
  .meta({ examples: ["welcome-emails"] });

export const dryRun = z.boolean().default(false).describe("Only say what would happen; change nothing.");
