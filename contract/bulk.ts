// What operations on many things at once, or on things that are then gone, have in common.

import { z } from "zod";
import { dryRun } from "./primitives.ts";

/** Asks for a preview, or brings the token of one. */
export const confirmable = {
  dry_run: dryRun,
  confirm_token: z
    .string()
    .max(512)
    .optional()
    .describe("Token of a preview: refused with CONFIRMATION_STALE if what it showed has changed since."),
};

/** What a preview adds to an answer. */
export const preview = {
  counts: z.record(z.string(), z.int()).optional().describe("Preview: how many it is about."),
  sample: z.array(z.string()).optional().describe("Preview: up to 5 of their ids."),
  confirm_token: z.string().optional().describe("Preview: send it within 5 minutes to do exactly this."),
};
