import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Invalid } from './serverPlace.ts'

/** Paths of PEM files: who signs the server's certificate; our own, and its key. */
export interface TlsFiles {
  readonly ca: string | null
  readonly cert: string | null
  readonly key: string | null
}

/** The URL options that name them. */
export const tlsOptions = ['ca', 'cert', 'key'] as const

/** Of the options of a URL; null for one without TLS. @throws what `invalid` makes */
export function tlsOf(
  options: ReadonlyMap<string, string>,
  { isTls, tlsScheme, invalid }: { isTls: boolean; tlsScheme: string; invalid: Invalid },
): TlsFiles | null {
  const [ca = null, cert = null, key = null] = tlsOptions.map((name) => options.get(name) ?? null)
  const files = { ca, cert, key }
  if ((cert === null) !== (key === null)) {
    throw invalid('URL options cert and key belong together: give both or none')
  }
  if (isTls) return files
  const given = Object.entries(files).find(([, path]) => path !== null)
  if (given) {
    throw invalid(`URL option ${given[0]} is for TLS`, `With TLS the URL is ${tlsScheme}://.`)
  }
  return null
}

/**
 * What `node:tls` is given: read anew at every opening, so that a renewed certificate is used.
 * @throws what `invalid` makes
 */
export async function readTls(
  files: TlsFiles | null,
  invalid: Invalid,
): Promise<Record<string, Buffer> | null> {
  if (files === null) return null
  const read: Record<string, Buffer> = {}
  for (const [name, path] of Object.entries(files) as [string, string | null][]) {
    if (path === null) continue
    try {
      read[name] = await readFile(path)
    } catch (cause) {
      throw invalid(`URL option ${name}: cannot read ${path}: ${(cause as Error).message}`)
    }
  }
  try {
    createSecureContext(read) // else it would be told as a server that cannot be reached
  } catch (cause) {
    const names = Object.keys(read).join(', ')
    throw invalid(
      `the files of URL options ${names} are of no use to TLS: ${(cause as Error).message}`,
      'They are PEM files, and the key belongs to the certificate.',
    )
  }
  return read
}
