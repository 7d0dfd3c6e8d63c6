// Everything a working process does beside answering requests.

import { runsTicket } from "../broker/broker.ts";
import type { Services } from "../handler.ts";
import { createDispatcher } from "./dispatcher.ts";
import { type Loop, startHousekeeping } from "./housekeeping.ts";
import { type DriverOptions, startRunDriver } from "./run-driver.ts";
import { startScreening } from "./screening.ts";
import { startTimers } from "./timers.ts";

export function startWorkers(services: Services, options: DriverOptions): Loop {
  const dispatcher = createDispatcher(services, services.outbound);
  services.onWake(dispatcher.wake);
  services.broker.onWake((tickets) => {
    if (tickets.includes(runsTicket)) services.workflows.wake();
    services.wake(tickets.filter((ticket) => ticket !== runsTicket));
  });
  const housekeeping = startHousekeeping(services);
  const timers = startTimers(services);
  const runs = startRunDriver(services, options);
  const screening = startScreening(services);
  return {
    async stop() {
      await Promise.all([
        housekeeping.stop(),
        timers.stop(),
        dispatcher.stop(),
        runs.stop(),
        screening.stop(),
      ]);
    },
  };
}
