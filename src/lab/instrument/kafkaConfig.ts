import { commonOptions, parseBrokerUrl } from '../../core/url.ts'
import { Cluster } from '../../drivers/kafka/cluster/cluster.ts'
import { targetOf } from '../../drivers/kafka/options.ts'
import { type Config, joined } from './withoutSecrets.ts'

const ofNodes = 4

/**
 * All settings in force of every node: `a | b` where they differ. A secret is told to nobody, and is
 * empty here. Null where whoever asks may not know.
 */
export async function kafkaConfig(url: string, signal: AbortSignal): Promise<Config | null> {
  const parsed = parseBrokerUrl(url)
  const own = [...parsed.options].filter(
    ([name]) => !(commonOptions as readonly string[]).includes(name),
  )
  const cluster = await Cluster.open(targetOf({ ...parsed, options: new Map(own) }), signal)
  try {
    const configs: Config[] = []
    for (const node of cluster.nodes.keys()) {
      const link = await cluster.link(node) // each knows its own alone
      const asked = [{ resourceType: ofNodes, resourceName: String(node), configurationKeys: null }]
      const { results } = await link.call('describeConfigs', asked, false, false)
      const [found] = results
      if (found === undefined || found.errorCode !== 0) return null
      configs.push(Object.fromEntries(found.configs.map(({ name, value }) => [name, value ?? ''])))
    }
    return joined(configs)
  } finally {
    await cluster.close()
  }
}
