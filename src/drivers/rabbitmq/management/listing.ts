import type { Admin, ChannelInfo } from '../../../core/admin.ts'
import { exchangePatterns } from '../declarations.ts'
import { archiveName, deadName } from '../layout.ts'
import { checkPage } from '../page.ts'
import type { Management, Named } from './management.ts'

/** The channels of a vhost, by the names and arguments of what they consist of. */
export function listing(
  management: Management,
  checkOpen: (operation: string) => void,
): Pick<Admin, 'channels'> {
  return {
    async channels(query, signal) {
      checkOpen('channels')
      checkPage(query)
      const { cursor, limit, newestFirst, prefix } = query
      const [queues, exchanges] = await Promise.all([
        management.list('queues', ['arguments'], signal),
        management.list('exchanges', ['type'], signal),
      ])
      const all = channelsOf(queues, exchanges)
        .filter(({ name }) => name.startsWith(prefix))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
      if (newestFirst) all.reverse()
      const isAfter = (name: string) =>
        cursor === null || (newestFirst ? name < cursor : name > cursor)
      const rest = all.filter(({ name }) => isAfter(name))
      const items = rest.slice(0, limit)
      return { items, cursor: rest.length > limit ? (items.at(-1)?.name ?? null) : null }
    },
  }
}

function channelsOf(queues: readonly Named[], exchanges: readonly Named[]): ChannelInfo[] {
  const names = new Set(queues.map(({ name }) => name))
  const kept = queues.filter(isOurs).map(({ name }) => ({ name, pattern: 'queue' }) as const)
  const others = exchanges.flatMap(({ name, type }): ChannelInfo[] => {
    const pattern = exchangePatterns[String(type)]
    // Other programs have exchanges too: a stream has an archive beside it.
    return pattern === 'stream' && names.has(archiveName(name)) ? [{ name, pattern }] : []
  })
  return [...kept, ...others]
}

/** Where its dead go tells a queue of ours from those of other programs. */
function isOurs({ name, arguments: given }: Named): boolean {
  const said = (given ?? {}) as Readonly<Record<string, unknown>>
  return said['x-queue-type'] === 'quorum' && said['x-dead-letter-routing-key'] === deadName(name)
}
