import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cliWorld, type World } from './cliRun.ts'
import { problemsOf } from './cliSchema.ts'
import { hasTerminals, onTerminal } from './terminal.ts'

let world: World
let folder: string
let id: string

beforeAll(async () => {
  world = cliWorld()
  await world.run(['lab', 'run', 'calm', '--on', 'memory', '--messages', '40'])
  const runs = join(world.folder, '.narrowcast/lab')
  id = readdirSync(runs)[0] as string
  folder = join(runs, id)
}, 60_000)
afterAll(() => world[Symbol.dispose]())

/** Does something while one file of the run has another text, or none. */
async function changed(name: string, text: string | null, act: () => Promise<void>) {
  const path = join(folder, name)
  const before = readFileSync(path, 'utf8')
  if (text === null) rmSync(path)
  else writeFileSync(path, text)
  await act().finally(() => writeFileSync(path, before))
}

describe('a run whose report is damaged', () => {
  it.for([
    ['empty', '', 'it is no JSON'],
    ['cut off', '{"v":1,"type":"lab.rep', 'it is no JSON'],
    ['without anything', '{}', 'its type is missing'],
    ['half there', '{"v":1,"type":"lab.report"}', 'runId: '],
  ] as const)('is told by `lab verify`: %s', async ([_, text, why]) => {
    await changed('report.json', text, async () => {
      const { code, stdout, stderr } = await world.run(['lab', 'verify', 'last', '--width', '400'])
      expect([code, stderr]).toEqual([8, ''])
      expect(stdout).toContain('sent 40  ok 40  done 40')
      expect(stdout).toContain(`report.json is no lab report: ${why}`)
      expect(stdout).toContain(`narrowcast lab open ${id}`)
      expect(stdout).toContain('command.txt')
      const told = await world.run(['lab', 'verify', 'last', '--json'])
      const found = JSON.parse(told.stdout)
      expect(problemsOf(found)).toEqual([])
      expect(found).toMatchObject({
        ...{ state: 'damaged', differences: [], records: { sent: 40 } },
        damage: expect.stringContaining(why),
      })
    })
  })

  it('is told by `lab verify` also where a folder lies in its place', async () => {
    const path = join(folder, 'report.json')
    const text = readFileSync(path, 'utf8')
    rmSync(path)
    mkdirSync(path)
    const { code, stdout } = await world.run(['lab', 'verify', 'last', '--width', '400'])
    rmSync(path, { recursive: true })
    writeFileSync(path, text)
    expect([code, stdout]).toEqual([8, expect.stringContaining('report.json cannot be read')])
  })

  it('has its page all the same, and `lab show` leads to it', async () => {
    await changed('report.json', '{}', async () => {
      const opened = await world.run(['lab', 'open', 'last'])
      expect([opened.code, opened.stdout]).toEqual([0, `.narrowcast/lab/${id}/report.html\n`])
      const shown = await world.run(['lab', 'show', 'last'])
      expect([shown.code, shown.stdout]).toEqual([2, ''])
      expect(shown.stderr).toContain('narrowcast lab open')
    })
  })
})

it('a page that is not there is not opened', async () => {
  await changed('report.html', null, async () => {
    const { code, stdout, stderr } = await world.run(['lab', 'open', 'last'])
    expect([code, stdout]).toEqual([4, ''])
    expect(stderr).toContain(`run ${id} has no page`)
    expect(stderr).toContain(`narrowcast lab show ${id}`)
    await changed('report.json', null, async () => {
      const broken = await world.run(['lab', 'open', 'last'])
      expect([broken.code, broken.stdout]).toEqual([4, ''])
      expect(broken.stderr).toContain('it goes on, or it broke off')
    })
  })
})

it.runIf(hasTerminals && existsSync('/bin/false'))(
  'a program that cannot open the page is told, with the path',
  async () => {
    const opening = onTerminal(world, 'lab open last', { env: { BROWSER: '/bin/false' } })
    expect(await opening.ended).toBe(0)
    const text = opening.text().replace(/\s+/g, ' ')
    expect(text).toMatch(
      /\/bin\/false ended with exit 1: open it by hand: \.narrowcast.*report\.html/,
    )
  },
  60_000,
)
