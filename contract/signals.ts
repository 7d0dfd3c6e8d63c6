import { z } from "zod";
import { operation } from "./operation.ts";
import { isOneLine } from "./primitives.ts";

export const signals = {
  complete: operation({
    route: "POST /v1/signals/{id}/complete",
    summary: "Complete the signal that one run waits for, with data for it.",
    description: "A signal that is a declared approval needs a key that may approve.",
    tools: {},
    positionals: ["id", "data"],
    impact: "write",
    idempotent: false,
    needs: "develop",
    audit: "run.decided",
    limits: { bodyBytes: 576 * 1024, fields: 100_000 },
    input: z.strictObject({
      id: z
        .string()
        .min(1)
        .max(256)
        .refine(isOneLine, "must be one line")
        .describe("Id of the signal, as the workflow named it.")
        .meta({ examples: ["approval-run_0190c8a1"] }),
      data: z
        .unknown()
        .refine((data) => data !== undefined, "is required")
        .describe("What step.waitForSignal returns, any JSON up to 512 KB.")
        .meta({ examples: [{ approved: true }] }),
    }),
    output: z.object({ completed: z.boolean(), signal: z.string(), run_id: z.string() }),
    errors: [
      "INVALID_INPUT",
      "SIGNAL_NOT_FOUND",
      "SIGNAL_CONFLICT",
      "SIGNAL_RESOLVED",
      "FORBIDDEN",
      "PAYLOAD_TOO_LARGE",
    ],
  }),
};
