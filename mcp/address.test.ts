import { expect, test } from "vitest";
import { readAddress } from "./address.ts";

test.each([
  ["/mcp", ["default"], false],
  ["/mcp/", ["default"], false],
  ["/mcp/readonly", ["default"], true],
  ["/mcp/x/jobs", ["jobs"], false],
  ["/mcp/x/jobs+schedules/readonly", ["jobs", "schedules"], true],
  ["/mcp/x/jobs%2Bschedules", ["jobs", "schedules"], false],
])("%s offers %o, read-only %s", (path, toolsets, readOnly) => {
  const address = readAddress(path);
  expect([[...address.toolsets], address.readOnly]).toEqual([toolsets, readOnly]);
});

test("/mcp/x/all offers every toolset", () => {
  expect(readAddress("/mcp/x/all").toolsets).toContain("webhooks");
});

test.each([
  ["/mcp/x/jbos", "Did you mean /mcp/x/jobs?"],
  ["/mcp/x/jobs+shedules", "Did you mean /mcp/x/schedules?"],
  ["/mcp/x/all+nonsense-of-any-kind", "The toolsets are default, jobs,"],
  ["/mcp/x", "The MCP server is at /mcp"],
  ["/mcp/jobs", "The MCP server is at /mcp"],
  ["/mcp/x/jobs/extra", "The MCP server is at /mcp"],
  ["/mcp/x/jobs/readonly/readonly", "The MCP server is at /mcp"],
])("%s: ROUTE_NOT_FOUND, %s", (path, hint) => {
  expect(() => readAddress(path)).toThrow(
    expect.objectContaining({ code: "ROUTE_NOT_FOUND", hint: expect.stringContaining(hint) }),
  );
});
