import { spec } from './file/store.ts'
import { openKafka, openSource, takeAll } from './kafkaOpen.ts'

/**
 * Takes some of a queue, says how many of its owners have ended before, and holds them. Told that it
 * has lost them, it says so, and what settling them is answered.
 */
const [url = '', name = '', count = '1'] = process.argv.slice(2)
const session = await openKafka(url)
const opened = await openSource(session, spec({ name }), { reader: `holder-${process.pid}` })
const held = await takeAll(opened, Number(count))
process.send?.(held[0]?.crashes)
const settle = async () =>
  await opened.source.settle(
    held.map(({ token }) => ({ token, kind: 'ack' as const })),
    new AbortController().signal,
  )
const looking = setInterval(async () => {
  const [loss] = opened.lost
  if (loss === undefined) return
  clearInterval(looking)
  process.send?.({ lost: [loss.why, loss.tokens.length], said: await settle() })
}, 50)
