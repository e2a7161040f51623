import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { Children } from '../../src/cli/children/children.ts'

const child = new URL('../../src/cli/children/child.ts', import.meta.url).href

async function drained(source: string, drainMs: number) {
  const folder = mkdtempSync(join(tmpdir(), 'narrowcast-children-'))
  try {
    writeFileSync(join(folder, 'child.ts'), source)
    const begun = Promise.withResolvers<void>()
    const deaths: string[] = []
    const children = new Children<null, 'begun'>({
      entry: pathToFileURL(join(folder, 'child')),
      count: 2,
      job: null,
      drainMs,
      onEvent: () => begun.resolve(),
      onStart: () => {},
      onDeath: (_, why) => deaths.push(why),
    })
    await begun.promise
    const killed = await children.drain()
    await children.ended
    return { killed, left: children.count, deaths }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

it('kills children that do not end when told', async () => {
  const source = `
    process.on('message', () => process.send({ kind: 'event', event: 'begun' }))
    setInterval(() => {}, 1_000)`
  expect(await drained(source, 10)).toEqual({ killed: 2, left: 0, deaths: [] })
}, 60_000)

it('does not wait for work that never began', async () => {
  const source = `
    import { serveParent } from '${child}'
    serveParent(async (job, name, tell) => {
      await tell('begun')
      return new Promise(() => {})
    })`
  expect(await drained(source, 3_600_000)).toEqual({ killed: 0, left: 0, deaths: [] })
}, 60_000)
