/** The text where it has at most `charactersMax` characters; else its beginning with an ellipsis, exactly so long or one less. */
export function shortened(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const start = text.slice(0, charactersMax - 1);
  // Half of a character outside the basic plane cannot be encoded.
  return `${start.replace(/[\uD800-\uDBFF]$/u, '')}…`;
}
