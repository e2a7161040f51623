import type { ChannelRef } from '../../core/channel.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { connectTo, openChannel } from '../connection.ts'
import { isDryRun } from '../consent.ts'
import type { Invocation, Run } from '../invocation.ts'
import { dedupeWish } from '../publishing/dedupe.ts'

/** `channels create CHANNEL` */
export const create: Run = async (invocation) => {
  const wish = dedupeWish(invocation.flags)
  const name = invocation.args[0] as string
  if (invocation.dryRun) {
    const found = await foundWithoutMaking(invocation, name)
    const would = found ? `exists as a ${found.pattern}` : 'would be made'
    await isDryRun(invocation, `${name} ${would}`)
    return
  }
  await using connected = await connectTo(invocation, { look: false })
  const found = await connected.bus.admin.find(name)
  const { pattern } = await openChannel(quietly(invocation), connected, name, wish)
  await invocation.output.answer({
    type: 'channels.create',
    fields: { channel: name, pattern, created: found === null },
    lines: () => [`${name}  ${pattern}  ${found ? 'exists' : 'created'}`],
  })
}

/** The channel; null also where there is no store yet that could hold it. */
async function foundWithoutMaking(
  invocation: Invocation,
  name: string,
): Promise<ChannelRef | null> {
  try {
    await using connected = await connectTo(invocation, { look: true })
    return await connected.bus.admin.find(name)
  } catch (error) {
    if (error instanceof NarrowcastError && error.code === 'NOT_FOUND') return null
    throw error
  }
}

/** The answer already says that the channel is new. */
function quietly(invocation: Invocation): Invocation {
  return { ...invocation, output: { ...invocation.output, note: () => {} } }
}
