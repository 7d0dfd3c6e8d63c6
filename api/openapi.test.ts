import {
  contract,
  errorTable,
  listOperations,
  type OperationTree,
  pathParameters,
  routeOf,
} from "@rotorsh/contract";
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, test } from "vitest";
import { openApi } from "./openapi.ts";
import { errorsOf } from "./operation-errors.ts";

type Described = {
  operationId: string;
  parameters: { name?: string; in?: string; required?: boolean; $ref?: string }[];
  requestBody?: { content: { "application/json": { schema: { properties: object }; example: object } } };
  responses: Record<string, { description: string; content: Record<string, unknown> }>;
};

const document = openApi("1.2.3");
const operations = listOperations(contract as OperationTree).map((named) => ({
  ...named,
  title: `${named.noun}.${named.verb}`,
  described: describedBy(named.operation),
}));

function describedBy(operation: Parameters<typeof routeOf>[0]): Described {
  const { method, path } = routeOf(operation);
  return document.paths[path]?.[method.toLowerCase()] as Described;
}

describe("the OpenAPI document", () => {
  test("is valid 3.1", async () => {
    // As it is sent: without what JSON cannot say.
    const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)));
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
  });

  test("has one entry per operation, each with an id of its own", () => {
    const ids = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map((entry) => (entry as Described).operationId),
    );
    expect(ids.sort()).toEqual(operations.map(({ title }) => title).sort());
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("refers to nothing that is missing", () => {
    for (const [, pointer] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = (pointer ?? "")
        .split("/")
        .reduce<unknown>((node, key) => (node as Record<string, unknown>)?.[key], document);
      expect(found, pointer).toBeDefined();
    }
  });
});

describe.each(operations)("$title", ({ operation, described }) => {
  test("takes each field of its input in exactly one place", () => {
    const parameters = described.parameters.flatMap(({ name, in: where }) =>
      where === "path" || where === "query" ? [name] : [],
    );
    const body = Object.keys(described.requestBody?.content["application/json"].schema.properties ?? {});
    expect([...parameters, ...body].sort()).toEqual(Object.keys(operation.input.shape).sort());
    const inPath = described.parameters.filter((parameter) => parameter.in === "path");
    expect(inPath.map(({ name }) => name)).toEqual(pathParameters(operation));
    expect(inPath.every(({ required }) => required)).toBe(true);
  });

  test("names success and every failure, by status and code", () => {
    const statuses = Object.keys(described.responses).map(Number);
    expect(statuses.some((status) => status < 300)).toBe(true);
    for (const code of new Set([...operation.errors, ...errorsOf(operation)])) {
      expect(described.responses[errorTable[code].status]?.description).toContain(`\`${code}\``);
    }
  });
});
