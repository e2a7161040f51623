import { commonOptions, parseBrokerUrl } from '../../core/url.ts'
import { readTls } from '../../drivers/_shared/tlsFiles.ts'
import { invalid, targetOf } from '../../drivers/redis/options.ts'
import { repliedWith } from '../../drivers/redis/redisErrors.ts'
import { openServers } from '../../drivers/redis/servers.ts'
import { type Config, joined } from './withoutSecrets.ts'

/**
 * All settings of the primary, passwords among them. Of a cluster those of every primary:
 * `yes | no` where they differ. Null where the server does not tell them to us.
 */
export async function redisConfig(url: string, signal: AbortSignal): Promise<Config | null> {
  const parsed = parseBrokerUrl(url)
  const own = [...parsed.options].filter(
    ([name]) => !(commonOptions as readonly string[]).includes(name),
  )
  const { tls, ...target } = targetOf({ ...parsed, options: new Map(own) })
  const options = { ...target, tls: await readTls(tls, invalid) }
  const servers = await openServers(options, () => {}, signal) // what is lost rejects the call
  try {
    const primaries = await servers.primaries()
    const asked = primaries.map((one) => one.send<Config>(['CONFIG', 'GET', '*'], 'config'))
    return joined(await Promise.all(asked))
  } catch (error) {
    // A managed server has no CONFIG, or not for us. Anything else is trouble.
    if (!['NOPERM', 'ERR'].includes(repliedWith(error) ?? '')) throw error
    return null
  } finally {
    servers.close()
  }
}
