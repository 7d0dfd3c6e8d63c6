// A Rotor app as users run it, in a process of its own.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createFunction, Rotor, syncWorkflows, workflowListener } from "@rotorsh/sdk";
import { answer } from "../harness/child.ts";
import { nowNs } from "../harness/clock.ts";
import { createMarks, result, tenSteps } from "./steps.ts";

const marks = createMarks();
let heard: (() => void) | undefined;
let firstLineNs = 0n;

const ten = createFunction({ id: "ten", trigger: { event: "ten" } }, async ({ step }) => {
  for (let index = 0; index < tenSteps; index++) await step.run(`step-${index}`, () => result(index));
  return { done: true };
});

const long = createFunction({ id: "long", trigger: { event: "long" } }, async ({ event, step }) => {
  marks.begin();
  for (let index = 0; index < event.data.steps; index++) {
    await step.run(`step-${index}`, () => {
      marks.mark();
      return result(index);
    });
  }
});

const heed = createFunction({ id: "heed", trigger: { event: "bench.happened" } }, async () => {
  firstLineNs = nowNs();
  heard?.();
});

const methods = {
  async serve({ url, key, signingKey }: { url: string; key: string; signingKey: string }): Promise<void> {
    const functions = [ten, long, heed];
    const server = createServer(workflowListener({ functions, signingKey, sync: false }));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const rotor = new Rotor({ url, apiKey: key });
    await syncWorkflows({ functions, rotor, serveUrl: `http://127.0.0.1:${port}/api/rotor` });
  },
  async perStepMs({ from, to }: { from: number; to: number }): Promise<number> {
    return marks.perStepMs(from, to);
  },
  /** Answers when the next event has been heard: its time on the machine's clock, in ns. */
  async nextEvent(): Promise<string> {
    await new Promise<void>((resolve) => {
      heard = resolve;
    });
    return String(firstLineNs);
  },
};
export type App = typeof methods;

answer(methods);
