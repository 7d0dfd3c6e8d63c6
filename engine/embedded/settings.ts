// How the embedded server is tuned. Given on its command line at each start, so a new release can change them.

export type Durability = "durable" | "throwaway";

export function serverSettings(port: number, durability: Durability): Record<string, string> {
  return {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: "",
    max_connections: "200",
    shared_buffers: "256MB",
    wal_buffers: "16MB",
    max_wal_size: "2GB",
    checkpoint_timeout: "15min",
    random_page_cost: "1.1",
    jit: "off",
    // Queue tables turn over quickly: look for dead rows often, and do not pause while removing them.
    autovacuum_naptime: "15s",
    autovacuum_vacuum_cost_delay: "0",
    // Parallel plans need /dev/shm, which is 64 MB in a default container.
    max_parallel_workers_per_gather: "0",
    max_parallel_maintenance_workers: "0",
    // Only what the server itself has to say: failed statements quote the data of jobs.
    log_min_messages: "log",
    log_checkpoints: "off",
    log_timezone: "UTC",
    timezone: "UTC",
    ...(durability === "throwaway" && { fsync: "off", full_page_writes: "off" }),
  };
}

export const initdbArguments = [
  "--username=rotor",
  "--auth=scram-sha-256",
  "--encoding=UTF8",
  "--locale=C",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
  "--no-instructions",
];
