/** What every form of the keyed count calls. */
export interface Visit {
  readonly page: string;
  readonly visits: number;
}

/** The same with what a server would write down beside: about 200 bytes. */
export interface WideVisit extends Visit {
  readonly user: string;
  readonly referrer: string;
  readonly agent: string;
  readonly country: string;
  readonly at: number;
  readonly durationMs: number;
}

export const pagesMax = 10_000;
const pages = Array.from({ length: pagesMax }, (_, page) => `/articles/${page}`);
const news = Array.from({ length: pagesMax }, (_, page) => `/news/${page}`);
const users = Array.from({ length: 5_000 }, (_, user) => `user-${user.toString(36).padStart(12, '0')}`);
const referrers = Array.from({ length: 500 }, (_, at) => `https://www.example.org/search?query=${at.toString(36).padStart(8, 'q')}`);
const agents = Array.from(
  { length: 40 },
  (_, at) => `Mozilla/5.0 (X11; Linux x86_64; rv:${100 + at}.0) Gecko/20100101 Firefox/${100 + at}.0`,
);
const countries = ['AT', 'BR', 'CH', 'DE', 'FR', 'IN', 'JP', 'US'];
const startAt = 1_700_000_000_000;
/** Prime, so that neighbours in the sequence are strangers in the table. */
const stride = 7_919;
const otherStride = 7_907;

export const makeVisit = (n: number): Visit => ({ page: pages[(n * stride) % pagesMax] as string, visits: 1 });

/** Of other pages, in another order: for a second input. */
export const makeNewsVisit = (n: number): Visit => ({ page: news[(n * otherStride) % pagesMax] as string, visits: 1 });

export const lengthOf = ({ page, visits }: Visit): number => page.length + visits;

export const makeWideVisit = (n: number): WideVisit => ({
  page: pages[(n * stride) % pagesMax] as string,
  visits: 1,
  user: users[(n * stride) % 5_000] as string,
  referrer: referrers[n % 500] as string,
  agent: agents[n % 40] as string,
  country: countries[n & 7] as string,
  at: startAt + n,
  durationMs: (n * 31) % 60_000,
});

/** What a latency is measured with: `due` is when the record was to be made, in milliseconds of the machine's clock. */
export interface TimedVisit extends Visit {
  readonly due: number;
}

export const makeTimedVisit = (n: number, due: number): TimedVisit => ({ page: pages[(n * stride) % pagesMax] as string, visits: 1, due });

/** Kinds of records, by name. */
export const makers = { narrow: makeVisit, wide: makeWideVisit } as const;
export type VisitKind = keyof typeof makers;
