// What can be read as a resource by its address: the thing itself, as its operation answers it.

/** Where the values of a template's variable, or of an argument, are found. */
export type Names = {
  /** `noun.verb` of a list. */
  operation: string;
  /** Field of an entry. */
  field: string;
};

export type Resource = {
  name: string;
  title: string;
  uri: `rotor://${string}/{${string}}`;
  description: string;
  /** `noun.verb` of the operation that answers it; the template's variable is its input. */
  read: string;
  names: Names;
};

export const names = {
  workflow: { operation: "functions.list", field: "id" },
  run: { operation: "runs.list", field: "id" },
  queue: { operation: "queues.list", field: "name" },
} satisfies Record<string, Names>;

export const resources = [
  {
    name: "workflow",
    title: "Workflow",
    uri: "rotor://workflows/{id}",
    description: "One registered workflow: trigger, serve URL, version.",
    read: "functions.get",
    names: names.workflow,
  },
  {
    name: "queue",
    title: "Queue",
    uri: "rotor://queues/{name}",
    description: "One queue: settings, and how many of its jobs are in each state.",
    read: "queues.get",
    names: names.queue,
  },
  {
    name: "run",
    title: "Run",
    uri: "rotor://runs/{id}",
    description: "One workflow run: status, input, output, error, steps.",
    read: "runs.get",
    names: names.run,
  },
] as const satisfies readonly Resource[];
