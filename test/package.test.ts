import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commands } from '../scripts/commands.ts'
import { root } from '../scripts/start.ts'

interface LockEntry {
  readonly resolved?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

async function json<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(join(root, file), 'utf8')) as T
}

test('every npm script goes through the guard, and every script of ours has a name in npm', async () => {
  const { scripts } = await json<{ scripts: Record<string, string> }>('package.json')
  const called = Object.values(scripts).map((script) => {
    const [, name] = /^node bin\/demo\.cjs(?: --script ([\w:]+)| demo)?$/.exec(script) ?? [script]
    return name
  })
  expect(
    Object.values(scripts).filter((script) => !script.startsWith('node bin/demo.cjs')),
  ).toEqual([])
  const named = new Set(called.filter((name) => name !== undefined))
  expect(named).toEqual(new Set(Object.keys(commands)))
})

const locks = ['package-lock.json', 'bench/peers/package-lock.json']

test.for(locks)('%s names the platform packages of every system: npm ci takes it', async (lock) => {
  const { packages } = await json<{ packages: Record<string, LockEntry> }>(lock)
  const missing = Object.values(packages)
    .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    .filter((name) => !(`node_modules/${name}` in packages))
  expect(missing).toEqual([])
})

test.for(locks)('%s names no registry: every machine takes its own', async (lock) => {
  const { packages } = await json<{ packages: Record<string, LockEntry> }>(lock)
  expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([])
})
