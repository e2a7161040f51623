/** A text that Markdown takes for nothing but text, in a table or outside, on one line. */
export function escaped(text: string): string {
  return (
    text
      .replaceAll(/\s+/g, ' ')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll(/[\\`*_[\]|~]/g, '\\$&')
      // Neither somebody is called, nor another issue.
      .replaceAll(/(?<!\w)([@#])(?=\w)/g, '$1<!-- -->')
      .trim()
      .replace(/^[-+#=]/, '\\$&')
      .replace(/^(\d+)(?=[.)] )/, '$1\\')
  )
}

/** A block that is shown as it is, whatever it contains. */
export function code(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length))
  const fence = '`'.repeat(Math.max(3, longest + 1))
  return `${fence}\n${text}\n${fence}`
}

export function table(names: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`
  return [line(names), `|${names.map(() => ' --- |').join('')}`, ...rows.map(line)].join('\n')
}
