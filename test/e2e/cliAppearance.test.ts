import { describe, expect, it } from 'vitest'
import { displayWidth } from '../../src/cli/output/displayWidth.ts'
import { cliWorld, script } from './cliRun.ts'

describe('looks', () => {
  it('a pipe gets no colour, unless it is forced', async () => {
    using world = cliWorld()
    const esc = '\u001b['
    expect((await world.run(['help', 'publish'])).stdout).not.toContain(esc)
    const forced = await world.run(['help', 'publish'], { env: { FORCE_COLOR: '1' } })
    expect(forced.stdout).toContain(esc)
    expect(forced.stderr).toBe('')
    const both = await world.run(['help', 'publish'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })
    expect([both.stdout.includes(esc), both.stderr]).toEqual([false, ''])
    const flag = await world.run(['help', 'publish', '--no-color'], { env: { FORCE_COLOR: '1' } })
    expect(flag.stdout).not.toContain(esc)
    const error = await world.run(['help', 'nosuch'], { env: { FORCE_COLOR: '1' } })
    expect(error.stderr).toContain(`${esc}31merror:`)
  })

  it('draws in ASCII when asked', async () => {
    using world = cliWorld()
    const { stdout } = await world.run(['config', 'check', '--ascii'])
    expect(stdout).toMatch(/^ok no project file/)
  })

  it('prints the same rows in every format', async () => {
    using world = cliWorld()
    await world.run(['publish', 'a,b'.replace(',', '.'), '1'])
    const of = async (format: string) => (await world.run(['channels', 'ls', '-o', format])).stdout
    expect(await of('csv')).toMatch(/^channel,pattern,waiting,.*\na\.b,queue,1,/)
    expect((await of('md')).split('\n')[2]).toMatch(/ \| \d+ \| open \| - \|$/)
    expect(await of('md')).toMatch(/^\| channel \| pattern \|.*\n\| --- \|.*\n\| a\.b \| queue \|/)
    expect(JSON.parse(await of('ndjson'))).toMatchObject({
      v: 1,
      type: 'channels.ls',
      channel: 'a.b',
    })
    expect(await of('none')).toBe('')
    expect(await of('wide')).toMatch(/^CHANNEL +PATTERN/)
  })

  it('contracts are told whole at 40 columns, and cut nowhere', async () => {
    using world = cliWorld()
    const words = async (width: string) => {
      const { stdout } = await world.run(['contract', 'file', '--width', width])
      expect(stdout).not.toContain('…')
      return stdout.replaceAll(/QUEUE|STREAM|BROADCAST|NARROWCAST|-RELAY|FILE|\s+/g, '')
    }
    expect(await words('40')).toBe(await words('300'))
  })

  it('a wrong width is refused, for help too', async () => {
    using world = cliWorld()
    for (const args of [['--help'], ['channels', 'ls', '-h'], ['config', 'show']]) {
      const { code, stderr } = await world.run([...args, '--width', 'wide'])
      expect([code, stderr]).toEqual([2, expect.stringContaining('--width: expected')])
    }
  })

  it('fits widths of 40 to 200', async () => {
    using world = cliWorld()
    const channel = 'a.channel.with.a.rather.long.name'
    await world.run(['publish', channel, '{"text":"日本語 and a long preview of data"}'])
    for (const width of [40, 80, 200]) {
      for (const args of [
        ['channels', 'ls'],
        ['messages', 'ls', channel],
        ['contract'],
        ['help', 'errors'],
        ['--help'],
        ['help', 'publish'],
        ['channels'],
        ['config', 'show', '--origin'],
        ['doctor'],
        ['stats', '--over', '1ms'],
      ]) {
        const { stdout, stderr } = await world.run([...args, '--width', String(width)])
        const isHelp = args.length === 1 && args[0] === 'channels'
        for (const line of (isHelp ? stderr : stdout).split('\n')) {
          if (/^ +'[^']*'( \\)?$/.test(line)) continue // a quoted word of an example stays whole
          expect(displayWidth(line), line).toBeLessThanOrEqual(width)
        }
      }
    }
  })

  it('a dead letter of a program fits, and shows no place of ours', async () => {
    using world = cliWorld()
    await world.run(['publish', 'jobs', '1'])
    const why = 'no such order, and a long sentence that goes on beyond the width of a terminal'
    const program = script(world, 'bad.sh', `#!/bin/sh\necho '${why}' >&2\nexit 3\n`)
    const url = 'file:./.narrowcast/store?attempts=1'
    await world.run(['work', 'jobs', '--exec', program, '--until', 'end', '-u', url])
    const { stdout } = await world.run(['dead', 'show', 'jobs', '--width', '60'])
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`error Error: exit 3: ${why} history`)
    for (const line of stdout.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(60)
  })
})
