// What a webhook delivers. Fields that only some servers send are optional, and a newer server may send more.

type Event<Type extends string, Data> = {
  type: Type;
  /** The same as `type`. */
  event?: Type;
  webhookId?: string;
  data: Data;
};

type JobData = { jobId: string; queueName: string };

type ApprovalData = { approvalId: string; jobId: string; queueName: string };

export type RotorWebhookEvent =
  | Event<"job.completed", JobData & { result?: unknown; completedAt?: string }>
  | Event<"job.failed", JobData & { failReason: string; attempts: number }>
  | Event<"job.stalled", JobData>
  | Event<"approval.pending", ApprovalData & { payload?: unknown }>
  | Event<"approval.approved" | "approval.rejected", ApprovalData>
  | Event<"guardrail.blocked", JobData & { rule?: string; reason?: string }>
  | Event<"queue.drained", { queueName: string }>
  | Event<"queue.error", { queueName: string; message?: string }>
  | Event<"webhook.test", { message: string; timestamp: string }>;
