import { z } from "zod";
import { AnyJobId, JobState } from "./jobs.ts";
import { operation } from "./operation.ts";
import { isOneLine, isStorable, notStorable, page, QueueName, Timestamp } from "./primitives.ts";

export const approvalStatuses = ["pending", "approved", "rejected", "cancelled"] as const;
const ApprovalStatus = z
  .enum(approvalStatuses)
  .describe("`cancelled`: its job was cancelled or removed before anybody decided.");

/** As wide as a job's id: whoever sends that one by mistake is told so by APPROVAL_NOT_FOUND. */
const ApprovalId = z
  .string()
  .min(1)
  .max(512)
  .refine(isOneLine, "must be one line")
  .describe("Id of the approval, `apv_…`.")
  .meta({ examples: ["apv_0190c8a1b2c3d4e5f6a7b8c9d0e1f2a3"] });

const Reason = z
  .string()
  .trim()
  .min(1)
  .max(1000)
  .refine(isStorable, notStorable)
  .optional()
  .describe("Why; kept with the decision. Of a rejection it becomes the job's fail_reason.")
  .meta({ examples: ["Too pushy."] });

const PayloadHash = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, "must be sha256: and 64 hex digits")
  .optional()
  .describe(
    "`payload_hash` of what was looked at: refused with PAYLOAD_CHANGED when the payload is another.",
  );

/** What a decision about one approval can say. */
const decision = { id: ApprovalId, reason: Reason, payload_hash: PayloadHash };

const Approval = z.object({
  id: z.string(),
  status: ApprovalStatus,
  jobId: AnyJobId,
  queueName: QueueName,
  payload: z.unknown().describe("What will be sent if it is approved; null when omitted."),
  payload_hash: z.string().nullable().describe("SHA-256 of the payload's bytes as they are sent."),
  payload_bytes: z.int(),
  payload_omitted: z
    .boolean()
    .describe("True when the payload is not shown: in a list beyond 16 KB, or because the job is gone."),
  job_state: JobState.nullable().describe("Null when the job is gone."),
  because: z
    .string()
    .nullable()
    .describe("Why a person is asked, as a code; null when the queue asks for every job."),
  four_eyes: z.boolean().describe("True when whoever enqueued the job may not approve it."),
  requested_by: z
    .record(z.string(), z.unknown())
    .describe("Key, surface, program, request and trace that the job came through."),
  expires_at: Timestamp.nullable().describe("When it is rejected by itself; null for never."),
  decided_by: z
    .object({
      key_id: z.string().describe("Id of the API key; `system` when the time had passed."),
      member_email: z.string().nullable(),
      surface: z.string(),
      client: z.string().nullable(),
    })
    .nullable(),
  reason: z.string().nullable().describe("What the decision was given as its reason."),
  decided_at: Timestamp.nullable(),
  createdAt: Timestamp,
});

const deciding = {
  tools: {},
  positionals: ["id"],
  impact: "write",
  idempotent: false,
  needs: "approve",
  human: true,
  audit: "approval.decided",
  input: z.strictObject(decision),
  output: Approval,
  errors: ["APPROVAL_NOT_FOUND", "APPROVAL_DECIDED", "FOUR_EYES", "PAYLOAD_CHANGED"],
} as const;

export const approvals = {
  list: operation({
    route: "GET /v1/approvals",
    summary: "List approvals of jobs, newest first, with the payloads they are about.",
    description:
      "Ask for status pending to see what waits for a decision. What a workflow run waits for is on the run; see approve_run.",
    synonyms: "review pending human in the loop gate waits for a person",
    tools: { hosted: { name: "list_approvals", toolset: "approvals" } },
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject({
      ...page,
      status: ApprovalStatus.optional().describe("Only those with this status."),
      queue: QueueName.optional().describe("Only those of this queue's jobs."),
    }),
    output: z.object({
      approvals: z.array(Approval),
      nextCursor: z.string().nullable().describe("Pass as `cursor` for the next page; null on the last one."),
    }),
    errors: ["INVALID_INPUT", "QUEUE_NOT_FOUND"],
  }),

  get: operation({
    route: "GET /v1/approvals/{id}",
    summary: "Get one approval with the whole payload of its job.",
    synonyms: "one approval whole payload",
    tools: { hosted: { name: "get_approval", toolset: "approvals" } },
    positionals: ["id"],
    impact: "read",
    idempotent: true,
    needs: "read",
    input: z.strictObject({ id: ApprovalId }),
    output: Approval,
    errors: ["APPROVAL_NOT_FOUND"],
  }),

  approve: operation({
    ...deciding,
    route: "POST /v1/approvals/{id}/approve",
    summary: "Approve a job that waits for a person: it goes on, with exactly the payload shown.",
    description:
      "Takes the approval's id, not the job's. Only after a person has looked at the payload and agreed. For a workflow run use approve_run.",
    synonyms: "accept allow approve pending job",
    tools: { hosted: { name: "approve_job", toolset: "approvals" } },
  }),

  reject: operation({
    ...deciding,
    route: "POST /v1/approvals/{id}/reject",
    summary: "Reject a job that waits for a person: it fails for good, and no retry brings it back.",
    description: "Takes the approval's id. To try again, enqueue a new job with a corrected payload.",
    synonyms: "refuse deny decline disapprove job",
    tools: { hosted: { name: "reject_job", toolset: "approvals" } },
  }),

  decide: operation({
    ...deciding,
    route: "POST /v1/approvals/decide",
    summary: "Decide up to 100 approvals at once, each by itself: what one is refused stops no other.",
    positionals: ["decisions"],
    input: z.strictObject({
      decisions: z
        .array(z.strictObject({ ...decision, approved: z.boolean().describe("False to reject.") }))
        .min(1)
        .max(100)
        .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, "must name each id once")
        .meta({ examples: [[{ id: "apv_0190c8a1b2c3d4e5f6a7b8c9d0e1f2a3", approved: true }]] }),
    }),
    output: z.object({
      decided: z.int().describe("How many of them this call decided."),
      results: z
        .array(
          z.object({
            id: z.string(),
            approval: Approval.nullable().describe("As it is now; null when there is none."),
            error: z
              .object({ code: z.string(), message: z.string(), hint: z.string() })
              .nullable()
              .describe("Why this one was not decided."),
          }),
        )
        .describe("One per decision, in order."),
    }),
    errors: ["INVALID_INPUT"],
  }),
};
