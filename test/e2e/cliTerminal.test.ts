import { describe, expect, it } from 'vitest'
import { cliWorld, ndjson } from './cliRun.ts'
import { hasTerminals, onTerminal } from './terminal.ts'

const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'

describe.skipIf(!hasTerminals)('on a terminal (needs the program `script`)', () => {
  it.for([
    ['Ctrl-C', '\u0003', 130, 'draining'],
    ['q', 'q', 0, 'given back'],
  ] as const)('the live region ends in order on %s', async ([_name, key, exit, text]) => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '--ndjson'], { input: '1\n'.repeat(500) })
    const terminal = onTerminal(world, "work jobs --exec 'sleep 0.2' --workers 2")
    await terminal.shows('WORKER')
    await terminal.shows(' busy ')
    terminal.type(key)
    expect(await terminal.ended).toBe(exit)
    expect(terminal.text()).toContain(text)
    expect(terminal.text().lastIndexOf(showCursor)).toBeGreaterThan(
      terminal.text().lastIndexOf(hideCursor),
    )
    expect(terminal.text()).toContain('waiting ')
  })

  it('gives the cursor back when it crashes', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '1'])
    const terminal = onTerminal(world, 'work jobs --module nothing.mjs')
    expect(await terminal.ended).toBe(2)
    expect(terminal.text()).toContain('nothing.mjs cannot be loaded')
    expect(terminal.text().lastIndexOf(showCursor)).toBeGreaterThan(
      terminal.text().lastIndexOf(hideCursor),
    )
  })

  it('stays plain with --no-live, CI and TERM=dumb', async () => {
    using world = cliWorld()
    for (const [flags, env] of [
      ['--no-live', {}],
      ['', { CI: '1' }],
      ['', { TERM: 'dumb' }],
    ] as const) {
      await world.run(['publish', 'jobs', '1'])
      const terminal = onTerminal(world, `work jobs --exec true --until end ${flags}`, { env })
      expect(await terminal.ended).toBe(0)
      expect(terminal.text()).not.toContain(hideCursor)
      expect(terminal.text()).toContain('started w1 pid')
    }
  })

  it('asks before it changes, and takes no for an answer', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '1'])
    await world.run(['work', 'jobs', '--exec', 'exit 65', '--until', 'end'])
    for (const [answer, exit, text] of [
      ['n\n', 5, 'not confirmed; nothing was changed'],
      ['y\n', 0, 'redriven 1/1'],
    ] as const) {
      const terminal = onTerminal(world, 'dead redrive jobs')
      await terminal.shows('[y/N] ')
      terminal.type(answer)
      expect(await terminal.ended).toBe(exit)
      expect(terminal.text()).toContain(text)
    }
    const severe = onTerminal(world, 'channels rm jobs')
    await severe.shows('Type the name to go on (jobs): ')
    severe.type('job\n')
    expect(await severe.ended).toBe(5)
    expect(severe.text()).toContain('that was not the name')
  })

  it('prints one Next line there, and nowhere else', async () => {
    using world = cliWorld()
    const terminal = onTerminal(world, "publish hello '1'")
    expect(await terminal.ended).toBe(0)
    expect(terminal.text()).toContain('Next:')
    expect((await world.run(['publish', 'hello', '1'])).stderr).not.toContain('Next:')
  })

  it('a search says by what it was stopped', async () => {
    using world = cliWorld()
    await world.run(['publish', 'q', '--ndjson'], { input: ndjson(300) })
    const search = "messages search q --where 'data.n > 0'"
    const limited = onTerminal(world, `${search} --limit 3`)
    expect(await limited.ended).toBe(0)
    expect(limited.text()).toContain('repeat with --cursor 298, or raise --limit')
    const late = onTerminal(world, `${search} --limit 900 --budget 1ms`)
    expect(await late.ended).toBe(0)
    expect(late.text()).toMatch(/repeat with --cursor \d+, or raise --budget/)
  })
})
