import { NarrowcastError } from '../../core/errors.ts'

export type Token =
  | { readonly kind: 'word'; readonly text: string; readonly at: number }
  | { readonly kind: 'number' | 'string'; readonly value: number | string; readonly at: number }
  | { readonly kind: 'sign'; readonly text: string; readonly at: number }
  | { readonly kind: 'end'; readonly at: number }

const form =
  /\s*(?:(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<word>[A-Za-z_$][\w$-]*)|(?<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<sign>==|!=|<=|>=|&&|\|\||[<>!()[\],.]))/y

/** Ends recursion long before the stack does. */
const lengthMax = 4_000

/** @throws INVALID_ARGUMENT, pointing at the character. */
export function tokensOf(text: string): Token[] {
  if (text.length > lengthMax) throw whereFault(text, 0, `is longer than ${lengthMax} characters`)
  const tokens: Token[] = []
  const end = text.trimEnd().length
  form.lastIndex = 0
  while (form.lastIndex < end) {
    const from = form.lastIndex
    const found = form.exec(text)?.groups
    const at = from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0)
    if (!found)
      throw whereFault(text, at, `has ${JSON.stringify(text[at])}, which is no part of it`)
    if (found.number !== undefined) {
      tokens.push({ kind: 'number', value: Number(found.number), at })
    } else if (found.word !== undefined) tokens.push({ kind: 'word', text: found.word, at })
    else if (found.string !== undefined) {
      tokens.push({ kind: 'string', value: unquote(text, at, found.string), at })
    } else tokens.push({ kind: 'sign', text: found.sign as string, at })
  }
  return [...tokens, { kind: 'end', at: text.length }]
}

function unquote(text: string, at: number, quoted: string): string {
  const inner = quoted.slice(1, -1)
  const json = quoted[0] === '"' ? inner : inner.replaceAll("\\'", "'").replaceAll('"', '\\"')
  try {
    return JSON.parse(`"${json}"`) as string
  } catch (cause) {
    throw whereFault(text, at, `has a string that cannot be read: ${(cause as Error).message}`)
  }
}

/** What is wrong with an expression, and where. */
export function whereFault(
  text: string,
  at: number,
  wrong: string,
  hint = 'For example: data.hero == "Granite" && data.n > 9',
): NarrowcastError {
  return new NarrowcastError(
    'INVALID_ARGUMENT',
    `--where ${JSON.stringify(text)} ${wrong} (at character ${at + 1})`,
    { hint },
  )
}
