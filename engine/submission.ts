// What every way to hand work in has in common: how large it may be, how much of it, and where it came from.

import { RotorError } from "@rotorsh/contract";
import { limitsOf } from "./core/plan.ts";
import { accessOf, type Context, workspaceOf } from "./handler.ts";
import type { Allowance } from "./quota.ts";

const payloadLimitBytes = 512 * 1024;

/** As JSON; what is missing is an empty object. */
export function toPayload(data: unknown): string {
  const payload = JSON.stringify(data === undefined ? {} : data);
  if (payload.length > payloadLimitBytes || Buffer.byteLength(payload) > payloadLimitBytes) {
    throw new RotorError("PAYLOAD_TOO_LARGE", { limit: "512 KB" });
  }
  return payload;
}

export function allowanceOf(context: Context): Allowance {
  const { id: workspaceId, plan, ...custom } = workspaceOf(context);
  const quota = limitsOf(plan, custom).executionsPerMonth;
  return { workspaceId, plan, quota, access: accessOf(context) };
}

export function provenanceOf({ caller }: Context): Record<string, unknown> {
  const { surface, client, requestId, traceId } = caller.provenance;
  return { key_id: caller.actorId, surface, client, request_id: requestId, trace_id: traceId };
}
