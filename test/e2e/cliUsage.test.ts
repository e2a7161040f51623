import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { cliWorld } from './cliRun.ts'

describe('a wrong command line is told before anything is opened', () => {
  it.for([
    ['channels create bad!name', 'channel name'],
    ['channels create x --dedupe soon', '--dedupe'],
    ['channels create x --pattern stream --dry-run --timeout soon', '--timeout'],
    ['channels ls --limit 0', '--limit'],
    ['channels ls --sort size', 'size'],
    ['messages ls x --limit 0', '--limit'],
    ['messages ls x --from last~week', 'is no place'],
    ['messages search x', '--where'],
    ['messages search x --where data.n>', '--where'],
    ['messages search x --where data.n>1 --budget 1', '--budget'],
    ['dead ls x --limit 0', '--limit'],
    ['dead ls x --where nope==1', 'nope'],
    ['dead ls x -o wide --limit none', '--limit'],
    ['dead show x --limit 5000', '--limit'],
    ['dead show x --where nope==1', 'nope'],
    ['dead redrive x --rate 0', '--rate'],
    ['dead redrive x --all --id 1', '--all and --id exclude each other'],
    ['dead redrive x --where nope==1', 'nope'],
    ['dead purge x --all --where cause=="failures"', 'exclude each other'],
    ['dead purge x --where nope==1', 'nope'],
    ['groups seek x g', '--to'],
    ['groups seek x g --to', 'argument missing'],
    ['stats x --over soon', '--over'],
    ['stats x --prometheus --over 1s', '--over'],
    ['stats --prometheus --json', '--prometheus and json exclude each other'],
    ['stats --prometheus -o csv', '--prometheus and csv exclude each other'],
    ['tail x --last -1', '--last'],
    ['tail x --from first --last 3', 'exclude each other'],
    ['tail x --until noon', '--until'],
    ['tail x --where nope==1', 'nope'],
    ['channels show x --width wide', '--width'],
    ['channels show x -u file:./a --url-file b', 'exclude each other'],
    ['channels show bad!name', 'channel name'],
    ['tail bad!name', 'channel name'],
    ['groups show x bad!group', 'group name'],
  ] as const)('%s', async ([line, text]) => {
    using world = cliWorld()
    const words = line.split(' ').map((word) => word.replaceAll('~', ' '))
    const { code, stdout, stderr } = await world.run(words)
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)])
    expect(stdout).toBe('')
    expect(readdirSync(world.folder)).toEqual([])
  })
})
