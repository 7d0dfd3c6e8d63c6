// Who may decide about a job that waits for a person, and when. Pure.

import { type ErrorDetails, RotorError } from "@rotorsh/contract";

export type ApprovalStatus = "pending" | "approved" | "rejected" | "cancelled";

export type Decision = {
  id: string;
  approved: boolean;
  reason?: string | undefined;
  payload_hash?: string | undefined;
};

export type ToDecide = {
  jobId: string;
  queueName: string;
  status: ApprovalStatus;
  dueAt: Date | null;
  fourEyes: boolean;
  /** The keys that sent the job and that wrote its payload, and the people behind them. */
  askedBy: readonly Asker[];
  payloadHash: string | null;
};

export type Asker = { keyId: string | null; memberId: string | null };

export type Decider = { actorId: string; memberId: string | null };

/** Why this decision is refused, if it is. The approval and its job are locked by whoever asks. */
export function refusalOf(
  decision: Decision,
  approval: ToDecide | undefined,
  decider: Decider,
  now: Date,
): RotorError | undefined {
  const refuse = (code: "APPROVAL_DECIDED", details: ErrorDetails) =>
    new RotorError(code, { id: decision.id, ...details });
  if (!approval) return new RotorError("APPROVAL_NOT_FOUND", { id: decision.id });
  if (approval.status !== "pending") return refuse("APPROVAL_DECIDED", { status: approval.status });
  // Whoever rejects what is overdue may be a moment behind the clock.
  if (approval.dueAt && approval.dueAt <= now) return refuse("APPROVAL_DECIDED", { status: "rejected" });
  if (decision.approved && approval.fourEyes && approval.askedBy.some((asker) => isAsker(asker, decider))) {
    return new RotorError("FOUR_EYES");
  }
  if (decision.payload_hash !== undefined && decision.payload_hash !== approval.payloadHash) {
    return new RotorError("PAYLOAD_CHANGED");
  }
  return undefined;
}

function isAsker({ keyId, memberId }: Asker, decider: Decider): boolean {
  return keyId === decider.actorId || (memberId !== null && memberId === decider.memberId);
}

/** What a rejected job says of why it failed. */
export function failReasonOf({ approved, reason }: Decision): string | null {
  if (approved) return null;
  return reason ?? "A person rejected it.";
}

export const overdueReason = "Nobody decided about it in time.";
