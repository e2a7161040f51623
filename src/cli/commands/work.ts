import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import type { ChannelRef } from '../../core/channel.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { openSource } from '../children/sourceChannel.ts'
import type { Connected } from '../connection.ts'
import { isDryRun } from '../consent.ts'
import type { Invocation, Run } from '../invocation.ts'
import { parseUntil } from '../messages/place.ts'
import type { WorkJob } from '../working/job.ts'
import { runWorkers } from '../working/run.ts'

const workersMax = 256

/** `work CHANNEL --exec CMD | --module FILE` */
export const work: Run = async (invocation) => {
  const { flags, args, clock } = invocation
  const count = flags.whole('workers', { min: 1, max: workersMax }) ?? 1
  const concurrency = flags.whole('concurrency', { min: 1, max: 10_000 }) ?? 1
  const run = runOf(invocation)
  const untilWord = flags.text('until')
  const until = untilWord === undefined ? null : parseUntil('--until', untilWord, clock.wallMs())
  const name = args[0] as string
  if (invocation.dryRun) {
    await isDryRun(invocation, `would run ${count} workers on ${name}: ${describe(run)}`)
    return
  }
  await using source = await openSource(invocation, name)
  const { connected, channel } = source
  const group = groupOf(invocation, channel)
  const job: WorkJob = {
    url: connected.url,
    config: connected.settings.config,
    channel: channel.name,
    pattern: channel.pattern,
    group,
    concurrency,
    control: flags.isSet('control'),
    run,
    tellOutput: invocation.output.isJson || (invocation.live && process.stdout.isTTY === true),
  }
  sayWhatIsPromised(invocation, connected, channel)
  await runWorkers(invocation, connected, { job, count, until })
}

/** @throws INVALID_ARGUMENT unless there is exactly one way to run. */
function runOf({ flags, folder }: Invocation): WorkJob['run'] {
  const exec = flags.text('exec')
  const module = flags.text('module')
  if ((exec === undefined) === (module === undefined)) {
    const isBoth = exec !== undefined
    const text = `work needs one of --exec and --module${isBoth ? ', not both' : ''}`
    throw new NarrowcastError('INVALID_ARGUMENT', text, {
      hint: 'For example: narrowcast work hello --exec cat',
    })
  }
  if (module !== undefined) return { module: resolve(folder, module) }
  checkProgram(exec as string)
  return { exec: exec as string }
}

/** A program that is not there would bury every message after its last attempt. */
function checkProgram(command: string): void {
  const program = /^\s*([\w./-]+)(\s|$)/.exec(command)?.[1]
  if (program === undefined || process.platform === 'win32') return
  const found = spawnSync('sh', ['-c', 'command -v -- "$1"', 'sh', program])
  if (found.status === 0) return
  throw new NarrowcastError('INVALID_ARGUMENT', `--exec: there is no program ${program} here`, {
    hint: 'Nothing was taken from the channel.',
  })
}

function describe(run: WorkJob['run']): string {
  return 'exec' in run ? `--exec ${run.exec}` : `--module ${run.module}`
}

/** @throws INVALID_ARGUMENT for a stream without a group, or a queue with one. */
function groupOf({ flags }: Invocation, { name, pattern }: ChannelRef): string | null {
  const group = flags.text('group') ?? null
  if (pattern === 'stream' && group === null) {
    throw new NarrowcastError('INVALID_ARGUMENT', `"${name}" is a stream: work needs --group`, {
      channel: name,
      hint: `Each group gets every message once: --group ${name.split('.').at(-1)}-work\nGroups that exist: narrowcast groups ls ${name}`,
    })
  }
  if (pattern === 'queue' && group !== null) {
    throw new NarrowcastError('INVALID_ARGUMENT', `"${name}" is a queue: it has no groups`, {
      channel: name,
    })
  }
  return group
}

function sayWhatIsPromised(
  { output }: Invocation,
  { bus }: Connected,
  { pattern }: ChannelRef,
): void {
  const contract = bus.contracts[pattern]
  if (contract) output.detail(`${bus.driver}: ${contract.delivery}, ${contract.redelivery.how}`)
}
