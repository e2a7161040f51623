/** A number, `true`, `false` or `null`. */
const jsonWord = /^[-+.\w]+$/

/**
 * Whether what lies between `"data":` and the last brace can be one JSON value. Attributes of an
 * event are never objects, so others behind the data show at the end, without parsing.
 */
export function canBeOneValue(text: string): boolean {
  const body = text.trim()
  switch (body[0]) {
    case '{':
      return body.endsWith('}')
    case '[':
      return body.endsWith(']')
    case '"':
      return closingQuote(body) === body.length - 1
    default:
      return jsonWord.test(body)
  }
}

/** The first one that no odd number of backslashes stands before; -1: none. */
function closingQuote(text: string): number {
  for (let at = text.indexOf('"', 1); at > 0; at = text.indexOf('"', at + 1)) {
    let before = at
    while (text[before - 1] === '\\') before--
    if ((at - before) % 2 === 0) return at
  }
  return -1
}
