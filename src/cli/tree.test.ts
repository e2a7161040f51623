import { describe, expect, it } from 'vitest'
import { bodyNames, loadBody } from './bodies.ts'
import { helpText } from './help.ts'
import { parseCommandLine } from './program.ts'
import { globalFlags } from './tree/globals.ts'
import type { CommandSpec } from './tree/types.ts'
import { commands, runnable } from './tree.ts'

const all = runnable()
const plain = { all: true, columns: 80, paint: (_: unknown, text: string) => text }

function every(from: readonly CommandSpec[], above = ''): { name: string; spec: CommandSpec }[] {
  return from.flatMap((spec) => {
    const name = above === '' ? spec.name : `${above} ${spec.name}`
    return [{ name, spec }, ...every(spec.commands ?? [], name)]
  })
}

describe('the command tree', () => {
  it('has one body per command, and no other bodies', () => {
    expect([...bodyNames].sort()).toEqual(all.map(({ name }) => name).sort())
  })

  it.for(all)('$name has a body that loads', async ({ name }) => {
    expect(await loadBody(name)).toBeTypeOf('function')
  })

  it.for(every(commands))('$name has help with an example', ({ name, spec }) => {
    expect(spec.summary).not.toBe('')
    const [example] = spec.examples
    expect(example).toMatch(/^narrowcast /)
    const text = helpText(name, plain).replaceAll(/ \\\n +/g, ' ')
    expect(text.indexOf('Examples:')).toBeLessThan(text.indexOf('Global flags:'))
    expect(text).toContain(example)
    expect(text).toContain('--json')
    for (const { flags } of spec.flags ?? []) expect(text).toContain(flags)
  })

  it.for(all)('the examples of $name are command lines that it takes', async ({ name, spec }) => {
    for (const example of spec.examples) {
      const parsed = await parseCommandLine(wordsOf(example), commands)
      const command = 'command' in parsed ? parsed.command : ''
      expect(command === name || command.startsWith(`${name} `), example).toBe(true)
    }
  })

  it('gives no flag of a command the name of a global one', () => {
    const names = (flags: string) => flags.match(/--?[a-zA-Z-]+/g) ?? []
    const global = globalFlags.flatMap(({ flags }) => names(flags))
    for (const { name, spec } of every(commands)) {
      for (const { flags } of spec.flags ?? []) {
        for (const one of names(flags)) expect(global, `${name} ${one}`).not.toContain(one)
      }
    }
  })

  it.for([40, 80, 200])('all help fits a width of %i, but for quoted words', (columns) => {
    for (const { name } of [{ name: '' }, ...every(commands)]) {
      for (const line of helpText(name, { ...plain, columns }).split('\n')) {
        const isLong = line.length > columns && !/^ +('[^']*'|\S+)( \\)?$/.test(line)
        expect(isLong ? `${name}: ${line}` : null).toBeNull()
      }
    }
  })
})

/** The words of an example, up to what the shell takes for itself. */
function wordsOf(example: string): string[] {
  const [line = ''] = example.split(/ [<>] | 2>/)
  const words = line.match(/'[^']*'|"[^"]*"|[^\s'"]+/g) ?? []
  return words.slice(1).map((word) => word.replace(/^(['"])(.*)\1$/, '$2'))
}
