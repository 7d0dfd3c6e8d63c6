// The contract as OpenAPI 3.1, whose schemas are the JSON Schema that zod writes.

import {
  contract,
  type ErrorCode,
  errorCodes,
  errorTable,
  isRead,
  listOperations,
  type NamedOperation,
  type Operation,
  type OperationTree,
  pathParameters,
  routeOf,
  statusOf,
} from "@rotorsh/contract";
import { exampleInput } from "./example-input.ts";
import { type JsonSchema, jsonSchema } from "./json-schema.ts";
import { errorsOf } from "./operation-errors.ts";

type Node = Record<string, unknown>;

export function openApi(version: string) {
  const paths: Record<string, Node> = {};
  const operations = listOperations(contract as OperationTree);
  for (const named of operations) {
    const { method, path } = routeOf(named.operation);
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = describe(named);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Rotor",
      version,
      summary: "Job queues and durable workflows, driven by people and by agents.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ apiKey: [] }],
    tags: [...new Set(operations.map(({ noun }) => noun))].map((name) => ({ name })),
    paths,
    components,
  };
}

function describe({ noun, verb, operation }: NamedOperation): Node {
  return {
    operationId: `${noun}.${verb}`,
    summary: operation.summary,
    ...(operation.description && { description: operation.description }),
    tags: [noun],
    ...(operation.needs === "operate" && { security: [{ operator: [] }] }),
    "x-rotor-needs": operation.needs,
    ...requestOf(operation),
    responses: responsesOf(operation),
  };
}

function requestOf(operation: Operation): Node {
  const schema = jsonSchema(operation.input, "input");
  const { properties = {}, required = [] } = schema;
  const inPath = pathParameters(operation);
  const rest = Object.keys(properties).filter((name) => !inPath.includes(name));
  const parameter = (where: "path" | "query") => (name: string) => {
    const { description, ...type } = properties[name] ?? {};
    const isRequired = where === "path" || required.includes(name);
    return { name, in: where, required: isRequired, ...(description && { description }), schema: type };
  };
  const { method } = routeOf(operation);
  const inQuery = method === "GET" || method === "DELETE";
  return {
    parameters: [
      ...inPath.map(parameter("path")),
      ...(inQuery ? rest.map(parameter("query")) : []),
      ...sharedParameters(operation),
    ],
    ...(!inQuery && rest.length > 0 && { requestBody: bodyOf(operation, schema, rest) }),
  };
}

function sharedParameters(operation: Operation): Node[] {
  const names = [
    ...(operation.csv ? ["Format"] : []),
    ...(isRead(operation) ? [] : ["IdempotencyKey"]),
    ...(operation.needs === "operate" ? [] : ["Workspace"]),
  ];
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

/** What is left of the input when the path has taken its part. */
function bodyOf(operation: Operation, { properties = {}, required = [] }: JsonSchema, names: string[]): Node {
  const requiredHere = required.filter((name) => names.includes(name));
  const pick = (values: Node) =>
    Object.fromEntries(names.filter((name) => name in values).map((name) => [name, values[name]]));
  const schema = {
    type: "object",
    properties: pick(properties),
    ...(requiredHere.length > 0 && { required: requiredHere }),
    additionalProperties: false,
  };
  const example = pick(exampleInput(operation));
  return { required: requiredHere.length > 0, content: { "application/json": { schema, example } } };
}

function responsesOf(operation: Operation): Node {
  const success = statusOf(operation, {});
  const content = {
    "application/json": { schema: jsonSchema(operation.output, "output") },
    ...(operation.csv && { "text/csv": { schema: { type: "string" } } }),
  };
  const headers = headersOf(operation);
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of errorsOf(operation)) {
    const { status } = errorTable[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return {
    [success]: { description: success === 201 ? "Created" : "Done", headers, content },
    // An answer that is about a thing that was there already.
    ...(success === 201 &&
      "created" in operation.output.shape && { 200: { description: "Changed", headers, content } }),
    ...Object.fromEntries([...byStatus].map(([status, codes]) => [status, failure(codes)])),
  };
}

function headersOf(operation: Operation): Node {
  const names = [
    "x-request-id",
    ...(operation.needs === "operate" ? [] : ["RateLimit", "RateLimit-Policy"]),
    ...(isRead(operation) ? [] : ["Idempotent-Replayed"]),
  ];
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function failure(codes: ErrorCode[]): Node {
  const description = codes.map((code) => `\`${code}\`: ${errorTable[code].message}`).join("\n\n");
  const names = ["x-request-id", ...(codes.some((code) => retryLater.has(code)) ? ["Retry-After"] : [])];
  return {
    description,
    headers: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
  };
}

const retryLater: ReadonlySet<ErrorCode> = new Set([
  "RATE_LIMITED",
  "UNAVAILABLE",
  "IDEMPOTENCY_IN_PROGRESS",
]);

const header = (description: string, schema: Node = { type: "string" }) => ({ description, schema });

const components = {
  schemas: {
    Error: {
      type: "object",
      required: ["error"],
      properties: {
        error: {
          type: "object",
          required: ["code", "message"],
          properties: {
            code: { type: "string", enum: errorCodes },
            message: { type: "string" },
            hint: { type: "string", description: "What to do next." },
            details: { type: "object", additionalProperties: true },
            request_id: { type: "string" },
          },
        },
      },
    },
  },
  parameters: {
    IdempotencyKey: {
      name: "Idempotency-Key",
      in: "header",
      description: "A repeated request with the same key gets the first one's answer, for 24 hours.",
      schema: { type: "string", minLength: 1, maxLength: 255 },
    },
    Workspace: {
      name: "x-rotor-workspace",
      in: "header",
      description: "The workspace a team key is used for; required with a team key.",
      schema: { type: "string" },
    },
    Format: {
      name: "format",
      in: "query",
      description: "`csv` streams every row of the list instead of one page.",
      schema: { type: "string", enum: ["csv"] },
    },
  },
  headers: {
    "x-request-id": header("Names this request in logs and in the audit log."),
    RateLimit: header("Requests left in this window and seconds until the next one."),
    "RateLimit-Policy": header("Requests per window and the length of a window in seconds."),
    "Idempotent-Replayed": header("`true` when this is the answer of an earlier request with the same key."),
    "Retry-After": header("Seconds to wait before the request is sent again.", { type: "integer" }),
  },
  securitySchemes: {
    apiKey: { type: "http", scheme: "bearer", description: "An API key: rt_ws_…, rt_team_… or rt_q_…" },
    operator: { type: "http", scheme: "bearer", description: "The operator's ADMIN_TOKEN." },
  },
};
