// graphile-worker, as it comes and with the batching its documentation recommends, in a process of its own.

import { Logger, makeWorkerUtils, type Runner, run } from "graphile-worker";
import { answer } from "../harness/child.ts";
import { payload } from "../harness/payload.ts";
import { openPost } from "./post.ts";

export type Where = { url: string; batched: boolean };

const logger = new Logger(() => () => {});
const batchSize = 500;
const batching = { localQueue: { size: 500 }, completeJobBatchDelay: 0 };

const methods = {
  async fill({ where, count }: { where: Where; count: number }): Promise<void> {
    const utils = await makeWorkerUtils({ connectionString: where.url, logger });
    await utils.migrate();
    for (let left = count; left > 0; left -= batchSize) {
      const size = Math.min(batchSize, left);
      await utils.addJobs(Array.from({ length: size }, () => ({ identifier: "job", payload: payload() })));
    }
    await utils.release();
  },
  /** Works until nothing is left: each job is a POST to the receiver. */
  async drain({ where, url, count }: { where: Where; url: string; count: number }): Promise<void> {
    const client = openPost(url, 32);
    let left = count;
    let runner: Runner | undefined;
    await new Promise<void>((resolve, reject) => {
      const job = async (data: unknown) => {
        await client.post(JSON.stringify(data));
        if (--left === 0) resolve();
      };
      const preset = { worker: { concurrentJobs: 32, ...(where.batched && batching) } };
      run({
        connectionString: where.url,
        taskList: { job },
        concurrency: 32,
        maxPoolSize: 10,
        logger,
        preset,
      })
        .then((started) => {
          runner = started;
        })
        .catch(reject);
    });
    await runner?.stop();
    await client.close();
  },
};
export type Graphile = typeof methods;
answer(methods);
