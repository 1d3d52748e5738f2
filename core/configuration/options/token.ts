/** What may stand in a subject of NATS and in a key of Redis as one word. */
export const token = { pattern: /^[A-Za-z0-9_-]{1,128}$/, expected: '1 to 128 letters, digits, "-" or "_"' };
