/** A line that can do nothing to a terminal, whatever a file has brought here. */
export function plain(line: string): string {
  return line.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]/gu, '\uFFFD')
}
