import type { BrokerInfo } from '../../core/driver.ts'
import { asNarrowcastError, errorCodes } from '../../core/errors.ts'
import { redactUrl } from '../../core/url.ts'
import { loadSettings, projectFileOf } from '../config/settings.ts'
import { connectTo, namesOf } from '../connection.ts'
import type { Invocation } from '../invocation.ts'
import { redactText } from '../output/errors.ts'
import { countOf, showDuration } from '../output/quantities.ts'
import type { Check } from './checks.ts'

/** The project file, where there is one: can it be read, and is all in it known? */
export async function checkProjectFile(invocation: Invocation): Promise<Check> {
  try {
    const { value } = projectFileOf(invocation)
    if (value === null) return { name: 'config', state: 'ok', text: 'no project file' }
    await loadSettings(invocation)
    return { name: 'config', state: 'ok', text: `project file ${value}` }
  } catch (error) {
    return failed('config', error)
  }
}

/**
 * Can it be reached, how fast does it answer, may we look, and is it set up to keep what it is
 * given? Nothing is changed there.
 */
export async function checkBackend(invocation: Invocation): Promise<Check[]> {
  const { clock } = invocation
  let shown = 'the backend'
  try {
    shown = redactUrl((await loadSettings(invocation)).url.value)
    if (shown.startsWith('memory:')) {
      const text = `${shown} needs nothing, and ends with its process`
      return [{ name: 'backend', state: 'ok', text }]
    }
    await using connected = await connectTo(invocation, { look: true, warns: false })
    const beganMs = clock.monotonicMs()
    await connected.bus.admin.find('narrowcast')
    const tookMs = clock.monotonicMs() - beganMs
    const { product, version } = connected.bus.info
    const names = await namesOf(connected.bus)
    const how = names === null ? '' : `, ${countOf(names.length, 'channel')}`
    const text = `${shown}: ${product} ${version}${how}, answers in ${showDuration(tookMs)}`
    return [{ name: 'backend', state: 'ok', text }, ...checkSettings(connected.bus.info)]
  } catch (error) {
    if (asNarrowcastError(error).code !== 'NOT_FOUND') return [failed('backend', error)]
    const text = `${shown}: no store yet, the first message makes it`
    return [{ name: 'backend', state: 'ok', text }]
  }
}

/** What a server is set up to do, what it warns of, and what it does not tell. */
function checkSettings({ product, settings, warnings, unknown }: BrokerInfo): Check[] {
  const shown = Object.entries(settings).map(([name, value]) => `${name} ${value || '(none)'}`)
  const all: Check[] = warnings.map((text) => ({ name: 'settings', state: 'warning', text }))
  const [first] = unknown
  if (first) {
    all.push({
      name: 'settings',
      state: 'warning',
      text: `${product} does not tell ${unknown.map(({ fact }) => fact).join(', ')}: ${first.why}`,
      hint: 'the contract claims nothing that rests on them',
    })
  }
  if (shown.length === 0) return all
  return [{ name: 'settings', state: 'ok', text: `${product}: ${shown.join(', ')}` }, ...all]
}

function failed(name: string, thrown: unknown): Check {
  const { code, message, hint } = asNarrowcastError(thrown)
  // This is the doctor.
  const advice = hint?.split('\n').find((line) => !line.startsWith('Details: '))
  return {
    name,
    state: 'problem',
    text: redactText(message),
    ...(advice === undefined ? {} : { hint: redactText(advice) }),
    exit: errorCodes[code].exit,
  }
}
