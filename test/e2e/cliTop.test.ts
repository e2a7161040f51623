import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { displayWidth } from '../../src/cli/output/displayWidth.ts'
import { cliWorld, ndjson, type World } from './cliRun.ts'
import { hasTerminals, onTerminal, type Terminal } from './terminal.ts'

const enter = '\u001b[?1049h'
const leave = '\u001b[?1049l'
const showCursor = '\u001b[?25h'

/** The lines of the last whole frame; none where there is none yet. */
function lastFrame(terminal: Terminal): string[] {
  const frame = terminal.text().split('\u001b[?2026l').at(-2)?.split('\u001b[?2026h').at(-1)
  return frame === undefined ? [] : stripVTControlCharacters(frame).split(/\r*\n/)
}

/** The lines of the first whole frame with this text: what was read may end within a frame. */
async function frameWith(terminal: Terminal, text: string): Promise<string[]> {
  const found = () => lastFrame(terminal).join('\n')
  await expect.poll(found, { timeout: 40_000 }).toContain(text)
  return lastFrame(terminal)
}

async function store(): Promise<World> {
  const world = cliWorld()
  await world.run(['publish', 'lib.server.lobby', '--ndjson'], { input: ndjson(7) })
  await world.run(['publish', 'combat.events', '1', '--pattern', 'stream'])
  return world
}

/** The process below `script` that runs the command. */
function pidBelow(terminal: Terminal): number {
  const { stdout } = spawnSync('pgrep', ['-P', String(terminal.child.pid)], { encoding: 'utf8' })
  return Number(stdout.trim().split('\n').at(-1))
}

describe.skipIf(!hasTerminals)('top on a terminal (needs the program `script`)', () => {
  it.for([
    ['q', 0, (one: Terminal): void => one.type('q')],
    ['Ctrl-C', 130, (one: Terminal): void => one.type('\u0003')],
    ['SIGTERM', 143, (one: Terminal): void => void process.kill(pidBelow(one), 'SIGTERM')],
  ] as const)('gives the terminal back on %s', async ([_name, exit, end]) => {
    using world = await store()
    const terminal = onTerminal(world, 'top')
    const frame = await frameWith(terminal, '7 max 7')
    expect(frame).toHaveLength(24)
    expect(frame[0]).toMatch(/^narrowcast top {2}file:\S+ {2}2 channels {2}0 readers {2}since /)
    expect(frame.find((line) => line.startsWith('>lib.server.lobby'))).toMatch(/queue +7 +/)
    expect(frame.at(-1)).toBe(' ↑↓ move   p pause   q quit')
    end(terminal)
    expect(await terminal.ended).toBe(exit)
    const text = terminal.text()
    expect(text.split(enter)).toHaveLength(2)
    expect(text.split(leave)).toHaveLength(2)
    expect(text.indexOf(leave)).toBeGreaterThan(text.indexOf(enter))
    expect(text.endsWith(`${showCursor}${leave}`)).toBe(true)
  })

  it('gives it back when it crashes, too, and the error stands on the screen of before', async () => {
    using world = await store()
    const crash = join(world.folder, 'crash.mjs')
    const fall = 'process.once("SIGUSR2", () => { throw new Error("it fell over") })'
    writeFileSync(crash, fall)
    const terminal = onTerminal(world, 'top', { env: { NODE_OPTIONS: `--import ${crash}` } })
    await terminal.shows('7 max 7')
    process.kill(pidBelow(terminal), 'SIGUSR2')
    expect(await terminal.ended).toBe(1)
    const text = terminal.text()
    expect(text).toContain(enter)
    expect(text).toContain(leave)
    expect(text.lastIndexOf(showCursor)).toBeGreaterThan(text.lastIndexOf('\u001b[?25l'))
    expect(text).toContain('it fell over')
  })

  it('obeys its keys: the arrows move, p holds still and goes on', async () => {
    using world = await store()
    const terminal = onTerminal(world, 'top --interval 200ms')
    await terminal.shows('>lib.server.lobby')
    terminal.type('\u001b[B')
    await terminal.shows('>combat.events')
    terminal.type('\u001b[A\u001b[A')
    await expect.poll(() => lastFrame(terminal).some((line) => line.startsWith('>lib'))).toBe(true)
    terminal.type('p')
    await terminal.shows('paused: p goes on')
    await world.run(['publish', 'lib.server.lobby', '1'])
    expect(terminal.text()).not.toContain('8 max 8')
    terminal.type('p')
    await terminal.shows('8 max 8')
    terminal.type('q')
    expect(await terminal.ended).toBe(0)
  })

  it.skipIf(process.platform !== 'linux')('follows the size of the window', async () => {
    using world = await store()
    const terminal = onTerminal(world, 'top --interval 10m')
    expect(await frameWith(terminal, 'q quit')).toHaveLength(24)
    const { stdout: tty } = spawnSync('ps', ['-o', 'tty=', '-p', String(pidBelow(terminal))], {
      encoding: 'utf8',
    })
    const size = ['cols', '60', 'rows', '12']
    expect(spawnSync('stty', ['-F', `/dev/${tty.trim()}`, ...size]).status).toBe(0)
    await expect.poll(() => lastFrame(terminal).length).toBe(12)
    expect(lastFrame(terminal).filter((line) => displayWidth(line) > 60)).toEqual([])
    terminal.type('q')
    expect(await terminal.ended).toBe(0)
  })

  it.for([40, 80, 200])('fits %i columns, without colour and in ASCII', async (columns) => {
    using world = await store()
    const terminal = onTerminal(world, 'top --ascii --count 2', {
      ...{ columns, rows: 16, env: { NO_COLOR: '1' } },
    })
    expect(await terminal.ended).toBe(0)
    const frame = lastFrame(terminal)
    expect(frame).toHaveLength(16)
    expect(frame.filter((line) => displayWidth(line) > columns)).toEqual([])
    expect(frame.join('')).toMatch(/^[\x20-\x7e]*$/)
    expect(terminal.text()).not.toContain('\u001b[1m')
  })
})

it('prints one object per look where stdout is no terminal, with who came and went', async () => {
  using world = await store()
  const top = world.start(['top', '--interval', '500ms'])
  await top.shows('"type":"top"')
  const work = ['work', 'lib.server.lobby', '--exec', 'true', '--control', '--json']
  const crew = world.start(work)
  await crew.shows(/(?:"work.settled"[\s\S]*){7}/)
  await top.shows(/"what":"came"/)
  await world.run(['workers', 'drain', 'w1', '--yes'])
  expect((await crew.ended).code).toBe(0)
  await top.shows(/"what":"gone"/)
  top.child.kill('SIGINT')
  const { code, stdout, stderr } = await top.ended
  expect([code, stdout.includes('\u001b'), stderr]).toEqual([130, false, ''])
  const last = JSON.parse(stdout.trim().split('\n').at(-1) as string)
  expect(last).toMatchObject({ v: 1, type: 'top', waiting: 0, workers: 0, refused_frames: 0 })
  expect(last.channels.map(({ channel }: { channel: string }) => channel).sort()).toEqual([
    'combat.events',
    'lib.server.lobby',
  ])
})

it('ends after so many looks, and refuses what it cannot do', async () => {
  using world = await store()
  const ran = await world.run(['top', '--count', '3', '--interval', '200ms', '-o', 'csv'])
  expect(ran.stdout.trim().split('\n')).toHaveLength(4)
  expect((await world.run(['top', '--interval', '10ms'])).stderr).toContain('at least 200ms')
  const nowhere = await world.run(['top', '-u', 'file:./nowhere', '--count', '1'])
  expect([nowhere.code, nowhere.stdout]).toEqual([4, ''])
})
