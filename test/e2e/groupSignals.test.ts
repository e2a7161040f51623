import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { echoMs } from '../../src/cli/echoes.ts'
import { cliWorld, type World } from './cliRun.ts'

/** A run by the guard, under load, in a process group of both. */
async function runUnderLoad(world: World) {
  const words = ['lab', 'run', 'calm', '--on', 'memory', '--rate', '50']
  const running = world.start(words, { isGuarded: true })
  const { child, ended } = running
  const toGroup = (signal: NodeJS.Signals) => process.kill(-(child.pid as number), signal)
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) toGroup('SIGKILL')
  })
  await running.shows('under load')
  const toBoth = (signal: NodeJS.Signals) => {
    toGroup(signal)
    child.kill(signal) // npm has got it too, and passes it on to the guard
  }
  return { child, ended, shows: running.shows, toGroup, toBoth }
}

describe.skipIf(process.platform === 'win32')('a run that npm has started', () => {
  it('drains and reports when its group gets SIGTERM', async () => {
    using world = cliWorld()
    const { ended, toBoth } = await runUnderLoad(world)
    toBoth('SIGTERM')
    const { code, stdout } = await ended
    expect([code, stdout]).toEqual([143, expect.stringMatching(/^INCONCLUSIVE/m)])
  })

  it('drains at the first Ctrl-C, and ends at once at the second', async () => {
    using world = cliWorld()
    const { child, ended, shows, toGroup, toBoth } = await runUnderLoad(world)
    toBoth('SIGINT')
    await shows('listening for what comes')
    const pressing = setInterval(toGroup, 2 * echoMs, 'SIGINT')
    await once(child, 'exit').finally(() => clearInterval(pressing))
    const { code, stdout } = await ended
    expect([code, stdout]).toEqual([130, ''])
  })
})
