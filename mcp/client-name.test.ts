import { expect, test } from "vitest";
import { clientName, clientOfSession, sessionIdFor } from "./client-name.ts";

test("a client is its name and version in one word", () => {
  expect(clientName({ name: "Claude Code", version: "2.1.0" })).toBe("Claude-Code/2.1.0");
  expect(clientName({ name: "codex" })).toBe("codex");
});

test.each([undefined, {}, { name: "" }, { name: 5 }, { name: ["a"], version: "1" }])(
  "%o names nobody",
  (info) => {
    expect(clientName(info)).toBeNull();
  },
);

test("nothing in a name can break a line of a log", () => {
  expect(clientName({ name: "a\nb\u0000\u202e", version: "1\r" })).toBe("a-b-/1");
  expect(clientName({ name: "x".repeat(500) })).toHaveLength(100);
});

test("the session id brings the name back, and no two are alike", () => {
  const id = sessionIdFor("codex/0.169.0");
  expect(id).toMatch(/^[\x21-\x7e]+$/);
  expect(clientOfSession(id)).toBe("codex/0.169.0");
  expect(sessionIdFor("codex/0.169.0")).not.toBe(id);
});

test.each([null, "", "made-up", "x.", `x.${"A".repeat(300)}`])("the session id %o names nobody", (id) => {
  expect(clientOfSession(id)).toBeNull();
});

test("a session id that somebody made names no more than a client could", () => {
  expect(clientOfSession(`x.${Buffer.from("a\nb").toString("base64url")}`)).toBe("a-b");
});
