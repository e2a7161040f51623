import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { dirname, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { showBytes, showDuration } from '../output/quantities.ts'

export interface Check {
  readonly name: string
  readonly state: 'ok' | 'warning' | 'problem'
  readonly text: string
  /** What to do about it. */
  readonly hint?: string
  /** Exit code of a problem. */
  readonly exit?: number
}

const nodeNeeded = [24, 15] as const
const bytesFreeMin = 1_000_000_000
const clockDriftMsMax = 50

export function checkNode(version: string = process.versions.node): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isEnough = major > nodeNeeded[0] || (major === nodeNeeded[0] && minor >= nodeNeeded[1])
  const text = `Node ${version} (needs ${nodeNeeded.join('.')})`
  if (isEnough) return { name: 'node', state: 'ok', text }
  return { name: 'node', state: 'problem', text, hint: 'get it from https://nodejs.org', exit: 2 }
}

/** The folder that narrowcast writes below, made or not. */
export function checkFolder(folder: string): Check {
  const path = nearestExisting(folder)
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
    return { name: 'folder', state: 'ok', text: `writable: ${folder}` }
  } catch (error) {
    return {
      name: 'folder',
      state: 'problem',
      text: `not writable: ${path} (${(error as NodeJS.ErrnoException).code})`,
      hint: 'work in another folder, or give this user the right to write here',
      exit: 3,
    }
  }
}

export function checkDisk(folder: string): Check {
  const { bavail, bsize } = statfsSync(nearestExisting(folder))
  const free = bavail * bsize
  const text = `${showBytes(free)} free on the disk of ${folder}`
  if (free >= bytesFreeMin) return { name: 'disk', state: 'ok', text }
  return { name: 'disk', state: 'warning', text, hint: 'a full disk stops the store' }
}

/** A clock that is being set moves times and delays. */
export async function checkClock(): Promise<Check> {
  const before = { wall: Date.now(), monotonic: performance.now() }
  await wait(200)
  const driftMs = Math.abs(Date.now() - before.wall - (performance.now() - before.monotonic))
  if (driftMs <= clockDriftMsMax) return { name: 'clock', state: 'ok', text: 'clock steady' }
  return {
    name: 'clock',
    state: 'warning',
    text: `the clock jumped by ${showDuration(driftMs)} within 200 ms`,
    hint: 'look at the time service of this machine',
  }
}

export function checkCores(cores: number = availableParallelism()): Check {
  if (cores >= 2) return { name: 'cores', state: 'ok', text: `${cores} cores` }
  return {
    name: 'cores',
    state: 'warning',
    text: '1 core: worker processes take turns',
    hint: 'measure elsewhere',
  }
}

/** The port that `sim server` takes unless told otherwise. */
export async function checkPort(port: number): Promise<Check> {
  const server = createServer()
  const isFree = await new Promise<boolean>((resolved) => {
    server.once('error', () => resolved(false))
    server.listen(port, '127.0.0.1', () => resolved(true))
  })
  await new Promise<void>((done) => {
    if (isFree) server.close(() => done())
    else done()
  })
  if (isFree) return { name: 'port', state: 'ok', text: `port ${port} free` }
  return {
    name: 'port',
    state: 'warning',
    text: `port ${port} is taken`,
    hint: 'sim server --port takes another one',
  }
}

function nearestExisting(folder: string): string {
  let path = resolve(folder)
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path)
  return path
}
