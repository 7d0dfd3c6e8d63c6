// Every way an operation can fail, one row per code. Each surface reads its own column: the API sends
// `status`, MCP and the CLI show message and hint, the SDK retries when `retryable`. `{name}` in a text is
// filled from the error's details, shortened and escaped, because a message may be read by an agent.

type ErrorRow = { status: number; message: string; hint?: string; retryable?: boolean };

export const errorTable = {
  INVALID_INPUT: {
    status: 422,
    message: "The input does not fit: {problem}",
    hint: "Correct the fields listed in details.problems and send it again.",
  },
  INVALID_JSON: { status: 400, message: "The body is not valid JSON.", hint: "Send one JSON object." },
  INVALID_IDEMPOTENCY_KEY: {
    status: 400,
    message: "The Idempotency-Key header is empty, longer than 255 characters, or not printable ASCII.",
    hint: "Send a unique key of 1 to 255 printable ASCII characters, such as a UUID.",
  },
  UNAUTHENTICATED: {
    status: 401,
    message: "No valid API key was sent.",
    hint: "Send `Authorization: Bearer <key>`. A key may be mistyped, expired or revoked.",
  },
  QUOTA_EXCEEDED: {
    status: 402,
    message: "The workspace's monthly quota of {limit} executions is used up.",
    hint: "Wait for the reset named in details.resetAt, or ask the operator for a larger plan.",
  },
  FORBIDDEN: {
    status: 403,
    message: "This key may not do that: it needs the permission `{needs}`.",
    hint: "Use a key whose role has that permission; `whoami` shows what this one may do.",
  },
  KEY_TIER_REFUSED: {
    status: 403,
    message: "A key of this tier may not be used here.",
    hint: "Use a workspace key (rt_ws_…).",
  },
  QUEUE_KEY_REFUSED: {
    status: 403,
    message: "This key is for the queue {queue} alone.",
    hint: "Use that queue, or a workspace key.",
  },
  ADDRESS_REFUSED: {
    status: 403,
    message: "This key may not be used from this address.",
    hint: "Call from an address in the key's allowed_ips, or create a key for this address.",
  },
  WORKSPACE_REQUIRED: {
    status: 400,
    message: "A team key needs the workspace it is used for.",
    hint: "Send the header `x-rotor-workspace: ws_…`; /v1/workspaces of any one of them lists all.",
  },
  WORKSPACE_MISMATCH: {
    status: 403,
    message: "The header x-rotor-workspace names another workspace than the key's own.",
    hint: "Leave the header out: a workspace key has one workspace.",
  },
  ORIGIN_REFUSED: {
    status: 403,
    message: "Requests from this web origin are refused.",
    hint: "Call the API from a server, or from a page that this server delivered.",
  },
  WORKSPACE_SUSPENDED: {
    status: 403,
    message: "This workspace is suspended.",
    hint: "Only the operator of this server can lift a suspension.",
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    message: "There is nothing at this address.",
    hint: "GET /doc lists every route.",
  },
  QUEUE_NOT_FOUND: {
    status: 404,
    message: "There is no queue {name}.",
    hint: "List the queues to see their names.",
  },
  DNC_ENTRY_NOT_FOUND: {
    status: 404,
    message: "That address is not on the do-not-contact list.",
    hint: "List the do-not-contact list to see what is on it.",
  },
  JUDGE_NOT_CONFIGURED: {
    status: 409,
    message: "The brand tone judge needs an Anthropic API key, and this server has none.",
    hint: "Set ANTHROPIC_API_KEY in the server's environment and start it again; the other guardrails need no key.",
  },
  JOB_NOT_FOUND: {
    status: 404,
    message: "The queue has no job {id}.",
    hint: "List the queue's jobs to see their ids; ended jobs are kept as long as the plan says.",
  },
  WORKFLOW_NOT_FOUND: {
    status: 404,
    message: "There is no workflow {id}, and no event of that name triggers one.",
    hint: "List the workflows to see their ids and trigger events.",
  },
  RUN_NOT_FOUND: {
    status: 404,
    message: "There is no run {id}.",
    hint: "List the runs to see their ids; ended runs are kept as long as the plan says.",
  },
  STEP_NOT_FOUND: {
    status: 404,
    message: "The run has no finished step {step}.",
    hint: "Get the run to see its steps.",
  },
  EVENT_NOT_FOUND: {
    status: 404,
    message: "There is no event {id}.",
    hint: "List the events to see their ids.",
  },
  SIGNAL_NOT_FOUND: {
    status: 404,
    message: "No run waits for the signal {id}.",
    hint: "Check the id; the run may not have come to its wait yet, or was cancelled.",
  },
  SIGNAL_CONFLICT: {
    status: 409,
    message: "The signal {id} is being completed by another request right now.",
    hint: "Treat it as completed, or look at the run.",
  },
  SIGNAL_RESOLVED: {
    status: 410,
    message: "The signal {id} was completed already, or its time was over.",
    hint: "Get the run to see what it went on with.",
  },
  NO_PENDING_APPROVAL: {
    status: 409,
    message: "The run {id} does not wait for that approval.",
    hint: "Get the run: a step with an approval shows the signal. Other signals are completed through /v1/signals.",
  },
  APPROVAL_NOT_FOUND: {
    status: 404,
    message: "There is no approval {id}.",
    hint: "List the approvals to see their ids; a job's own id is another one.",
  },
  APPROVAL_DECIDED: {
    status: 409,
    message: "The approval {id} is decided already: {status}.",
    hint: "Nothing was changed. Get the approval to see who decided it, and why.",
  },
  FOUR_EYES: {
    status: 403,
    message:
      "The queue wants four eyes: who wrote or sent a job, by this key or another, may not approve it.",
    hint: "Ask another person who may approve. Rejecting it is allowed.",
  },
  PAYLOAD_CHANGED: {
    status: 409,
    message: "The payload is not the one that payload_hash was of.",
    hint: "Get the approval again, look at its payload, and decide about that one.",
  },
  LEASE_LOST: {
    status: 409,
    message: "This drive of the run is over: the run was cancelled, has ended, or is driven elsewhere.",
    hint: "Stop executing the function.",
  },
  REPLAY_NOT_FOUND: {
    status: 404,
    message: "The queue has no replay {id}.",
    hint: "A canary replay answers with its id when it is started; ended ones are kept as long as the plan says.",
  },
  API_KEY_NOT_FOUND: {
    status: 404,
    message: "There is no API key {id}.",
    hint: "List the API keys to see their ids.",
  },
  MEMBER_NOT_FOUND: {
    status: 404,
    message: "There is no member {id}.",
    hint: "List the members to see their ids.",
  },
  WORKSPACE_NOT_FOUND: {
    status: 404,
    message: "There is no workspace {id}.",
    hint: "List the workspaces to see their ids.",
  },
  SCHEDULE_NOT_FOUND: {
    status: 404,
    message: "There is no schedule {id}.",
    hint: "List the schedules to see their names and ids.",
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    message: "This address does not take that method.",
    hint: "The Allow header names the methods it takes.",
  },
  SCHEDULE_EXISTS: {
    status: 409,
    message: "A schedule {name} exists already.",
    hint: "Update it, or use the upsert, which does either.",
  },
  SCHEDULE_REGISTERED: {
    status: 409,
    message: "The schedule {name} belongs to its workflow's registration, and that alone decides this.",
    hint: "Change the workflow's trigger, or archive the workflow; to stop it for a while, pause the schedule.",
  },
  QUEUE_EXISTS: {
    status: 409,
    message: "A queue {name} exists already.",
    hint: "Update it, or use the upsert, which does either.",
  },
  JOB_STATE_CONFLICT: {
    status: 409,
    message: "The job {id} is {state}; that cannot be done to it now.",
    hint: "Get the job to see its state and what can be done.",
  },
  IDEMPOTENCY_CONFLICT: {
    status: 409,
    message: "A job {id} exists already.",
    hint: "Treat it as enqueued, or leave out strict to be answered with that job.",
  },
  QUEUE_NOT_PULL: {
    status: 409,
    message: "The queue {name} delivers its jobs to its callback_url; there is nothing to fetch.",
    hint: "Set its callback_url to null to let workers fetch the jobs.",
  },
  QUEUE_NOT_EMPTY: {
    status: 409,
    message: "The queue {name} still has jobs.",
    hint: "Drain it first, or delete it together with its jobs by with_jobs: true.",
  },
  MEMBER_EXISTS: {
    status: 409,
    message: "This person is a member already.",
    hint: "Change the member's role instead.",
  },
  LAST_ADMIN: {
    status: 409,
    message: "The last admin of a workspace can neither leave nor give up the role.",
    hint: "Make somebody else an admin first.",
  },
  KEY_REVOKED: {
    status: 409,
    message: "This API key is revoked or expired and cannot be rotated or extended.",
    hint: "Create a new key.",
  },
  SECRET_ROTATING: {
    status: 409,
    message: "The previous secret is still valid from the last rotation.",
    hint: "Wait until details.previous_valid_until, or set force: true to end the previous secret now.",
  },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    message: "A request with this Idempotency-Key is still running.",
    hint: "Send it again in a moment; it will answer what the first one answered.",
    retryable: true,
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    message: "This Idempotency-Key was used for a different request.",
    hint: "Use a new key for a new request; keys are kept for 24 hours.",
  },
  CONFIRMATION_REQUIRED: {
    status: 409,
    message: "This cannot be undone and needs a confirmation.",
    hint: "Look at details.preview, then repeat the call with confirm: true.",
  },
  CONFIRMATION_STALE: {
    status: 409,
    message:
      "The confirmation does not fit: it is older than 5 minutes, was for another call, or there is more now.",
    hint: "Ask for a new preview with dry_run: true and look at it again.",
  },
  STEP_TOO_LARGE: {
    status: 413,
    message: "The steps are too large to be kept: {problem}",
    hint: "Return it with the answer of the drive: the run then fails with this error.",
  },
  DECLINED: {
    status: 409,
    message: "The person who was asked did not agree.",
    hint: "Nothing was changed. Do not ask again unless the person wants it.",
  },
  PAYLOAD_TOO_LARGE: { status: 413, message: "The body is larger than {limit}.", hint: "Send less at once." },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    message: "The body must be JSON.",
    hint: "Send `Content-Type: application/json`.",
  },
  RATE_LIMITED: {
    status: 429,
    message: "The workspace's limit of {limit} requests a minute is reached.",
    hint: "Wait as long as Retry-After says.",
    retryable: true,
  },
  TOO_MANY_STREAMS: {
    status: 429,
    message: "Too many streams are open: {limit} at once.",
    hint: "Close those that nobody follows, or ask now and then instead.",
    retryable: true,
  },
  INTERNAL: {
    status: 500,
    message: "Rotor failed unexpectedly.",
    hint: "Try again; if it stays, give the request id to the operator of this server.",
  },
  UNAVAILABLE: {
    status: 503,
    message: "Rotor cannot reach its database right now.",
    hint: "Wait as long as Retry-After says; with an Idempotency-Key a repeat is safe.",
    retryable: true,
  },
  // Found out on the client's side; no server sends these.
  UNREACHABLE: {
    status: 503,
    message: "The Rotor server at {url} cannot be reached: {problem}.",
    hint: "Check that the server runs and that the URL is right.",
    retryable: true,
  },
  BAD_RESPONSE: {
    status: 502,
    message: "What answered at {url} is not a Rotor server this client understands: {problem}.",
    hint: "Check the URL, any proxy in between, and that this client is not older than the server.",
  },
  INVALID_SIGNATURE: {
    status: 401,
    message: "The signature does not fit this body, or is too old.",
    hint: "Pass the raw body as it was received, all headers, and the whole secret.",
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;

export const errorCodes = Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]];

export type ErrorDetails = Record<string, unknown>;

export type ErrorBody = {
  error: { code: ErrorCode; message: string; hint?: string; details?: ErrorDetails; request_id?: string };
};

/** The only error that leaves an operation. Message, hint and details are safe to show anyone; the cause is for logs. */
export class RotorError extends Error {
  override readonly name: string = "RotorError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  readonly hint: string | undefined;
  /** Set on errors that came from a server. */
  requestId: string | undefined;

  constructor(code: ErrorCode, details: ErrorDetails = {}, options: { hint?: string; cause?: unknown } = {}) {
    const row: ErrorRow = errorTable[code];
    super(fill(row.message, details), { cause: options.cause });
    this.code = code;
    this.details = details;
    this.hint = options.hint ?? (row.hint && fill(row.hint, details));
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get retryable(): boolean {
    return (errorTable[this.code] as ErrorRow).retryable ?? false;
  }

  toBody(requestId = this.requestId): ErrorBody {
    return {
      error: {
        code: this.code,
        message: this.message,
        ...(this.hint && { hint: this.hint }),
        ...(Object.keys(this.details).length > 0 && { details: this.details }),
        ...(requestId && { request_id: requestId }),
      },
    };
  }
}

/** By name, not by class: two copies of this package may be installed side by side. */
export function isRotorError(error: unknown): error is RotorError {
  return (
    error instanceof Error && "code" in error && (error.code as string) in errorTable && "toBody" in error
  );
}

function fill(text: string, details: ErrorDetails): string {
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    quote(details[name], name === "problem" ? longestProblem : longestQuote),
  );
}

const longestQuote = 80;
/** Of our own words, with the name of a field in them. */
const longestProblem = 240;

/** A value inside a sentence: one line, short, no control characters, and strings that are names in quotes. */
function quote(value: unknown, longest: number): string {
  if (value === undefined) return "";
  const text = String(value)
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "�")
    .trim();
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
