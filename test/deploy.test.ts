import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../scripts/start.ts'
import { parseCommandLine } from '../src/cli/program.ts'
import { commands } from '../src/cli/tree.ts'
import { readCompose } from './e2e/deploy/composeFile.ts'
import { copyOf, isIgnored, readDockerfile } from './e2e/deploy/dockerfile.ts'

const packageJson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>
  readonly engines: { readonly node: string }
  readonly peerDependencies: Readonly<Record<string, string>>
}

interface Locked {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly peer?: boolean
}

const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>
}
const locked = (name: string) => lock.packages[`node_modules/${name}`] ?? {}
const isForDevelopment = (name: string) => {
  const { dev = false, devOptional = false, peer = false } = locked(name)
  return dev || devOptional || peer
}

describe('the Dockerfile', () => {
  const { args, stages } = readDockerfile()
  const all = stages.flatMap(({ instructions }) => instructions)
  const copies = all.filter(({ word }) => word === 'COPY').map(copyOf)
  const runs = all.filter(({ word }) => word === 'RUN').map(({ rest }) => rest)

  test('takes the oldest Node that we support, in every stage', () => {
    expect(`>=${args.get('NODE_VERSION')}`).toBe(packageJson.engines.node)
    expect(new Set(stages.map(({ image }) => image))).toEqual(
      new Set([`node:${args.get('NODE_VERSION')}-alpine`]),
    )
  })

  test('copies files that are there and that .dockerignore lets through', () => {
    const own = copies.filter(({ from }) => from === null).flatMap(({ sources }) => sources)
    expect(own.length).toBeGreaterThan(5)
    expect(own.filter((path) => !existsSync(join(root, path)) || isIgnored(path))).toEqual([])
    expect(['src/index.test.ts', 'node_modules', '.narrowcast', 'dist'].every(isIgnored)).toBe(true)
    expect(isIgnored('src/cli/main.ts')).toBe(false)
  })

  test('copies from stages that come before', () => {
    for (const [at, { instructions }] of stages.entries()) {
      const before = stages.slice(0, at).map(({ name }) => name)
      const from = instructions.filter(({ word }) => word === 'COPY').map((one) => copyOf(one).from)
      expect(from.filter((name) => name !== null && !before.includes(name))).toEqual([])
    }
  })

  test('installs by the lock file alone, and runs scripts that there are', () => {
    const npm = runs.flatMap((run) => run.match(/npm \w+( [\w:-]+)?/g) ?? [])
    expect(npm.length).toBeGreaterThan(1)
    for (const command of npm) {
      const script = /^npm run (.*)$/.exec(command)?.[1]
      if (script) expect(Object.keys(packageJson.scripts)).toContain(script)
      else expect(command).toMatch(/^npm ci/)
    }
  })

  test('brings the client of every broker, with all that it needs', () => {
    const clients = Object.keys(packageJson.peerDependencies).filter(
      (one) => !/telemetry/.test(one),
    )
    const copied = copies.flatMap(({ sources }) => sources)
    expect(clients.length).toBeGreaterThan(0)
    for (const client of clients) expect(copied).toContain(`/app/node_modules/${client}`)
    const needed = new Set<string>(clients)
    for (const name of needed) {
      for (const more of Object.keys(locked(name).dependencies ?? {})) needed.add(more)
    }
    const isThere = (name: string) => !isForDevelopment(name) && !clients.includes(name)
    const missing = [...needed].filter(
      (name) => !isThere(name) && !copied.includes(`/app/node_modules/${name}`),
    )
    expect(missing).toEqual([])
  })

  test('ends as a user that is not root, who starts a program that is there', () => {
    const last = stages.at(-1)?.instructions ?? []
    const user = last.findLastIndex(({ word }) => word === 'USER')
    expect(last[user]?.rest).toBe('node')
    const after = last.slice(user + 1).map(({ word }) => word)
    expect(after).toEqual(['ENTRYPOINT', 'CMD'])
    const [node, program = ''] = JSON.parse(last[user + 1]?.rest ?? '[]') as string[]
    expect(node).toBe('node')
    expect(existsSync(join(root, program.replace('/app/', '')))).toBe(true)
  })
})

describe('compose.yaml', () => {
  const { text, compose } = readCompose()
  const services = Object.entries(compose.services)
  const ours = services.filter(([, { build }]) => build !== undefined)

  test('has the broker in a profile, and all that runs on any broker in none', () => {
    expect(ours.map(([name]) => name)).toEqual(['server', 'player', 'worker', 'relay'])
    expect(ours.filter(([, { profiles }]) => profiles !== undefined)).toEqual([])
    const brokers = services.filter(([, { build }]) => build === undefined)
    expect(brokers.map(([name, { profiles }]) => [name, profiles])).toEqual([['redis', ['redis']]])
    for (const [name, { environment }] of ours) {
      const { hostname } = new URL(environment?.NARROWCAST_URL ?? '')
      expect(Object.keys(compose.services), name).toContain(hostname)
    }
  })

  test('pins images, drops rights, and looks after what stays', () => {
    for (const [name, service] of services) {
      if (service.build === undefined) expect(service.image, name).toMatch(/:\d/)
      else expect([service.cap_drop, service.init], name).toEqual([['ALL'], true])
      const isOnce = service.restart === 'no'
      expect(service.healthcheck !== undefined, name).toBe(!isOnce)
    }
  })

  test('says every word of a command as text', () => {
    for (const [name, { command, entrypoint = [], healthcheck }] of services) {
      for (const word of [...command, ...entrypoint, ...(healthcheck?.test ?? [])]) {
        expect(typeof word, `${name}: ${JSON.stringify(word)}`).toBe('string')
      }
    }
  })

  test('names services and volumes that there are', () => {
    for (const [name, { depends_on = {}, volumes = [] }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        expect(condition).toBe('service_healthy')
        expect(compose.services[other]?.healthcheck, `${name} on ${other}`).toBeDefined()
      }
      for (const volume of volumes) {
        expect(Object.keys(compose.volumes), name).toContain(volume.split(':')[0])
      }
    }
  })

  test.for(ours.map(([name, service]) => ({ name, service })))(
    'the command of $name is one of ours',
    async ({ service: { command, entrypoint } }) => {
      const line = command.join(' ')
      const words =
        entrypoint === undefined ? command : line.slice(line.indexOf('sim bots')).split(' ')
      expect((await parseCommandLine(words, commands)).kind).toBe('run')
    },
  )

  test('says how it is started', () => {
    const scales = Object.entries({ worker: 4, player: 10 })
    for (const [name, count] of scales) {
      expect(text).toContain(`--scale ${name}=${count}`)
      expect(compose.services[name]?.deploy?.replicas).toBe(count)
    }
  })
})
