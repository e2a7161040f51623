import { onTestFinished } from 'vitest'
import type { NarrowcastError } from '../../src/core/errors.ts'
import { parseBrokerUrl } from '../../src/core/url.ts'
import { readTls } from '../../src/drivers/_shared/tlsFiles.ts'
import { invalid, targetOf } from '../../src/drivers/redis/options.ts'
import { openServers, type Servers } from '../../src/drivers/redis/servers.ts'

export interface OpenedServers extends Servers {
  /** Resolves with what ended it. */
  readonly lost: Promise<NarrowcastError>
}

/** What is behind a URL, below the session; closed with the test. */
export async function openUrl(url: string, limitMs = 20_000): Promise<OpenedServers> {
  const { tls, ...target } = targetOf(parseBrokerUrl(url))
  const lost = Promise.withResolvers<NarrowcastError>()
  const options = { ...target, tls: await readTls(tls, invalid) }
  const servers = await openServers(options, lost.resolve, AbortSignal.timeout(limitMs))
  onTestFinished(() => servers.close())
  return { ...servers, lost: lost.promise }
}
