// The contract as OpenAPI 3.1, whose schemas are the JSON Schema that zod writes.

import {
  contract,
  type ErrorCode,
  errorCodes,
  errorTable,
  listOperations,
  type NamedOperation,
  type Operation,
  type OperationTree,
  pathParameters,
  routeOf,
  statusOf,
} from "@rotorsh/contract";
import { z } from "zod";

type Schema = Record<string, unknown>;

/** Failures that any operation can have. */
const everywhere: readonly ErrorCode[] = [
  "INVALID_INPUT",
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "WORKSPACE_SUSPENDED",
  "RATE_LIMITED",
  "INTERNAL",
  "UNAVAILABLE",
];

export function openApi(version: string) {
  const paths: Record<string, Record<string, unknown>> = {};
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
    components: {
      schemas: { Error: errorSchema },
      securitySchemes: {
        apiKey: { type: "http", scheme: "bearer", description: "An API key, rt_ws_… or rt_team_…" },
        operator: { type: "http", scheme: "bearer", description: "The operator's ADMIN_TOKEN." },
      },
    },
  };
}

function describe({ noun, verb, operation }: NamedOperation): Schema {
  return {
    operationId: `${noun}.${verb}`,
    summary: operation.summary,
    ...(operation.description && { description: operation.description }),
    tags: [noun],
    ...(operation.needs === "operate" && { security: [{ operator: [] }] }),
    ...requestOf(operation),
    responses: responsesOf(operation),
  };
}

function requestOf(operation: Operation): Schema {
  const { method } = routeOf(operation);
  const schema = jsonSchema(operation.input, "input");
  const properties = (schema.properties ?? {}) as Record<string, Schema>;
  const required = (schema.required ?? []) as string[];
  const inPath = pathParameters(operation);
  const rest = Object.keys(properties).filter((name) => !inPath.includes(name));
  const parameter = (where: "path" | "query") => (name: string) => ({
    name,
    in: where,
    required: where === "path" || required.includes(name),
    schema: properties[name] ?? {},
  });
  const parameters = inPath.map(parameter("path"));
  if (method === "GET" || method === "DELETE")
    return { parameters: [...parameters, ...rest.map(parameter("query"))] };
  const idempotencyKey = {
    name: "Idempotency-Key",
    in: "header",
    required: false,
    schema: { type: "string", minLength: 1, maxLength: 255 },
    description: "A repeated request with the same key gets the first one's answer, for 24 hours.",
  };
  if (rest.length === 0) return { parameters: [...parameters, idempotencyKey] };
  const requiredInBody = required.filter((name) => rest.includes(name));
  const body = {
    type: "object",
    properties: Object.fromEntries(rest.map((name) => [name, properties[name]])),
    ...(requiredInBody.length > 0 && { required: requiredInBody }),
    additionalProperties: false,
  };
  return {
    parameters: [...parameters, idempotencyKey],
    requestBody: { required: requiredInBody.length > 0, content: { "application/json": { schema: body } } },
  };
}

function responsesOf(operation: Operation): Schema {
  const success = statusOf(operation, {});
  const ok: Schema = {
    description: success === 201 ? "Created" : "Done",
    content: {
      "application/json": { schema: jsonSchema(operation.output, "output") },
      ...(operation.csv && { "text/csv": { schema: { type: "string" } } }),
    },
  };
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set([...everywhere, ...operation.errors])) {
    const { status } = errorTable[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const failures = [...byStatus].sort(([a], [b]) => a - b).map(([status, codes]) => [status, failure(codes)]);
  return { [success]: ok, ...Object.fromEntries(failures) };
}

function failure(codes: ErrorCode[]): Schema {
  const description = codes.map((code) => `\`${code}\`: ${errorTable[code].message}`).join("\n\n");
  return { description, content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } } };
}

const errorSchema: Schema = {
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
};

/** zod's JSON Schema, without the long pattern that repeats what `format: date-time` says. */
export function jsonSchema(schema: z.ZodType, io: "input" | "output"): Schema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema }) => {
      if (jsonSchema.format) delete jsonSchema.pattern;
    },
  });
  return rest as Schema;
}
