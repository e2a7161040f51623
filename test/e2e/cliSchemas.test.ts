import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exitsOf, printsOf } from '../../src/cli/exits.ts'
import { displayWidth } from '../../src/cli/output/displayWidth.ts'
import { outputTypes } from '../../src/cli/schemas.ts'
import type { CommandSpec } from '../../src/cli/tree/types.ts'
import { runnable } from '../../src/cli/tree.ts'
import { runHere } from './cliHere.ts'
import { cliWorld, type Ran, type World } from './cliRun.ts'
import { problemsOf } from './cliSchema.ts'
import { files, type Step, steps } from './cliWalk.ts'

const all = runnable().filter(({ spec }) => !spec.hidden)
const specs = new Map<string, CommandSpec>(all.map(({ name, spec }) => [name, spec]))

const before = process.cwd()
let world: World
/** Types that stood on stdout, and the commands that were walked. */
const seen = new Set<string>()
const walked = new Set<string>()

beforeAll(() => {
  world = cliWorld()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(world.folder, name), text)
  process.chdir(world.folder)
})
afterAll(() => {
  process.chdir(before)
  world[Symbol.dispose]()
})

describe('every command prints with --json what its schema says', () => {
  it.for(steps)('$command $words', async (step) => {
    const spec = specs.get(step.command) as CommandSpec
    const words = [...step.command.split(' '), ...(step.words ?? []), '--json']
    if (spec.access !== 'ro') await changesNothing([...words, '--dry-run'], step)
    if (step.consent) await needsConsent(words, step)
    const whole = [...words, ...(step.consent ?? [])]
    const ran = await (step.run ? step.run(world, whole) : world.run(whole, inputOf(step)))
    expect([step.exit ?? 0].flat(), ran.stderr).toContain(ran.code)
    expect(exitsOf(spec)).toContain(ran.code)
    const types = check(ran)
    expect([...types].sort()).toEqual([...(step.prints ?? [dotted(step)])].sort())
    for (const type of types) {
      expect(printsOf(step.command, spec)).toContain(type)
      seen.add(type)
    }
    if (step.isLook) await fitsEveryWidth(step)
    walked.add(step.command)
  })

  it('each was walked, and printed each of its types', () => {
    expect([...walked].sort()).toEqual(all.map(({ name }) => name).sort())
    const printed = new Set(all.flatMap(({ name, spec }) => printsOf(name, spec)))
    expect([...printed].sort()).toEqual([...seen].sort())
  })

  it('each type is printed by a command', () => {
    const printed = new Set(all.flatMap(({ name, spec }) => printsOf(name, spec)))
    expect(outputTypes.filter((type) => !printed.has(type))).toEqual(['error'])
  })

  it.for(all)('$name tells a wrong flag as an error in JSON', async ({ name, spec }) => {
    const ran = await world.run([...name.split(' '), '--no-such-flag', '--json'])
    expect([ran.code, ran.stdout]).toEqual([2, ''])
    expect(exitsOf(spec)).toContain(2)
    isError(ran)
  })
})

const dotted = ({ command }: Step) => command.replaceAll(' ', '.')
const inputOf = ({ input }: Step) => (input === undefined ? {} : { input })

/** A dry run says so and leaves no file, also where the change itself would be a question. */
async function changesNothing(words: readonly string[], step: Step): Promise<void> {
  const before = readdirSync(world.folder)
  const ran = await world.run(words, inputOf(step))
  expect([ran.code, ran.stderr], words.join(' ')).toEqual([0, expect.any(String)])
  for (const type of check(ran)) {
    expect(type).toBe(dotted(step))
    seen.add(type)
  }
  expect(JSON.parse(ran.stdout)).toMatchObject({ dry_run: true })
  expect(readdirSync(world.folder)).toEqual(before)
}

/** stdin is no terminal: nobody can be asked, so the flag that says yes is named. */
async function needsConsent(words: readonly string[], { consent = [] }: Step): Promise<void> {
  const ran = await world.run(words)
  expect([ran.code, ran.stdout], words.join(' ')).toEqual([5, ''])
  expect(isError(ran)).toContain(consent.join(' '))
}

/** An id, a URL, a path and a quoted word of an example stay whole; so does the data of a message. */
const isWhole = /^ *(?:\S+ +)?(?:'[^']*'|\S+)( \\)?$|^ {4}"/

/** As text no line is longer than the window, and no colour comes where none is wanted. */
async function fitsEveryWidth({ command, words = [] }: Step): Promise<void> {
  const env = { FORCE_COLOR: '1', NO_COLOR: '1', XDG_CONFIG_HOME: join(world.folder, '.config') }
  for (const width of [40, 60, 80, 120, 200]) {
    const line = [...command.split(' '), ...words, '--width', String(width)]
    const { stdout, stderr } = await runHere(line, env)
    expect(stdout).not.toBe('')
    expect(stdout + stderr).not.toContain('\u001b')
    const isLong = (one: string) => displayWidth(one) > width && !isWhole.test(one)
    expect(stdout.split('\n').filter(isLong), line.join(' ')).toEqual([])
  }
}

function isError({ stderr }: Ran): string {
  const error = JSON.parse(stderr) as Record<string, unknown>
  expect(problemsOf(error)).toEqual([])
  expect(error.type).toBe('error')
  return `${error.message} ${error.hint}`
}

/** Every line of stdout is one object that keeps its schema. Returns their types. */
function check({ stdout, stderr }: Ran): Set<string> {
  expect(stdout + stderr).not.toContain('\u001b')
  const objects = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  for (const object of objects) expect(problemsOf(object), JSON.stringify(object)).toEqual([])
  return new Set(objects.map(({ type }) => String(type)))
}
