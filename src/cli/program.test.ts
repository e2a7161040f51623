import { describe, expect, it } from 'vitest'
import { parseCommandLine } from './program.ts'
import { commands } from './tree.ts'

const parse = (...words: string[]) => parseCommandLine(words, commands)

describe('parseCommandLine', () => {
  it('takes global flags on either side', async () => {
    const before = await parse('--json', '-u', 'file:./x', 'channels', 'ls')
    const after = await parse('channels', 'ls', '--json', '-u', 'file:./x')
    expect(before).toEqual(after)
    expect(before).toMatchObject({
      command: 'channels ls',
      values: { json: true, url: 'file:./x' },
    })
  })

  it('gives a subcommand its flags also where its parent has them too', async () => {
    expect(await parse('ingest', 'verify', '--dir', 'x')).toMatchObject({
      command: 'ingest verify',
      values: { dir: 'x' },
    })
    expect(await parse('ingest', 'orders', '--dir', 'x')).toMatchObject({ command: 'ingest' })
  })

  it('knows one alias and leaves words after -- alone', async () => {
    expect(await parse('pub', 'x', '--', '-5')).toMatchObject({
      command: 'publish',
      args: ['x', '-5'],
    })
  })

  it('collects a flag that repeats', async () => {
    expect(await parse('publish', 'x', '1', '-H', 'a=1', '--header', 'b=2')).toMatchObject({
      values: { header: ['a=1', 'b=2'] },
    })
  })

  it.for([
    [['pubish', 'x'], "unknown command 'pubish'", 'Did you mean publish?'],
    [['channels', 'lss'], "unknown command 'lss'", 'Did you mean ls?'],
    [['publish', 'x', '--kye', '1'], "unknown option '--kye'", 'Did you mean --key?'],
    [
      ['chan', 'ls'],
      "unknown command 'chan'",
      'narrowcast --help lists all commands, --help-all all flags',
    ],
    [['tail'], "missing required argument 'channel'", 'narrowcast tail --help says what it takes'],
    [
      ['-u', 'file:./x', 'messages', 'nope'],
      "unknown command 'nope'",
      'narrowcast messages --help lists its commands',
    ],
    [['ls', 'x', '--pattern', 'topic'], "argument 'topic' is invalid", null],
    [['tail', 'x', '--last'], 'argument missing', null],
  ] as const)('%j: %s', async ([words, text, hint]) => {
    await expect(parse(...words)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(text),
      ...(hint === null ? {} : { hint }),
    })
  })

  it.for([
    [['--help'], '', true],
    [['publish', '--help'], 'publish', true],
    [['dead', 'redrive', '-h'], 'dead redrive', true],
    [['channels'], 'channels', false],
    [['channels', '--help-all'], 'channels', true],
  ] as const)('%j asks for help', async ([words, command, isAsked]) => {
    expect(await parse(...words)).toEqual({ kind: 'help', command, isAsked })
  })
})
