import { onTestFinished } from "vitest";
import type { EgressRules } from "../outbound/egress.ts";
import type { GuardOptions, Lookup } from "../outbound/guard.ts";
import {
  createOutbound,
  type Outbound,
  type OutboundRequest,
  type Outcome,
} from "../outbound/http-client.ts";

type Options = Partial<Omit<GuardOptions, "rules">> & { rules?: Partial<EgressRules> };

/** With the rules of production unless told otherwise; closed with the test. */
export function buildOutbound(options: Options = {}): Outbound {
  const rules = { httpToLoopback: false, allow: [], ...options.rules };
  const outbound = createOutbound({ ...options, rules });
  onTestFinished(() => outbound.close());
  return outbound;
}

export function buildDevOutbound(): Outbound {
  return buildOutbound({ rules: { httpToLoopback: true } });
}

export function post(
  outbound: Outbound,
  to: string | { port: number },
  request: Partial<OutboundRequest> = {},
): Promise<Outcome> {
  const url = typeof to === "string" ? to : `http://127.0.0.1:${to.port}/`;
  return outbound.post({ url, headers: {}, body: "{}", timeoutMs: 2000, ...request });
}

/** Answers each call with the next of these lists of addresses, the last one for ever. */
export function resolving(...answers: string[][]): Lookup & { calls: number } {
  const lookup = (_: string, done: Parameters<Lookup>[1]) => {
    const answer = answers[Math.min(lookup.calls, answers.length - 1)] ?? [];
    lookup.calls += 1;
    done(
      null,
      answer.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  };
  lookup.calls = 0;
  return lookup;
}
