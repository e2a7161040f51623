import { nearest } from '../../drivers/_shared/nearest.ts'
import { type Token, tokensOf, whereFault } from './tokens.ts'

/** What an expression may speak of: names at the top, whatever lies below them. */
export type Facts = Readonly<Record<string, unknown>>
/** True where the facts fit. Never throws: what is not there is null. */
export type Where = (facts: Facts) => boolean

const depthMax = 100

type Value = (facts: Facts) => unknown

/**
 * Compiles an expression of a closed language: paths, literals, comparisons, `in`, `contains`,
 * `&&`, `||`, `!` and brackets. Nothing in it can run code, loop or reach outside of the facts.
 * @throws INVALID_ARGUMENT, pointing at the character.
 */
export function compileWhere(text: string, names: readonly string[]): Where {
  const parser = new Parser(text, names)
  const value = parser.any()
  parser.end()
  return (facts) => isTrue(value(facts))
}

class Parser {
  readonly #text: string
  readonly #names: readonly string[]
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0

  constructor(text: string, names: readonly string[]) {
    this.#text = text
    this.#names = names
    this.#tokens = tokensOf(text)
  }

  any(): Value {
    const parts = [this.#all()]
    while (this.#take('||')) parts.push(this.#all())
    return parts.length === 1
      ? (parts[0] as Value)
      : (facts) => parts.some((one) => isTrue(one(facts)))
  }

  end(): void {
    const token = this.#peek()
    if (token.kind !== 'end') this.#fail('goes on where it should end')
  }

  #all(): Value {
    const parts = [this.#not()]
    while (this.#take('&&')) parts.push(this.#not())
    return parts.length === 1
      ? (parts[0] as Value)
      : (facts) => parts.every((one) => isTrue(one(facts)))
  }

  #not(): Value {
    if (!this.#take('!')) return this.#comparison()
    const one = this.#deeper(() => this.#not())
    return (facts) => !isTrue(one(facts))
  }

  #comparison(): Value {
    const left = this.#operand()
    const token = this.#peek()
    const operator = token.kind === 'sign' || token.kind === 'word' ? comparisons[token.text] : null
    if (!operator) return left
    this.#next++
    const right = this.#operand()
    return (facts) => operator(left(facts), right(facts))
  }

  #operand(): Value {
    const token = this.#peek()
    this.#next++
    if (token.kind === 'number' || token.kind === 'string') return () => token.value
    if (token.kind === 'word') return this.#word(token.text)
    if (token.kind === 'sign' && token.text === '(') {
      const inner = this.#deeper(() => this.any())
      this.#expect(')')
      return inner
    }
    if (token.kind === 'sign' && token.text === '[') return this.#deeper(() => this.#list())
    this.#next--
    return this.#fail('lacks a value')
  }

  #word(word: string): Value {
    if (word === 'true' || word === 'false') return () => word === 'true'
    if (word === 'null') return () => null
    if (!this.#names.includes(word)) {
      this.#next--
      const near = nearest(word, this.#names)
      const known = `Known are ${this.#names.join(', ')}.`
      return this.#fail(
        `has the unknown name ${word}`,
        near ? `Did you mean ${near}? ${known}` : `${known} Strings need quotes.`,
      )
    }
    const path: string[] = [word]
    for (;;) {
      if (this.#take('.')) path.push(this.#name())
      else if (this.#take('[')) {
        path.push(this.#index())
        this.#expect(']')
      } else return (facts) => path.reduce<unknown>(member, facts)
    }
  }

  #list(): Value {
    const items: Value[] = []
    while (!this.#take(']')) {
      items.push(this.#operand())
      if (this.#take(']')) break
      this.#expect(',')
    }
    return (facts) => items.map((one) => one(facts))
  }

  #deeper<T>(read: () => T): T {
    if (this.#depth >= depthMax) this.#fail(`is nested deeper than ${depthMax}`)
    this.#depth++
    const result = read()
    this.#depth--
    return result
  }

  #name(): string {
    const token = this.#peek()
    if (token.kind !== 'word') return this.#fail('lacks a name after the dot')
    this.#next++
    return token.text
  }

  #index(): string {
    const token = this.#peek()
    if (token.kind !== 'number' && token.kind !== 'string') {
      return this.#fail('lacks a number or a string in the brackets')
    }
    this.#next++
    return String(token.value)
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token
  }

  #take(sign: string): boolean {
    const token = this.#peek()
    if (token.kind !== 'sign' || token.text !== sign) return false
    this.#next++
    return true
  }

  #expect(sign: string): void {
    if (!this.#take(sign)) this.#fail(`lacks ${JSON.stringify(sign)}`)
  }

  #fail(wrong: string, hint?: string): never {
    throw whereFault(this.#text, this.#peek().at, wrong, hint)
  }
}

/** Own members only: nothing of the prototype can be reached. */
function member(from: unknown, name: string): unknown {
  if (typeof from !== 'object' || from === null || !Object.hasOwn(from, name)) return null
  return (from as Record<string, unknown>)[name]
}

function isTrue(value: unknown): boolean {
  return value !== false && value !== null && value !== undefined
}

const comparisons: Readonly<Record<string, (left: unknown, right: unknown) => boolean>> = {
  '==': (left, right) => isSame(left, right),
  '!=': (left, right) => !isSame(left, right),
  '<': (left, right) => order(left, right, (sign) => sign < 0),
  '>': (left, right) => order(left, right, (sign) => sign > 0),
  '<=': (left, right) => order(left, right, (sign) => sign <= 0),
  '>=': (left, right) => order(left, right, (sign) => sign >= 0),
  in: (left, right) => Array.isArray(right) && right.some((one) => isSame(left, one)),
  contains: (left, right) =>
    typeof left === 'string'
      ? left.includes(String(right))
      : Array.isArray(left) && left.some((one) => isSame(one, right)),
}

function isSame(left: unknown, right: unknown): boolean {
  return (left ?? null) === (right ?? null)
}

/** Numbers with numbers, strings with strings; anything else has no order. */
function order(left: unknown, right: unknown, fits: (sign: number) => boolean): boolean {
  if (typeof left === 'number' && typeof right === 'number') return fits(left - right)
  if (typeof left === 'string' && typeof right === 'string') {
    return fits(left < right ? -1 : left > right ? 1 : 0)
  }
  return false
}
