import { readdir } from "node:fs/promises";
import type { Json } from "@rotorsh/contract";
import { describe, expect, test } from "vitest";
import { createOffers } from "./address.ts";
import { type Tool, toolServers, toolsOf } from "./tools.ts";

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
  const mostTokens = { default: 6_000, other: 14_000 };
  const hosted = (path: string) => createOffers(toolsOf("hosted"))(path).tools;

  test("/mcp", () => {
    expect(tokensOf(hosted("/mcp"))).toBeLessThanOrEqual(mostTokens.default);
  });

  test.each(["jobs", "schedules", "approvals", "guardrails", "webhooks", "workspace"])(
    "/mcp/x/%s",
    (toolset) => {
      expect(tokensOf(hosted(`/mcp/x/${toolset}`))).toBeLessThanOrEqual(mostTokens.other);
    },
  );

  test.each(["stdio", "admin"] as const)("the %s server", (server) => {
    expect(tokensOf(toolsOf(server))).toBeLessThanOrEqual(mostTokens.other);
  });
});

/** About four characters make a token. */
function tokensOf(tools: readonly Tool[]): number {
  return Math.ceil(JSON.stringify({ tools: tools.map(({ listed }) => listed) }).length / 4);
}

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
