/**
 * Effects: what a machine decides, as data. A machine names its effects as xstate actions; the host performs them.
 *
 * K1  A machine does no I/O, reads no clock and makes no ids: times and ids come in with events.
 * K2  Every effect is a name with plain parameters; its result comes back as an event.
 * K3  An event that a state does not act on is ignored on purpose, with a reason that is counted.
 */

/** A decision of a machine: something the host is to do. */
export interface Effect {
  readonly type: string;
  readonly params: unknown;
}

/** The machine looked at an event and decided that nothing follows from it. */
export interface IgnoredEffect {
  readonly type: 'ignored';
  readonly params: { readonly reason: IgnoreReason };
}

/**
 * `late`: it was overtaken by something that happened since; `duplicate`: it was seen before; `stale`: it speaks of an
 * earlier attempt, timer or round; `moot`: nothing is left to do for it.
 */
export type IgnoreReason = 'late' | 'duplicate' | 'stale' | 'moot';

type EffectActions<E extends Effect> = {
  readonly [T in E['type']]: (args: unknown, params: Extract<E, { readonly type: T }>['params']) => void;
};

const noAction = (): void => undefined;

/**
 * The `actions` of a machine's `setup`: one entry per effect, typed by its parameters. `names` must be complete, so that an
 * effect that is declared but not registered does not compile.
 *
 * ```ts
 * type DoorEffect = { type: 'ring'; params: { times: number } } | IgnoredEffect;
 * setup({ types: {} as { … }, actions: effects<DoorEffect>({ ring: true, ignored: true }) })
 * ```
 */
export function effects<E extends Effect>(names: { readonly [T in E['type']]: true }): EffectActions<E> {
  const actions: Record<string, () => void> = {};
  for (const name of Object.keys(names)) actions[name] = noAction;
  return actions as unknown as EffectActions<E>;
}

/** A transition that does nothing, on purpose. */
export function ignored(reason: IgnoreReason): {
  readonly actions: { readonly type: 'ignored'; readonly params: { readonly reason: IgnoreReason } };
} {
  return { actions: { type: 'ignored', params: { reason } } };
}
