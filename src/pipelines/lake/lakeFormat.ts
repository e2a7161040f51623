import { NarrowcastError } from '../../core/errors.ts'

/** The number in `_lake.json`. */
export const lakeFormat = 1

/** Looks at the text of `_lake.json`, which lies at `path`. @throws STORE_UNUSABLE */
export function checkLakeFormat(path: string, text: string): void {
  const format = formatOf(text)
  if (format === lakeFormat) return
  const found = format ?? JSON.stringify(text.slice(0, 60))
  throw new NarrowcastError(
    'STORE_UNUSABLE',
    `${path}: expected format ${lakeFormat}, found ${found}`,
    {
      hint: 'A newer narrowcast made this folder, or the file was changed by hand.\nWithout the file, the next narrowcast ingest with this --dir writes it anew.',
    },
  )
}

function formatOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { format?: unknown } | null)?.format
  } catch {
    return undefined // no JSON: the caller shows the text
  }
}
