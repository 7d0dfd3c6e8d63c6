import { isRotorError } from "@rotorsh/contract";
import { expect, test } from "vitest";
import { hostileUrls } from "../testing/hostile-urls.ts";
import { createEgress } from "./egress.ts";
import { checkSavedUrl } from "./save-check.ts";

const egress = createEgress({ httpToLoopback: false, allow: [] });

function problemOf(text: string | null): unknown {
  try {
    checkSavedUrl(egress, "callback_url", text);
    return undefined;
  } catch (error) {
    if (isRotorError(error)) return error.toBody().error;
    throw error;
  }
}

test.each([null, "https://example.com/hook", "https://example.com:8443/a?b=c"])("%j may be saved", (text) => {
  expect(problemOf(text)).toBeUndefined();
});

test.each([...hostileUrls, "https://example.com/#fragment", "", "no url", "https://", "https://[::1"])(
  "%s may not be saved",
  (text) => {
    expect(problemOf(text)).toMatchObject({
      code: "INVALID_INPUT",
      details: { problems: [{ path: "callback_url", problem: expect.stringMatching(/^must /) }] },
    });
    expect(JSON.stringify(problemOf(text))).not.toMatch(/\d+\.\d+\.\d+/);
  },
);
