/** Deals things out so that nobody has two more than another, as far as what they have already allows. */

/**
 * Each item to the one with the smallest load, the first of these where several have it; `loads` is what each has already.
 * Costs items × receivers: for what is dealt out when a job starts.
 */
export function dealToLeastLoaded<Item, Receiver>(
  items: readonly Item[],
  loads: ReadonlyMap<Receiver, number>,
): ReadonlyMap<Receiver, Item[]> {
  const dealt = new Map<Receiver, Item[]>([...loads.keys()].map((receiver) => [receiver, []]));
  for (const item of items) {
    let least: { readonly share: Item[]; readonly load: number } | undefined;
    for (const [receiver, share] of dealt) {
      const load = (loads.get(receiver) ?? 0) + share.length;
      if (least === undefined || load < least.load) least = { share, load };
    }
    least?.share.push(item);
  }
  return dealt;
}
