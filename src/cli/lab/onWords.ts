import { NarrowcastError } from '../../core/errors.ts'
import { redactUrl } from '../../core/url.ts'

const urlBegins = /^[a-z][a-z0-9+]*:\/\//i

/**
 * The words of one --on. A URL may have commas of its own, between hosts: it stands alone.
 * @throws INVALID_ARGUMENT for one that has others beside it.
 */
export function onWords(list: string, backendNames: readonly string[]): string[] {
  const words = list.split(',')
  const later = words.findIndex((word, at) => at > 0 && urlBegins.test(word))
  if (later > 0) throw refused(words.slice(later).join(','), words[later - 1] as string)
  if (!list.includes('://')) return words
  const last = words.slice(1).at(-1) ?? ''
  // Taken for a URL, it would be one more host.
  const name = /^([a-z-]+)(:[a-z]+)?(@[a-z-]+)?$/.exec(last)?.[1] ?? ''
  if (!urlBegins.test(list) || !backendNames.includes(name)) return [list]
  throw refused(words.slice(0, -1).join(','), last, `\nA host of that name: ${name}:6379`)
}

function refused(url: string, beside: string, more = ''): NarrowcastError {
  const [shown, other] = [redactUrl(url), redactUrl(beside)]
  const text = `--on: a URL stands in no list, and ${shown} has ${other} beside it`
  return new NarrowcastError('INVALID_ARGUMENT', text, {
    hint: `Each in an --on of its own, where several are taken: --on ${other} --on ${shown}${more}`,
  })
}
