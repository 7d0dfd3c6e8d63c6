// DBOS as its documentation shows it: a library in the app, in a process of its own.

import { DBOS } from "@dbos-inc/dbos-sdk";
import { answer } from "../harness/child.ts";
import { elapsedMs, nowNs } from "../harness/clock.ts";
import { type Load, type Loaded, repeat } from "../harness/load.ts";
import { result, tenSteps } from "../workflows/steps.ts";

const ten = DBOS.registerWorkflow(
  async () => {
    for (let index = 0; index < tenSteps; index++) {
      await DBOS.runStep(async () => result(index), { name: `step-${index}` });
    }
    return { done: true };
  },
  { name: "ten" },
);

const methods = {
  async open({ url }: { url: string }): Promise<void> {
    DBOS.setConfig({ name: "bench", systemDatabaseUrl: url, runAdminServer: false, logLevel: "error" });
    await DBOS.launch();
  },
  async rate({ load }: { load: Load }): Promise<Loaded> {
    return repeat(load, async () => void (await ten()));
  },
  async alone({ count }: { count: number }): Promise<number[]> {
    const times: number[] = [];
    for (let index = 0; index < count; index++) {
      const began = nowNs();
      await ten();
      times.push(elapsedMs(began));
    }
    return times;
  },
};
export type Dbos = typeof methods;

answer(methods);
