// Everything a working process does beside answering requests.

import type { Services } from "../handler.ts";
import { createDispatcher } from "./dispatcher.ts";
import { type Loop, startHousekeeping } from "./housekeeping.ts";
import { startRunDriver } from "./run-driver.ts";
import { startTimers } from "./timers.ts";

export function startWorkers(services: Services, checkpointUrl?: string): Loop {
  const dispatcher = createDispatcher(services, services.outbound);
  services.onWake(dispatcher.wake);
  services.broker.onWake(services.wake);
  const housekeeping = startHousekeeping(services);
  const timers = startTimers(services);
  const runs = startRunDriver(services, checkpointUrl);
  return {
    async stop() {
      await Promise.all([housekeeping.stop(), timers.stop(), dispatcher.stop(), runs.stop()]);
    },
  };
}
