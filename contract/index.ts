import { status, usage, whoami } from "./account.ts";
import { adminJobs } from "./admin-jobs.ts";
import { apiKeys } from "./api-keys.ts";
import { approvals } from "./approvals.ts";
import { audit } from "./audit.ts";
import { dlq } from "./dlq.ts";
import { events } from "./events.ts";
import { functions } from "./functions.ts";
import { guardrails } from "./guardrails.ts";
import { jobs } from "./jobs.ts";
import { members } from "./members.ts";
import { pull } from "./pull.ts";
import { queues } from "./queues.ts";
import { runs } from "./runs.ts";
import { schedules } from "./schedules.ts";
import { adminSchedules } from "./schedules-admin.ts";
import { signals } from "./signals.ts";
import { signingKey } from "./signing-key.ts";
import { admin, workspaces } from "./workspaces.ts";

/** Everything Rotor can be asked, by noun and verb. */
export const contract = {
  queues,
  jobs: { ...jobs, ...pull },
  schedules,
  functions,
  runs,
  events,
  signals,
  signingKey,
  dlq,
  approvals,
  guardrails,
  apiKeys,
  members,
  workspaces,
  whoami,
  status,
  usage,
  audit,
  admin: { ...admin, ...adminJobs, ...adminSchedules },
};
export type Contract = typeof contract;

export type { KeyTier } from "./api-keys.ts";
export { ApiKey } from "./api-keys.ts";
export { approvalStatuses } from "./approvals.ts";
export { AuditEvent, type Surface } from "./audit.ts";
export type {
  Checkpoint,
  CheckpointAnswer,
  CheckpointMessage,
  DriveEvent,
  DriveRequest,
  DriveResult,
  ErrorBody as StepErrorBody,
  HookName,
  Memo,
  Retry,
  StepKind,
  StepRecord,
  Wait,
} from "./drive.ts";
export { readCheckpoint, readDriveResult, readMessage } from "./drive-body.ts";
export {
  type ErrorBody,
  type ErrorCode,
  type ErrorDetails,
  errorCodes,
  errorTable,
  isRotorError,
  RotorError,
} from "./errors.ts";
export { Workflow } from "./functions.ts";
export {
  type GuardrailConfig,
  type GuardStage,
  guardStages,
  type PiiKind,
  piiKinds,
  shownEntries,
} from "./guardrails.ts";
export { type JobState, jobStates } from "./jobs.ts";
export {
  equalityOf,
  indexValue,
  longestMatch,
  type Match,
  MatchError,
  type MatchedEvent,
  matches,
  parseMatch,
  valueAt,
} from "./match.ts";
export { Member } from "./members.ts";
export { nearest } from "./nearest.ts";
export { type NextStep, nextSteps, suggestedAfter } from "./next-steps.ts";
export {
  type Call,
  type CallOptions,
  type InputOf,
  isRead,
  type Json,
  listOperations,
  type NamedOperation,
  type Operation,
  type OperationTree,
  type OutputOf,
  type ParsedInputOf,
  type Permission,
  pathParameters,
  routeOf,
  separated,
  statusOf,
  type Toolset,
  toolsets,
} from "./operation.ts";
export { type Capability, type Plan, plans, type Role, roles } from "./primitives.ts";
export { invalidInput, missingField, type Problem, parseInput, unknownField } from "./problems.ts";
export { Queue } from "./queues.ts";
export { type Names, names, type Resource, resources } from "./resources.ts";
export { Run } from "./runs.ts";
export { Schedule, ScheduleName } from "./schedule-fields.ts";
export type { CallbackStatus } from "./schedule-runs.ts";
export { type MessageOf, type Stream, type Streams, type StreamTree, streams } from "./streams.ts";
export { Workspace } from "./workspaces.ts";
