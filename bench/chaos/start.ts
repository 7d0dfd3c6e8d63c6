// `npm run chaos -- --of runs --seconds 60 --seed 1`: jobs unless told otherwise.

import { readArguments } from "./arguments.ts";

if (readArguments().of === "jobs") await import("./main.ts");
else await import("./runs/main.ts");
