import type { ChannelSpec, ReaderSpec } from '../../../core/channel.ts'
import type { SourceEvents } from '../../../core/driver.ts'
import type { Engine } from '../engine.ts'
import { helperKey } from '../keys.ts'
import { redisMarks } from '../marks.ts'
import type { Context } from '../session.ts'
import { streamAdmin } from './admin.ts'
import { declaredOf } from './declared.ts'
import { groupName, isQueue } from './keys.ts'
import { lineOf } from './line.ts'
import { heldAgain, open } from './open.ts'
import { beginningOf } from './places.ts'
import { StreamPublisher } from './publisher.ts'
import { StreamSource } from './source.ts'

/** Streams with consumer groups, and queues as streams with one group whose settled entries go. */
export function streamEngine(context: Context): Engine {
  const sources = new Set<StreamSource>()
  return {
    publisher: async (channel) =>
      new StreamPublisher(context, channel, await declaredOf(context, channel)),
    async source(channel, reader, on) {
      const source = await openSource(context, channel, reader, on, (closed) => {
        sources.delete(closed)
        context.opened.delete(closed)
      })
      for (const before of sources) if (before.isOf(channel, reader)) await before.replaced()
      sources.add(source)
      context.opened.add(source)
      await source.listen()
      return source
    },
    marks: ({ name }, group) =>
      redisMarks(context.home(name), (id) => helperKey(name, `seen:${groupName(group)}:${id}`)),
    admin: streamAdmin(context),
  }
}

async function openSource(
  context: Context,
  channel: ChannelSpec,
  spec: ReaderSpec,
  on: SourceEvents,
  closed: (source: StreamSource) => void,
): Promise<StreamSource> {
  const line = lineOf(context, channel.name, groupName(spec.group))
  const { holding } = spec
  const above = Math.max(0, ...holding.map(({ serial }) => serial))
  const from = isQueue(channel) ? 'first' : spec.from
  const beginning = () => beginningOf(context, channel.name, from)
  const declared = await declaredOf(context, channel)
  const opened = await open(line, channel, spec, holding, above, beginning)
  const held = await heldAgain(line, opened)
  return new StreamSource({ context, channel, line, spec, on, opened, held, declared, closed })
}
