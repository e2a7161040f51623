import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cliWorld, script } from './cliRun.ts'
import { hasTerminals, onTerminal } from './terminal.ts'

describe.skipIf(!hasTerminals)('on a terminal (needs the program `script`)', () => {
  it('a run is shown as it goes on, ends in order by q, and its page opens', async () => {
    using world = cliWorld()
    const terminal = onTerminal(world, 'lab run calm --on memory --rate 50')
    await terminal.shows('under load')
    await terminal.shows('q ends it in order')
    terminal.type('q')
    expect(await terminal.ended).toBe(9)
    expect(terminal.text()).toContain('INCONCLUSIVE')
    expect(terminal.text()).toMatch(/Next:.* narrowcast lab open last/)
    expect(terminal.text()).toContain('\u001b[?25h') // the cursor is back
    const opened = join(world.folder, 'opened')
    const browser = script(world, 'browser', `#!/bin/sh\nprintf %s "$1" > ${opened}\n`)
    const opening = onTerminal(world, 'lab open last', { env: { BROWSER: browser } })
    expect(await opening.ended).toBe(0)
    const page = () => (existsSync(opened) ? readFileSync(opened, 'utf8') : '')
    await expect.poll(page, { timeout: 30_000 }).toMatch(/\.narrowcast\/lab\/.*\/report\.html$/)
  }, 120_000)

  it('where no program opens a page, its place is told all the same', async () => {
    using world = cliWorld()
    await world.run(['lab', 'run', 'calm', '--on', 'memory', '--messages', '40'])
    const opening = onTerminal(world, 'lab open last', { env: { BROWSER: '/nowhere' } })
    expect(await opening.ended).toBe(0)
    expect(opening.text()).toContain('report.html')
    expect(opening.text()).toContain('open it by hand')
  }, 120_000)
})
