/** What both forms of the keyed count call. */
export interface Visit {
  readonly page: string;
  readonly visits: number;
}

export const pagesMax = 10_000;
const pages = Array.from({ length: pagesMax }, (_, page) => `/articles/${page}`);
/** Prime, so that neighbours in the sequence are strangers in the table. */
const stride = 7_919;

export const makeVisit = (n: number): Visit => ({ page: pages[(n * stride) % pagesMax] as string, visits: 1 });
