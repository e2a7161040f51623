import { NarrowcastError } from '../../core/errors.ts'
import type { Pattern } from '../../core/message.ts'
import { backends } from '../../lab/backends.ts'
import { urlOfFile } from '../config/settings.ts'
import { hasContext, readContext } from '../contexts/contextFile.ts'
import { isContextName } from '../contexts/folder.ts'
import { withPassword } from '../contexts/password.ts'
import { selectedContext } from '../contexts/selected.ts'
import type { Invocation } from '../invocation.ts'
import { readOnlyBy } from '../readOnly.ts'
import { onWords } from './onWords.ts'
import { givenSubject, isUrl, namedSubject, type Subject } from './subject.ts'

/** What the words of --on name, or --url and --context: backends, URLs and contexts. */
export async function subjectsAsked(invocation: Invocation): Promise<Subject[]> {
  const { flags } = invocation
  const words = wordsOf(invocation)
  const given = await givenUrl(invocation)
  if (words.length > 0 && given !== null) {
    throw new NarrowcastError('INVALID_ARGUMENT', '--on and --url name two brokers', {
      hint: '--on takes a URL or a context, too',
    })
  }
  const asked = (flags.text('pattern') as Pattern | undefined) ?? null
  if (given !== null) return [givenSubject(given, asked, backends)]
  if (words.length > 0) {
    return await Promise.all(words.map((word) => subjectOf(invocation, word, asked)))
  }
  throw new NarrowcastError('INVALID_ARGUMENT', `${invocation.command}: on which backend?`, {
    hint: `--on ${backends.map(({ name }) => name).join(', ')}, a URL or a context`,
  })
}

/** For all patterns at once: `redis` is each of its engines. isChosen: it is to be this pattern alone. */
export async function familiesAsked(
  invocation: Invocation,
): Promise<(Subject & { readonly isChosen: boolean })[]> {
  const words = wordsOf(invocation)
  if (words.length === 0 || invocation.flags.isSet('pattern')) {
    return (await subjectsAsked(invocation)).map((subject) => ({ ...subject, isChosen: true }))
  }
  const found = words.flatMap((word) => {
    const engines = backends.filter(({ name }) => name.startsWith(`${word}-`))
    const names = engines.length > 0 ? engines.map(({ name }) => name) : [word]
    return names.map((name) => ({ name, isChosen: /[:@]/.test(word) }))
  })
  return await Promise.all(
    found.map(async ({ name, isChosen }) => {
      const subject = await subjectOf(invocation, name, null)
      return { ...subject, isChosen: isChosen || subject.url !== null }
    }),
  )
}

function wordsOf({ flags }: Invocation): string[] {
  const names = backends.map(({ name }) => name)
  return flags.list('on').flatMap((list) => onWords(list, names))
}

/** For a command that takes one alone. */
export async function subjectAsked(invocation: Invocation): Promise<Subject> {
  const [subject, ...more] = await subjectsAsked(invocation)
  if (subject !== undefined && more.length === 0) return subject
  throw new NarrowcastError('INVALID_ARGUMENT', `${invocation.command} takes one backend`, {
    hint: 'Several beside each other: narrowcast lab compare SCENARIO --on A,B',
  })
}

async function subjectOf(
  invocation: Invocation,
  word: string,
  asked: Pattern | null,
): Promise<Subject> {
  if (isUrl(word)) return givenSubject(writable(invocation, word), asked, backends)
  const isBackend = backends.some(({ name }) => name === word)
  if (!isBackend && isContextName(word) && hasContext(invocation.env, word)) {
    return givenSubject(await urlOfContext(invocation, word), asked, backends)
  }
  return namedSubject(word, asked, backends)
}

/** Of -u, --url-file or -c; the one in use, and those of variables, are not meant for experiments. */
async function givenUrl(invocation: Invocation): Promise<string | null> {
  const { flags, folder, env } = invocation
  const url = flags.text('url')
  const file = flags.text('url-file')
  const context = flags.isSet('context') || url !== undefined ? selectedContext(flags, env) : null
  if (context !== null && ['--context', '--url'].includes(context.from)) {
    return await urlOfContext(invocation, context.name)
  }
  if (url !== undefined) return writable(invocation, url)
  return file === undefined ? null : writable(invocation, urlOfFile(folder, file))
}

/** @throws READ_ONLY where the context in use forbids changes, whatever URL is given beside it. */
function writable({ flags, env }: Invocation, url: string): string {
  const by = readOnlyBy(flags, env)
  if (by !== null) throw readOnly(by)
  return url
}

function readOnly(by: string): NarrowcastError {
  return new NarrowcastError('READ_ONLY', `an experiment changes its broker, and changes are off`, {
    hint: `Switched off by ${by}.\nOn a broker that the lab starts: narrowcast lab run calm --on file`,
  })
}

/** @throws READ_ONLY for one that nobody may change. */
async function urlOfContext({ env, timeoutMs }: Invocation, name: string): Promise<string> {
  const context = readContext(env, name)
  if (context.readOnly) throw readOnly(`context ${name}`)
  if (context.passwordCommand === undefined) return context.url
  return await withPassword(context.url, context.passwordCommand, { context: name, timeoutMs })
}
