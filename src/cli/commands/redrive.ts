import type { ChannelRef } from '../../core/channel.ts'
import type { Bus } from '../../runtime/api.ts'
import { connectTo, existingChannel } from '../connection.ts'
import { askYes, isDryRun } from '../consent.ts'
import { type Chosen, chooseDead, deadChoice } from '../dead/choose.ts'
import { existingGroup } from '../groups/find.ts'
import type { Invocation, Run } from '../invocation.ts'
import { harmless } from '../output/displayWidth.ts'
import { makeProgress } from '../output/progress.ts'
import { countOf, showCount, showTime } from '../output/quantities.ts'

const rateDefault = 50

/** `dead redrive CHANNEL`: back to where they died, in order, at a rate. */
export const redrive: Run = async (invocation) => {
  const { flags, output, args } = invocation
  const rate = flags.whole('rate', { min: 1 }) ?? rateDefault
  const choice = deadChoice(invocation)
  await using connected = await connectTo(invocation, { look: true })
  const channel = await existingChannel(invocation, connected, args[0] as string)
  if (choice.group !== null) await existingGroup(connected.bus, channel, choice.group)
  const chosen = await chooseDead(choice, connected.bus, channel)
  const count = showCount(chosen.refs.length)
  if (invocation.dryRun && !output.isJson)
    for (const line of summary(invocation, channel, chosen)) output.note(line)
  const would = `would move ${count} to ${channel.name} (where they came from), at most ${rate}/s, attempts reset to 0`
  const fields = { channel: channel.name, chosen: chosen.refs.length }
  if (await isDryRun(invocation, would, { ...fields, redriven: 0, failed: 0 })) return
  if (chosen.refs.length > 0) {
    await askYes(
      invocation,
      `Deliver ${countOf(chosen.refs.length, 'dead message')} again to ${channel.name}?`,
    )
  }
  const { redriven, failed } = await redriveAll(
    invocation,
    connected.bus,
    channel,
    chosen.refs,
    rate,
  )
  const redrives = chosen.causes.redrivesMax + 1
  await output.answer({
    type: 'dead.redrive',
    fields: { ...fields, redriven, failed },
    lines: () => [
      `redriven ${showCount(redriven)}/${count}   failed ${showCount(failed)}${chosen.refs.length > 0 ? `   redrive count ${redrives}` : ''}`,
    ],
  })
  if (redriven > 0) {
    output.next(
      `narrowcast dead ls ${channel.name} --where 'redrives > 0'   (lists any that die again)`,
    )
  }
  return failed > 0 ? 1 : 0
}

function summary({ output, clock }: Invocation, channel: ChannelRef, chosen: Chosen): string[] {
  const last = (ms: number) => showTime(ms, clock.wallMs(), output.utc).replace(/\.\d+$/, '')
  return [
    `${showCount(chosen.refs.length)} dead in ${channel.name}`,
    ...chosen.causes.list.map(
      ({ count, reason, lastMs }) =>
        `  ${showCount(count)}  ${harmless(reason)}   last ${last(lastMs)}`,
    ),
  ]
}

/** Sends them back in small batches, so that the rate holds and Ctrl-C ends between two. */
async function redriveAll(
  { output, clock, interrupts, live }: Invocation,
  bus: Bus,
  channel: ChannelRef,
  all: readonly string[],
  rate: number,
): Promise<{ redriven: number; failed: number }> {
  const stopping = interrupts.claim()
  const batchSize = Math.max(1, Math.min(500, Math.floor(rate / 5)))
  const progress = makeProgress(output, 'redriving', all.length, { live })
  const beganMs = clock.monotonicMs()
  let redriven = 0
  let failed = 0
  for (let at = 0; at < all.length && !stopping.aborted; at += batchSize) {
    const waitMs = beganMs + (at / rate) * 1_000 - clock.monotonicMs()
    if (waitMs > 0) await clock.sleep(waitMs, stopping)
    if (stopping.aborted) break
    const refs = all.slice(at, at + batchSize)
    for (const outcome of await bus.admin.redrive(channel, refs, null)) {
      if (outcome.state === 'stored') redriven++
      else {
        failed++
        output.warn(`not redriven: ${outcome.code} ${outcome.message}`)
      }
    }
    progress.update(redriven + failed)
  }
  progress.end()
  return { redriven, failed }
}
