// An app of a Restate server, as its documentation shows it, in a process of its own.

import * as restate from "@restatedev/restate-sdk";
import { answer } from "../harness/child.ts";
import { result, tenSteps } from "../workflows/steps.ts";

// The SDK is written for Node 22; this is all that it misses on 20.
type WithResolvers = { withResolvers?: () => object };
(Promise as WithResolvers).withResolvers ??= () => {
  let settle = {};
  const promise = new Promise((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
};

const bench = restate.service({
  name: "bench",
  handlers: {
    ten: async (context: restate.Context) => {
      for (let index = 0; index < tenSteps; index++) await context.run(`step-${index}`, () => result(index));
      return { done: true };
    },
  },
});

const methods = {
  async serve({ port }: { port: number }): Promise<void> {
    await restate.serve({ services: [bench], port });
  },
};
export type RestateApp = typeof methods;

answer(methods);
