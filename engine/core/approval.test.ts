import { expect, test } from "vitest";
import { type Decider, type Decision, failReasonOf, refusalOf, type ToDecide } from "./approval.ts";

const now = new Date("2026-01-31T09:00:00Z");
const hash = "sha256:aa";
const ada: Decider = { actorId: "key_ada", memberId: "mem_ada" };
const pending: ToDecide = {
  ...{ jobId: "j1", queueName: "q", status: "pending", dueAt: null, fourEyes: false, payloadHash: hash },
  askedBy: [{ keyId: "key_bob", memberId: "mem_bob" }],
};
const yes: Decision = { id: "apv_1", approved: true };
const own = { fourEyes: true, askedBy: [{ keyId: "key_other", memberId: "mem_ada" }] };
const bob = { keyId: "key_bob", memberId: "mem_bob" };

test.each<[string, Decision, Partial<ToDecide>, string | undefined]>([
  ["by who may", yes, {}, undefined],
  ["about the payload that is there", { ...yes, payload_hash: hash }, {}, undefined],
  ["about another payload", { ...yes, payload_hash: "sha256:bb" }, {}, "PAYLOAD_CHANGED"],
  ["when it is approved", yes, { status: "approved" }, "APPROVAL_DECIDED"],
  ["when its job was cancelled", yes, { status: "cancelled" }, "APPROVAL_DECIDED"],
  ["in time", yes, { dueAt: new Date("2026-01-31T09:00:01Z") }, undefined],
  ["in the moment its time is over", yes, { dueAt: now }, "APPROVAL_DECIDED"],
  ["by the person who asked, with another key", yes, own, "FOUR_EYES"],
  ["by the key that asked", yes, { ...own, askedBy: [{ keyId: "key_ada", memberId: null }] }, "FOUR_EYES"],
  ["by who wrote what another sent", yes, { ...own, askedBy: [bob, ...own.askedBy] }, "FOUR_EYES"],
  ["about what others wrote and sent", yes, { ...own, askedBy: [bob, bob] }, undefined],
  ["by the person who asked, where that is allowed", yes, { ...own, fourEyes: false }, undefined],
  ["as a rejection by the person who asked", { ...yes, approved: false }, own, undefined],
  [
    "by one nobody knows about a job of nobody",
    yes,
    { ...own, askedBy: [{ keyId: null, memberId: null }] },
    undefined,
  ],
])("a decision %s", (_, decision, changed, code) => {
  expect(refusalOf(decision, { ...pending, ...changed }, ada, now)?.code).toBe(code);
});

test("a key without a member is not taken for another one without", () => {
  const approval = { ...pending, fourEyes: true, askedBy: [{ keyId: "key_bob", memberId: null }] };
  expect(refusalOf(yes, approval, { actorId: "key_x", memberId: null }, now)).toBeUndefined();
});

test("an approval that is not there", () => {
  expect(refusalOf(yes, undefined, ada, now)?.code).toBe("APPROVAL_NOT_FOUND");
});

test("a rejected job says why; an approved one has not failed", () => {
  expect(failReasonOf({ ...yes, approved: false, reason: "Too pushy." })).toBe("Too pushy.");
  expect(failReasonOf({ ...yes, approved: false })).toBe("A person rejected it.");
  expect(failReasonOf({ ...yes, reason: "Fine." })).toBeNull();
});
