/** What a job may carry, as JSON text. */
export const payloadLimitBytes = 512 * 1024;
