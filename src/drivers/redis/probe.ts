import type { BrokerInfo } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { type Keeping, keepingOf } from './keeping.ts'
import { redisError, repliedWith } from './redisErrors.ts'
import { Script } from './script.ts'
import type { ServerFacts } from './serverFacts.ts'
import type { Home } from './servers.ts'

/** What was asked of a server when it was connected to. */
export interface Probed {
  /** Of the server that was asked. */
  readonly runId: string
  readonly info: BrokerInfo
  readonly keeping: Keeping
}

/** By their names in `CONFIG GET`. */
const asked = [
  'appendonly',
  'appendfsync',
  'save',
  'maxmemory',
  'maxmemory-policy',
  'min-replicas-to-write',
  'client-output-buffer-limit',
] as const

export type SettingName = (typeof asked)[number]
export type Settings = Readonly<Partial<Record<SettingName, string>>>

/** Servers are asked by doing it: a script that says what it needs is what Redis 7.0 has brought. */
const scriptWithFlags = new Script('#!lua flags=no-writes,allow-oom\nreturn 1')

/** @throws UNSUPPORTED for a server that is too old, LOGIN_REFUSED without the rights to run scripts */
export async function probe(home: Home): Promise<Probed> {
  const facts = await home.facts()
  await checkScripts(home, facts)
  const { settings, why } = await settingsOf(home, facts)
  const unknown = asked
    .filter((name) => settings[name] === undefined)
    .map((fact) => ({ fact, why: why ?? 'the server does not name it' }))
  const { product, version, mode } = facts
  const shown = { mode, ...settings }
  const warnings = [...keepingWarnings(settings), ...memoryWarnings(settings)]
  return {
    runId: facts.runId,
    info: { product, version, settings: shown, warnings, unknown },
    keeping: keepingOf(settings),
  }
}

async function checkScripts(home: Home, { product, version }: ServerFacts): Promise<void> {
  try {
    const run = () => home.run(scriptWithFlags, [], [], 'probe')
    await run()
    await run() // by its name
  } catch (error) {
    if (!(error instanceof NarrowcastError) || error.code !== 'UNSUPPORTED') throw error
    const text = `${product} ${version} does not run the scripts that narrowcast is made of: ${error.message}`
    throw redisError('UNSUPPORTED', 'connect', text, {
      cause: error,
      hint: 'Redis 7.0 and newer will do, and Valkey 8 and newer.',
    })
  }
}

/** Without the right to `CONFIG GET` three of them stand in `INFO`; the others are not known then. */
async function settingsOf(
  home: Home,
  facts: ServerFacts,
): Promise<{ settings: Settings; why: string | null }> {
  try {
    const settings = await home.send<Settings>(['CONFIG', 'GET', ...asked], 'probe')
    return { settings: { ...fromInfo(facts), ...settings }, why: null }
  } catch (error) {
    // A managed server has no CONFIG, or not for us. Anything else is trouble.
    if (!['NOPERM', 'ERR'].includes(repliedWith(error) ?? '')) throw error
    return { settings: fromInfo(facts), why: (error as Error).message }
  }
}

function fromInfo({ field }: ServerFacts): Settings {
  const aof = field('aof_enabled')
  const maxmemory = field('maxmemory')
  const policy = field('maxmemory_policy')
  return {
    ...(aof === null ? {} : { appendonly: aof === '1' ? 'yes' : 'no' }),
    ...(maxmemory === null ? {} : { maxmemory }),
    ...(policy === null ? {} : { 'maxmemory-policy': policy }),
  }
}

/** What it does not do with messages that everybody expects of it. */
function keepingWarnings({ appendonly, save }: Settings): string[] {
  if (appendonly !== 'no' || save !== '') return []
  return [
    'redis: appendonly is no and save is empty: all that waits in queues and streams is gone when the server ends or restarts; to keep it: CONFIG SET appendonly yes, and appendonly yes in its configuration file',
  ]
}

/** What it does with messages that nobody asked it for. */
function memoryWarnings({ maxmemory = '0', 'maxmemory-policy': policy }: Settings): string[] {
  if (maxmemory === '0' || policy === undefined || policy === 'noeviction') return []
  const what = policy.startsWith('allkeys')
    ? 'a full server removes whole channels with all that waits in them'
    : 'a full server forgets dedupe marks before their time'
  return [`redis: maxmemory-policy is ${policy}: ${what}; narrowcast wants noeviction`]
}
