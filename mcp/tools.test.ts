import { readdir } from "node:fs/promises";
import { type Json, toolsets } from "@rotorsh/contract";
import { describe, expect, test } from "vitest";
import { createOffers, tokensOf } from "./address.ts";
import { toolServers, toolsOf } from "./tools.ts";

describe.each(toolServers)("the %s server", (server) => {
  const tools = toolsOf(server);

  test("gives each tool a name of its own, and keeps no file of a tool that is gone", async () => {
    const files = await readdir(new URL(`tools/${server}/`, import.meta.url));
    expect(tools.map(({ name }) => `${name}.json`).sort()).toEqual(files.sort());
  });

  test.each(tools)("$name changes in public only on purpose", async ({ name, listed }) => {
    const text = `${JSON.stringify(listed, null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(`tools/${server}/${name}.json`);
  });

  test.each(tools)("$name follows the rules", ({ name, listed }) => {
    expect(name).toMatch(/^[a-z][a-z_]{1,63}$/);
    expect(listed.title).toMatch(/^[A-Z]/);
    expect(listed.description).toMatch(/^[A-Z].*\.$/s);
    const hints = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];
    for (const hint of hints) expect(listed.annotations).toHaveProperty(hint, expect.any(Boolean));
    for (const schema of [listed.inputSchema, listed.outputSchema as Json]) {
      expect(schema.type).toBe("object");
      // Some model providers refuse these at the top.
      for (const word of ["anyOf", "oneOf", "allOf", "$ref"]) expect(schema).not.toHaveProperty(word);
    }
    expect(listed.inputSchema.additionalProperties).toBe(false);
    expect(undescribed(listed.inputSchema)).toEqual([]);
  });
});

describe("what a listing costs the model", () => {
  const most = { default: 6_000, other: 14_000 };
  const hosted = createOffers(toolsOf("hosted"));
  const sets = toolsets.filter((name) => name !== "webhooks");

  test("/mcp", () => {
    expect(tokensOf(hosted("/mcp").tools)).toBeLessThanOrEqual(most.default);
  });

  test.each(toolsets)("/mcp/x/%s, with all that is told of its answers", (toolset) => {
    const { tools } = hosted(`/mcp/x/${toolset}`);
    expect(tokensOf(tools)).toBeLessThanOrEqual(most.other);
    for (const { listed } of tools) expect(listed.outputSchema).toHaveProperty("properties");
  });

  test("any two toolsets that people put together, and whatever else is offered but all", () => {
    expect(hosted("/mcp/x/default+jobs").tools).toHaveLength(33);
    for (let choice = 1; choice < 2 ** sets.length - 1; choice++) {
      const chosen = sets.filter((_, place) => (choice >> place) & 1).join("+");
      const cost = () => tokensOf(hosted(`/mcp/x/${chosen}`).tools);
      try {
        expect(cost()).toBeLessThanOrEqual(most.other);
      } catch (error) {
        expect(error).toMatchObject({ code: "ROUTE_NOT_FOUND", hint: expect.stringContaining("/mcp/x/all") });
        expect(chosen).toMatch(/jobs/);
      }
    }
  });

  test.each(["stdio", "admin"] as const)("the %s server", (server) => {
    expect(tokensOf(toolsOf(server))).toBeLessThanOrEqual(most.other);
  });
});

/** Paths of the fields, also nested ones, that no description tells the meaning of. */
function undescribed(schema: Json, path = ""): string[] {
  const fields = Object.entries((schema.properties ?? {}) as Record<string, Json>);
  const variants = [...((schema.anyOf ?? []) as Json[]), ...(schema.items ? [schema.items as Json] : [])];
  return [
    ...variants.flatMap((variant) => undescribed(variant, path)),
    ...fields.flatMap(([name, field]) => {
      const here = path ? `${path}.${name}` : name;
      return [...(field.description ? [] : [here]), ...undescribed(field, here)];
    }),
  ];
}
