import { loadSettings } from '../config/settings.ts'
import { connectTo } from '../connection.ts'
import { contextNames } from '../contexts/contextFile.ts'
import { JobFolder } from '../dead/jobFolder.ts'
import { makeFlags } from '../flags.ts'
import type { Invocation } from '../invocation.ts'
import type { Typed } from './typed.ts'

/** Names from a backend come this fast or not at all. */
const namesWithinMs = 300

/** What is there to be named. `what` is the placeholder of the argument or flag: `<channel>`. */
export async function liveNames(
  what: string,
  invocation: Invocation,
  typed: Typed,
): Promise<readonly string[]> {
  const look = lookOf(what, { ...invocation, flags: makeFlags(typed.given) }, typed)
  const limit = invocation.clock
    .sleep(namesWithinMs, new AbortController().signal)
    .then((): readonly string[] => [])
  // No backend, no names: an error text would land in the middle of somebody's command line.
  return Promise.race([look.catch((): readonly string[] => []), limit])
}

async function lookOf(
  what: string,
  invocation: Invocation,
  { operands }: Typed,
): Promise<readonly string[]> {
  if (what.includes('context')) return contextNames(invocation.env)
  if (what.includes('job')) return jobNames(invocation)
  if (/scenario|[<[]run[>\]]|<backend>/.test(what)) return labNames(what, invocation)
  if (what.includes('channel')) return namesOfBackend(invocation, null)
  if (what.includes('group')) return namesOfBackend(invocation, operands[0] ?? '')
  return []
}

/** Loaded only when the lab is typed. */
async function labNames(what: string, { folder }: Invocation): Promise<readonly string[]> {
  if (what.includes('run')) {
    const [{ runIds }, { runsIn }] = await Promise.all([
      import('../../lab/runFolder/runs.ts'),
      import('../lab/runsIn.ts'),
    ])
    return ['last', ...(await runIds(runsIn(folder)))]
  }
  const { scenarios } = await import('../../lab/scenarios/index.ts')
  const { backends } = await import('../../lab/backends.ts')
  return (what.includes('scenario') ? scenarios : backends).map(({ name }) => name)
}

/** Redrive jobs of this folder, the newest first. */
async function jobNames({ folder }: Invocation): Promise<readonly string[]> {
  return (await new JobFolder(folder).list()).jobs.map(({ id }) => id)
}

/** All channels; or the groups of one. */
async function namesOfBackend(
  invocation: Invocation,
  groupsOf: string | null,
): Promise<readonly string[]> {
  // A command for a password may ask on the terminal that is being typed on.
  if ((await loadSettings(invocation)).context?.context.passwordCommand !== undefined) return []
  await using connected = await connectTo(
    { ...invocation, timeoutMs: namesWithinMs },
    { look: true },
  )
  const { admin } = connected.bus
  if (groupsOf === null) {
    const query = { prefix: '', cursor: null, limit: 1_000, newestFirst: false }
    return (await admin.channels(query)).items.map(({ name }) => name)
  }
  const channel = await admin.find(groupsOf)
  if (channel?.pattern !== 'stream') return []
  return (await admin.groups(channel)).map(({ group }) => group)
}
