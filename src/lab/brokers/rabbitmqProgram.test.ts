import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { findRabbitmqProgram } from './rabbitmqProgram.ts'

let folder = ''
const at = (...path: string[]) => join(folder, ...path)
/** Looks nowhere but in the folder of the test. */
const find = async () => await findRabbitmqProgram(at('packaged'))

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'narrowcast-path-')))
  vi.stubEnv('PATH', at('bin'))
  for (const name of ['erl', 'epmd', 'rabbitmq-server']) await program(at('bin', name))
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

async function program(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, '#!/bin/sh\nexit 1\n', { mode: 0o755 })
}

/** Scripts and plugins as every distribution has them. */
async function installed(home: string, plugin: string): Promise<void> {
  for (const name of ['rabbitmq-server', 'rabbitmqctl', 'rabbitmq-env', 'rabbitmq-defaults']) {
    await program(join(home, 'sbin', name))
  }
  await mkdir(join(home, 'plugins', 'rabbit_common-4.1.0'), { recursive: true })
  await mkdir(join(home, 'plugins', plugin))
}

const scripts = (home: string) => ({
  command: join(home, 'sbin', 'rabbitmq-server'),
  ctl: join(home, 'sbin', 'rabbitmqctl'),
})

test('links are followed to the scripts, whose plugins tell the version', async () => {
  await installed(at('home'), 'rabbit-4.1.0')
  await rm(at('bin', 'rabbitmq-server'))
  await symlink(at('home', 'sbin', 'rabbitmq-server'), at('bin', 'rabbitmq-server'))
  expect(await find()).toEqual({ ...scripts(at('home')), version: '4.1.0', how: 'on the PATH' })
})

test('for a wrapper on the PATH the packaged scripts are taken', async () => {
  expect(await find()).toBeNull()
  await installed(at('home'), 'rabbit-3.10.8.ez')
  await symlink(at('home', 'sbin'), at('packaged'))
  expect(await find()).toEqual({ ...scripts(at('home')), version: '3.10.8', how: 'on the PATH' })
})

test('a link to a wrapper that lies beside the scripts leads to them', async () => {
  await installed(at('home'), 'rabbit-3.13.7')
  await program(at('home', 'sbin', 'rabbitmq-script-wrapper'))
  await rm(at('bin', 'rabbitmq-server'))
  await symlink(at('home', 'sbin', 'rabbitmq-script-wrapper'), at('bin', 'rabbitmq-server'))
  expect(await find()).toMatchObject(scripts(at('home')))
})

test('packaged scripts are found by users whose PATH does not lead to the wrapper', async () => {
  await rm(at('bin', 'rabbitmq-server'))
  await installed(at('home'), 'nothing-1')
  await symlink(at('home', 'sbin'), at('packaged'))
  expect(await find()).toMatchObject({
    version: 'of unknown version',
    how: `in ${at('packaged')}`,
  })
})

test.for(['erl', 'epmd', 'rabbitmqctl'])('without %s there is none', async (name) => {
  await installed(at('home'), 'rabbit-4.1.0')
  await symlink(at('home', 'sbin'), at('packaged'))
  expect(await find()).not.toBeNull()
  await rm(name === 'rabbitmqctl' ? at('home', 'sbin', name) : at('bin', name))
  expect(await find()).toBeNull()
})
