import { z } from "zod";
import { operation } from "./operation.ts";
import { Timestamp } from "./primitives.ts";

const SigningKey = z.object({
  key: z.string().describe("What `serveWorkflow` checks requests of this server with."),
  created_at: Timestamp,
  previous_valid_until: Timestamp.nullable().describe("Until then requests carry the old signature too."),
});

export const signingKey = {
  get: operation({
    route: "GET /v1/signing-key",
    summary: "Get the workspace's workflow signing key; it is made when first asked for.",
    tools: {},
    impact: "read",
    idempotent: true,
    needs: "manage",
    input: z.strictObject({}),
    output: SigningKey,
    errors: [],
  }),

  rotate: operation({
    route: "POST /v1/signing-key/rotate",
    summary: "Make a new workflow signing key; the old one signs too for 24 hours.",
    tools: {},
    impact: "write",
    idempotent: false,
    needs: "manage",
    audit: "signing_key.rotated",
    input: z.strictObject({}),
    output: SigningKey,
    errors: [],
  }),
};
