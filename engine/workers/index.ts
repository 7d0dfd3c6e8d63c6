// Everything a working process does beside answering requests.

import type { Services } from "../handler.ts";
import { createDispatcher } from "./dispatcher.ts";
import { type Loop, startHousekeeping } from "./housekeeping.ts";
import { startTimers } from "./timers.ts";

export function startWorkers(services: Services): Loop {
  const dispatcher = createDispatcher(services, services.outbound);
  services.onWake(dispatcher.wake);
  services.broker.onWake(services.wake);
  const housekeeping = startHousekeeping(services);
  const timers = startTimers(services);
  return {
    async stop() {
      await Promise.all([housekeeping.stop(), timers.stop(), dispatcher.stop()]);
    },
  };
}
