import { setTimeout as pause } from 'node:timers/promises'
import { connect } from '../../connect.ts'
import { asNarrowcastError } from '../../core/errors.ts'
import type { Bus } from '../../runtime/api.ts'
import { serveParent } from '../children/child.ts'
import { type GameHost, openGameHost } from './gameHost.ts'
import type { ServerEvent, ServerJob } from './serverJob.ts'

const tellEveryMs = 1_000
const startAgainMs = 1_000

interface Opened {
  readonly bus: Bus
  readonly host: GameHost
}

async function open({ url, config, server }: ServerJob, name: string): Promise<Opened> {
  const bus = await connect(url, { config, name })
  try {
    return { bus, host: await openGameHost({ bus, url, server }) }
  } catch (error) {
    await bus.close()
    throw error
  }
}

/** Where the others serve on, this one does not give up. */
async function openAgain(job: ServerJob, name: string, say: (text: string) => void) {
  for (;;) {
    try {
      return await open(job, name)
    } catch (error) {
      const { message, retryable } = asNarrowcastError(error)
      if (!job.isAgain || !retryable) throw error
      say(`cannot start yet: ${message}`)
      await pause(startAgainMs)
    }
  }
}

/** One of several server processes on one port and one state. */
serveParent<ServerJob, ServerEvent>(async (job, name, tell) => {
  const say = (text: string) => void tell({ kind: 'said', text })
  const { bus, host } = await openAgain(job, name, say)
  const { game } = host
  game.on('error', ({ message }) => say(`error ${message}`))
  game.on('state', ({ text }) => say(text))
  let told = ''
  const timer = setInterval(() => {
    const stats = game.stats()
    const text = JSON.stringify(stats)
    if (text !== told) void tell({ kind: 'stats', stats })
    told = text
  }, tellEveryMs)
  await tell({ kind: 'ready', url: game.url })
  return {
    async drain() {
      clearInterval(timer)
      const end = await host.close()
      await bus.close()
      await tell({ kind: 'ended', ...end })
    },
  }
})
