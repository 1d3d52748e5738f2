/** Days, hours and minutes of UTC. */
const dayMs = 86_400_000;
const hourMs = 3_600_000;
const minuteMs = 60_000;

const two = (value: number): string => (value < 10 ? `0${value}` : String(value));

/** Days since 1970-01-01. */
export const dayOf = (ms: number): number => Math.floor(ms / dayMs);

/** From 0 to 23. */
export const hourOf = (ms: number): number => Math.floor((ms - dayOf(ms) * dayMs) / hourMs);

/** `YYYY-MM-DD` of a number of days since 1970-01-01. */
export const dayText = (day: number): string => new Date(day * dayMs).toISOString().slice(0, 10);

/** Minutes since midnight. */
export const minuteOf = (ms: number): number => Math.floor((ms - dayOf(ms) * dayMs) / minuteMs);

/** `HH:mm` of minutes since midnight. */
export const minuteText = (minute: number): string => `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
