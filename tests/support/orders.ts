/** Records that tests of sources write into streams and read back. */
import type { Cluster, Redis } from 'ioredis';

export interface Order {
  readonly id: number;
}

/** Orders with ids from `from` up to, but not, `to`. */
export const orders = (from: number, to: number): Order[] => Array.from({ length: to - from }, (_, index) => ({ id: from + index }));

/** Adds these orders to a Redis stream, as JSON in the field `json`; returns the ids of the entries. */
export async function addOrders(redis: Redis | Cluster, stream: string, from: number, to: number): Promise<string[]> {
  const pipeline = redis.pipeline();
  for (const order of orders(from, to)) pipeline.xadd(stream, '*', 'kind', 'order', 'json', JSON.stringify(order));
  return ((await pipeline.exec()) ?? []).map(([error, id]) => {
    if (error !== null) throw error;
    return String(id);
  });
}
