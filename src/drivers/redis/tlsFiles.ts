import { readFile } from 'node:fs/promises'
import type { TlsFiles } from './options.ts'
import { redisError } from './redisErrors.ts'

/** What `node:tls` is given: read anew at every opening, so that a renewed certificate is used. */
export async function readTls(files: TlsFiles | null): Promise<Record<string, Buffer> | null> {
  if (files === null) return null
  const read: Record<string, Buffer> = {}
  for (const [name, path] of Object.entries(files) as [string, string | null][]) {
    if (path === null) continue
    try {
      read[name] = await readFile(path)
    } catch (cause) {
      const text = `URL option ${name}: cannot read ${path}: ${(cause as Error).message}`
      throw redisError('INVALID_CONFIG', 'connect', text, { cause })
    }
  }
  return read
}
