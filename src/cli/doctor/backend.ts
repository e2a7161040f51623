import { asNarrowcastError, errorCodes } from '../../core/errors.ts'
import { redactUrl } from '../../core/url.ts'
import { loadSettings, projectFileOf } from '../config/settings.ts'
import { connectTo } from '../connection.ts'
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

/** Can it be reached, how fast does it answer, and may we look? Nothing is changed there. */
export async function checkBackend(invocation: Invocation): Promise<Check> {
  const { clock } = invocation
  let shown = 'the backend'
  try {
    shown = redactUrl((await loadSettings(invocation)).url.value)
    if (shown.startsWith('memory:')) {
      return {
        name: 'backend',
        state: 'ok',
        text: `${shown} needs nothing, and ends with its process`,
      }
    }
    await using connected = await connectTo(invocation, { look: true })
    const beganMs = clock.monotonicMs()
    const query = { prefix: '', cursor: null, limit: 1_000, newestFirst: false }
    const { items } = await connected.bus.admin.channels(query)
    const tookMs = clock.monotonicMs() - beganMs
    const { product, version } = connected.bus.info
    return {
      name: 'backend',
      state: 'ok',
      text: `${shown}: ${product} ${version}, ${countOf(items.length, 'channel')}, answers in ${showDuration(tookMs)}`,
    }
  } catch (error) {
    if (asNarrowcastError(error).code !== 'NOT_FOUND') return failed('backend', error)
    return {
      name: 'backend',
      state: 'ok',
      text: `${shown}: no store yet, the first message makes it`,
    }
  }
}

function failed(name: string, thrown: unknown): Check {
  const { code, message, hint } = asNarrowcastError(thrown)
  return {
    name,
    state: 'problem',
    text: redactText(message),
    ...(hint === null ? {} : { hint: redactText(hint.split('\n')[0] as string) }),
    exit: errorCodes[code].exit,
  }
}
