/**
 * Colours for one stream: on a terminal, or where FORCE_COLOR asks for them; NO_COLOR wins. A `CI` variable alone changes
 * nothing, because whatever reads a pipe there matches plain words.
 */
import pc from 'picocolors';

export type Colours = Pick<ReturnType<typeof pc.createColors>, 'green' | 'red' | 'yellow'>;

/** A stream as far as colours care. */
export type ColourTarget = Pick<NodeJS.WriteStream, 'isTTY'>;

/** Whether text for `stream` may carry colours. */
export function wantsColours(stream: ColourTarget, env: NodeJS.ProcessEnv = process.env): boolean {
  if ((env.NO_COLOR ?? '') !== '') return false;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return stream.isTTY === true && env.TERM !== 'dumb';
}

/** The colours of `stream`; each is the identity where it takes none. */
export const coloursFor = (stream: ColourTarget, env: NodeJS.ProcessEnv = process.env): Colours =>
  pc.createColors(wantsColours(stream, env));
