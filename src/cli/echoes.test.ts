import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { echoMs, withoutEchoes } from './echoes.ts'

const signal = 'SIGUSR2'

it.skipIf(process.platform === 'win32')(
  'a signal that is passed on while the process is busy counts no more; a later one does',
  async () => {
    let acts = 0
    const hear = withoutEchoes<typeof signal>(() => {
      if (++acts > 1) return
      process.kill(process.pid, signal)
      for (const untilMs = performance.now() + 2 * echoMs; performance.now() < untilMs; );
      process.kill(process.pid, 'SIGWINCH')
    })
    process.on(signal, hear)
    onTestFinished(() => void process.off(signal, hear))
    const after = once(process, 'SIGWINCH')
    process.kill(process.pid, signal)
    await after
    expect(acts).toBe(1)
    const again = () => {
      process.kill(process.pid, signal)
      return acts
    }
    await expect.poll(again, { interval: 2 * echoMs }).toBe(2)
  },
)
